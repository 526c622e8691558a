// Passkeys: a form that carries the server's options asks the authenticator, puts the answer in its
// hidden field and is sent. Without this script the other ways to prove oneself remain.
function bytes(text) {
  const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(raw, (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const raw = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function known(list = []) {
  return list.map((one) => ({ ...one, id: bytes(one.id) }));
}

async function create(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: known(options.excludeCredentials),
  };
  const made = await navigator.credentials.create({ publicKey });
  return answer(made, {
    clientDataJSON: text(made.response.clientDataJSON),
    attestationObject: text(made.response.attestationObject),
  });
}

async function prove(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: known(options.allowCredentials),
  };
  const made = await navigator.credentials.get({ publicKey });
  return answer(made, {
    clientDataJSON: text(made.response.clientDataJSON),
    authenticatorData: text(made.response.authenticatorData),
    signature: text(made.response.signature),
    userHandle: made.response.userHandle ? text(made.response.userHandle) : undefined,
  });
}

function answer(made, response) {
  return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response });
}

async function ask(form, button, words) {
  words.hidden = true;
  button.disabled = true;
  try {
    const options = JSON.parse(form.dataset.options);
    const act = form.dataset.cle === "creer" ? create : prove;
    form.querySelector("[name=reponse]").value = await act(options);
    form.requestSubmit();
  } catch {
    // The person said no, waited too long, or has no such key: the browser does not tell which.
    words.hidden = false;
    words.focus();
  } finally {
    button.disabled = false;
  }
}

export function setUpPasskeys(part) {
  for (const form of part.querySelectorAll("form[data-cle]:not([data-pret])")) {
    form.dataset.pret = "";
    const button = form.querySelector("[data-demander]");
    const words = form.querySelector("[data-refus]");
    if (!window.PublicKeyCredential) continue;
    button.disabled = false;
    button.addEventListener("click", () => {
      if (form.reportValidity()) ask(form, button, words);
    });
  }
}
