"""Settings of the demandes service: `DEMANDES_<NAME>`, otherwise `ESPACE_<NAME>`."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the two processes of this service need to know."""

    # postgresql+psycopg://… of this service's own database and role
    database_url: str
    # address of the gRPC process
    listen: str = "127.0.0.1:8102"
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
