"""Settings of stockage: environment names start with `STOCKAGE_` or `ESPACE_`."""

from dataclasses import dataclass, field
from pathlib import Path

MIO = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every setting of the two processes and of the operator commands.

    Sizes are in bytes, durations in seconds. A field without a default is required.
    """

    database_url: str
    listen: str = "127.0.0.1:8132"
    amqp_url: str = "amqp://guest:guest@127.0.0.1:5672/%2F"
    consul_url: str = ""
    consul_token: str = ""
    otlp: str = ""
    token_public_key: str = ""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authority: Path | None = None
    # Names that a client's certificate may bear; none means any of our authority.
    tls_peers: tuple[str, ...] = ()

    # Folder back end: one file per document, named by 128 random bits. Unused with a bucket.
    dossier: Path | None = None
    # S3-compatible back end: server ("" is Amazon's own), bucket, access key and its secret.
    s3_url: str = ""
    s3_seau: str = ""
    s3_cle: str = ""
    s3_secret: str = field(default="", repr=False)
    s3_region: str = "us-east-1"
    # Longest silence of the server; a call is tried twice.
    s3_silence_s: float = 5.0
    # "host:port" of clamd. Nothing is served before clamd has judged it.
    clamd: str
    # Longest silence of clamd while it judges (R46): a city that takes gigabytes needs more.
    clamd_silence_s: float = 30.0
    # "base64" or "2:base64,1:base64": 32-byte keys, the first one wraps what is new (R51, R52).
    cle_maitresse: str = field(repr=False)

    taille_max_octets: int = 25 * MIO
    quota_octets: int = 1024 * MIO
    # An upload that can be taken up again waits so long for its next bytes, and makes what arrived
    # durable each so many bytes.
    televersement_s: int = 24 * 3600
    segment_octets: int = 4 * MIO
    # R42, R43: what a parser may be asked to open.
    pixels_max: int = 25_000_000
    pages_max: int = 50

    # The city's calendar, and how many days before the end of a validity its owner is told.
    ville_fuseau: str = "America/Toronto"
    rappel_validite_jours: int = 30
    # Days that the copy which a case used is kept after its decision (IDN-22), for a service
    # ("cartes") or a kind in it ("demandes.AUTRE"); 30 for what is not named.
    conservation_jours: dict[str, str] = field(
        default_factory=lambda: {"cartes": "30", "demandes": "30"}
    )
    # Days that it is remembered who read a document.
    consultations_jours: int = 730

    # R44: limits of one parser process.
    analyse_memoire_octets: int = 512 * MIO
    analyse_cpu_s: int = 10
    analyse_delai_s: int = 30
    # Parsers that may run at once; each may take `analyse_memoire_octets`.
    analyses_simultanees: int = 2

    # Timers of the worker: documents that wait for clamd, then files that no row names.
    reprise_s: float = 5.0
    balayage_s: float = 600.0
    # Looks at the retentions that are over and at the validities that end; missed ones are made up.
    conservation_s: float = 3600.0
    rappel_s: float = 3600.0
    # Looks at the antivirus's signatures, and judges again what newer ones have not seen.
    reexamen_s: float = 6 * 3600.0
    # An object without a row is an upload in progress until it is this old.
    delai_orphelin_s: int = 3600
