"""Settings of the cartes service, read from CARTES_* and ESPACE_* environment variables."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of both processes; every default is what `make demo` uses."""

    database_url: str
    amqp_url: str = ""
    listen: str = "127.0.0.1:8101"
    token_public_key: str = ""
    # 32 bytes in base64, shared with the avis service alone: it seals the secret of mailed links.
    cle_scelle: str = ""

    # Registry and addresses of the other services; with no Consul the static ones serve.
    consul_url: str = ""
    consul_token: str = ""
    adresses: dict[str, str] = field(default_factory=dict)  # stockage=host:port
    otlp: str = ""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authority: Path | None = None
    # Names that a client's certificate may bear; none: any certificate of the authority.
    tls_peers: tuple[str, ...] = ()
    # Threads that answer RPCs.
    fils: int = 16

    # The city.
    ville_fuseau: str = "America/Toronto"
    ville_nom: str = "Ville de Sainte-Thérèse"
    ville_initiales: str = "ST"
    # Colours of the card, #rrggbb; their contrast must reach 4.5:1 (WCAG 1.4.3).
    couleur_fond: str = "#003c71"
    couleur_texte: str = "#ffffff"
    # Public address of the portal, printed on the back of the pass and allowed to offer the link.
    url_publique: str = "http://127.0.0.1:8080"
    # Four digits of the city's library in the card number.
    institution: str = "0042"
    # Age in years from which a person asks alone; younger ones through a guardian (IDN-18).
    age_minimal: int = 14
    # Kinds of document of the storage space accepted for each role (CAR-02).
    genres_identite: tuple[str, ...] = ("IDENTITE",)
    genres_residence: tuple[str, ...] = ("RESIDENCE",)
    # Days that the links of the approval mail work, and days that an expired one is remembered,
    # so that its holder reads « expiré » and not « inconnu ».
    lien_jours: int = 14
    lien_memoire_jours: int = 90
    # Days before and after the last one, both inclusive, when a card can be renewed (CAR-09), and
    # days before it when the last reminder leaves.
    renouvellement_avant_jours: int = 30
    renouvellement_apres_jours: int = 90
    rappel_dernier_jours: int = 3
    # Tries of one account at associating a card, in an hour (CAR-03).
    essais_association: int = 5

    # The signed QR (CAR-16): 32 bytes in base64 that seal the signing keys kept in the database;
    # without it a card shows its number alone. `code_emetteur` is the town's permanent https
    # address, written in every code (default: url_publique), and `code_ville` its geographic code.
    code_cle: str = field(default="", repr=False)
    code_emetteur: str = ""
    code_ville: int = 73010

    # Apple Wallet: certificate of the Pass Type ID, its key, and the WWDR that issued it. Without
    # all three the city offers no Apple pass.
    apple_certificat: Path | None = None
    apple_cle: Path | None = None
    apple_wwdr: Path | None = None
    apple_type_passe: str = "pass.ca.qc.sainte-therese.carte"
    apple_equipe: str = "A1B2C3D4E5"
    # Base of the update web service, without /v1; only an https address is written in passes, and
    # then with the token that this key (32 bytes, base64) gives to each pass.
    apple_url_service: str = ""
    apple_cle_jeton: str = ""

    # Google Wallet: path of the service account's JSON and the issuer's number. Without both the
    # city offers no Google link.
    google_compte: Path | None = None
    google_emetteur: str = ""
