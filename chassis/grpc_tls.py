"""Mutual TLS between gRPC processes: both sides show a certificate of the same authority."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import grpc


@dataclass(frozen=True, kw_only=True)
class Files:
    """What a process shows and what it accepts.

    `certificate` and `key` are this process's PEM files; `authority` is the PEM certificate of the
    installation's own authority; `peers` are the DNS names that clients of this server may bear
    (empty: any certificate of the authority).
    """

    certificate: Path
    key: Path
    authority: Path
    peers: tuple[str, ...] = ()

    def server(self) -> grpc.ServerCredentials:
        """Give the credentials of a server that refuses clients without a certificate."""
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_credentials(
            [pair], root_certificates=self.authority.read_bytes(), require_client_auth=True
        )

    def client(self) -> grpc.ChannelCredentials:
        """Give the credentials of a client."""
        return grpc.ssl_channel_credentials(
            root_certificates=self.authority.read_bytes(),
            private_key=self.key.read_bytes(),
            certificate_chain=self.certificate.read_bytes(),
        )

    def accepts(self, context: grpc.ServicerContext) -> bool:
        """Tell whether the peer of this call bears one of the allowed names."""
        if not self.peers:
            return True
        names: Iterable[bytes] = context.auth_context().get("x509_subject_alternative_name", ())  # type: ignore[assignment]  # the stubs say bytes, it is a list of them
        return any(name.decode() in self.peers for name in names)


def files(
    certificate: Path | None,
    key: Path | None,
    authority: Path | None,
    peers: tuple[str, ...] = (),
) -> Files | None:
    """Give the files that the settings name, or None when they name none.

    Raises: ValueError when they name a part of them: a process that was to be protected does not
        start bare.
    """
    if certificate and key and authority:
        return Files(certificate=certificate, key=key, authority=authority, peers=peers)
    if certificate or key or authority or peers:
        raise ValueError("TLS_CERTIFICATE, TLS_KEY and TLS_AUTHORITY: give all three, or none")
    return None
