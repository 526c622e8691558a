"""The settings of the gateway, read once by `create_app` from `PASSERELLE_*`, then `ESPACE_*`."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that an installation may change in the gateway.

    The two keys have no default: the process stops at start and names what is missing.
    """

    # Ed25519 private key (PEM) that signs the short tokens which the services verify.
    token_private_key: str
    # At least 32 characters; keys the anti-forgery tokens. Replicas share it.
    secret: str
    # Origin that people type; it decides `Secure` cookies, HSTS, and the accepted Host header.
    url_publique: str = "http://127.0.0.1:8080"
    # Further `host[:port]` values accepted in the Host header, for example an inner load balancer.
    hotes: tuple[str, ...] = ()
    # Proxies in front whose X-Forwarded-* is believed; 0 believes nobody (R16).
    mandataires: int = 0
    # Where `python -m passerelle.serve` listens, and how many requests it answers at once.
    listen: str = "127.0.0.1:8080"
    fils: int = 16

    # Discovery: Consul when its URL is set, these `service=host:port` pairs otherwise.
    consul_url: str = ""
    consul_token: str = ""
    adresses: dict[str, str] = field(default_factory=dict)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authority: Path | None = None
    # "" none, "file:/path.jsonl", or the OTLP/HTTP endpoint.
    otlp: str = ""

    # Seconds: one call, the whole aggregated home, one upload, one download.
    delai_appel_s: float = 2.0
    # Log-in and sign-up wait for an Argon2id hash, at most two at once (R03).
    delai_mot_de_passe_s: float = 6.0
    delai_accueil_s: float = 1.5
    delai_depot_s: float = 600.0
    delai_lecture_s: float = 600.0

    # Seconds that a verified session, and a minted token, are used again without asking (R33).
    cache_session_s: float = 5.0
    cache_jeton_s: float = 30.0
    # Seconds that a session verified a moment ago still opens *reading* pages while identite is
    # away. 0 closes everything with identite.
    grace_session_s: float = 120.0

    # R36: minutes that a proof opens sensitive acts; identite judges its own by its own setting.
    preuve_recente_min: int = 20

    # R90. The largest document is the stockage service's own rule; this one saves the bytes.
    json_max_octets: int = 256 * 1024
    json_profondeur: int = 20
    piece_max_octets: int = 25 * 1024 * 1024
    # Seconds that one read of a request body may wait for its client (R90).
    delai_corps_s: float = 10.0

    # Header in which the TLS terminator gives the client's certificate (RFC 9440, or PEM with
    # percent signs), and the addresses of the terminators that are believed (RFC 8705); none when
    # empty.
    certificat_entete: str = ""
    certificat_mandataires: tuple[str, ...] = ()
    # Origin where that terminator asks clients for certificates; "" when it is the public one.
    oidc_url_mtls: str = ""
    # Log-in with another provider's identity (SAG, FranceConnect): its issuer turns it on.
    amont_emetteur: str = ""
    amont_client_id: str = ""
    # A secret, or a private JSON Web Key for private_key_jwt.
    amont_secret: str = ""
    amont_cle: str = ""
    amont_portees: tuple[str, ...] = ("openid", "email", "profile")
    # Wanted level of assurance; "" asks for none. What comes back must be one of them.
    amont_acr: tuple[str, ...] = ()
    # Our name for a claim -> the provider's, where they differ ("courriel=mail").
    amont_revendications: dict[str, str] = field(default_factory=dict)
    # What the button says, in both languages.
    amont_nom_fr: str = ""
    amont_nom_en: str = ""

    # The city, as its pages name it.
    ville_nom: str = "Sainte-Thérèse"
    ville_fuseau: str = "America/Toronto"
    langue: str = "fr"

    @property
    def https(self) -> bool:
        """True when people reach the gateway over TLS."""
        return self.url_publique.startswith("https://")
