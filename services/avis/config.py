"""Settings of the avis service: `AVIS_<NAME>`, otherwise `ESPACE_<NAME>`, otherwise the default."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the two processes of this service need to know."""

    # postgresql+psycopg://… of this service's own database and role
    database_url: str
    # address of the gRPC process
    listen: str = "127.0.0.1:8103"
    amqp_url: str
    # empty: no registry, addresses come from settings
    consul_url: str = ""
    consul_token: str = ""
    adresses: dict[str, str] = field(default_factory=dict)
    # empty, file:/path.jsonl or http://…
    otlp: str = ""
    # PEM of the key that the gateway signs its tokens with
    token_public_key: str
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authority: Path | None = None
    # names that a client's certificate may bear; none: any certificate of the authority
    tls_peers: tuple[str, ...] = ()

    # base64 of 32 bytes: seals addresses and mail data at rest, keys their fingerprints
    cle: str
    # base64 of 32 bytes: what identite seals for us, what cartes seals for us
    cle_scelle_identite: str
    cle_scelle_cartes: str

    # smtp://host:port, smtp+starttls://user:password@host:port or smtps://…
    smtp_url: str = "smtp://127.0.0.1:8082"
    # longest time that one message may take, from connection to answer
    smtp_delai_s: float = 20.0
    # From of every mail; its domain ends every Message-ID
    expediteur: str = "Espace citoyen <espace-citoyen@sainte-therese.example>"
    # where doubtful sends are looked up: base URL of the sink's API; empty: nobody can be asked
    journal_smtp: str = ""
    # how long the mail server may still be storing what a dead worker gave it
    doute_s: float = 3.0
    # a message that no server took after so many tries, a minute apart, is given up (state REFUSE)
    essais_max: int = 4320
    # sealed data of a finished message are erased after that long
    retention_donnees_h: float = 72.0
    # finished messages leave the ledger after that long (13 months)
    retention_envois_j: float = 395.0

    # how SMS and calls leave: "boite" shows each as a mail to the demo's mail server, "" not at all
    texto: str = ""
    voix: str = ""

    # links of the mails start with it
    url_publique: str = "http://127.0.0.1:8080"
    ville_nom: str = "Ville de Sainte-Thérèse"
