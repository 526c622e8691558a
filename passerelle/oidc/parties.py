"""Relying parties as Authlib asks about them, read from identite and kept for a moment."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import grpc
from authlib.oauth2.rfc6749 import ClientMixin

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from passerelle import clients

# Seconds that a registration is used again without asking; identite judges every act by itself.
_FRAICHEUR_S: Final = 5.0
_MAX: Final = 500
_ID_MAX: Final = 200


class Partie(ClientMixin):  # type: ignore[misc]  # Authlib ships no types
    """One registered client."""

    def __init__(self, client: pb.ClientOidc) -> None:
        self.client = client

    @property
    def client_metadata(self) -> dict[str, list[str]]:
        """What Authlib's log-out endpoint looks at."""
        return {"post_logout_redirect_uris": list(self.client.redirections_fin)}

    def get_client_id(self) -> str:
        """Give the identifier."""
        return self.client.client_id

    def get_default_redirect_uri(self) -> None:
        """OpenID Connect wants the address in every request."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Give the scope when all of it may be asked for, None otherwise."""
        voulues = (scope or "").split()
        if "openid" not in voulues or set(voulues) - set(self.client.portees):
            return None
        return " ".join(voulues)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Accept a registered address, character by character."""
        return redirect_uri in self.client.redirections

    def check_response_type(self, response_type: str) -> bool:
        """The code flow alone."""
        return response_type == "code"


class Parties:
    """What `query_client` asks: clients by identifier, read again after some seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._connues: OrderedDict[str, tuple[Partie | None, float]] = OrderedDict()

    def __call__(self, client_id: str) -> Partie | None:
        """Find a client. Raises: RemoteError when identite does not answer."""
        if not 0 < len(client_id) <= _ID_MAX:
            return None
        now = self._clock()
        with self._lock:
            connue = self._connues.get(client_id)
        if connue is not None and now - connue[1] < _FRAICHEUR_S:
            return connue[0]
        trouvee = _lire(client_id)
        with self._lock:
            self._connues[client_id] = (trouvee, now)
            self._connues.move_to_end(client_id)
            while len(self._connues) > _MAX:
                self._connues.popitem(last=False)
        return trouvee


def _lire(client_id: str) -> Partie | None:
    services = clients.current()
    try:
        reponse: pb.GetClientOidcResponse = services.oidc.call(
            lambda s: s.GetClientOidc,
            pb.GetClientOidcRequest(client_id=client_id),
            token=services.anonymous_token(),
        )
    except RemoteError as error:
        if error.code is grpc.StatusCode.NOT_FOUND:
            return None
        raise
    return Partie(reponse.client)
