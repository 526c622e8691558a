// The upstream provider of the tests: npm `oidc-provider`, with its own log-in page.
// Run: node fournisseur_amont.mjs PORT RETOUR ADIEU
import Provider from "oidc-provider";

const [port, retour, adieu] = process.argv.slice(2);
const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: "espace",
      client_secret: "secret-de-l-espace-citoyen-pour-les-essais",
      redirect_uris: [retour],
      post_logout_redirect_uris: [adieu],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: { openid: ["sub", "acr"], email: ["email", "email_verified"], profile: ["name"] },
  // Somebody's name there is their address, and says whether it was verified: "a+nu@x" was not.
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id.replace("+nu", ""), email_verified: !id.includes("+nu") }),
  }),
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
  cookies: { keys: ["une clé d’essai"] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("prêt"));
