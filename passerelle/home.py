"""The aggregated home (PAS-03): the five services asked at once, shared by the portal and the API.

Guarantee: it takes at most `delai_accueil_s`, and what one service does not answer never hides
what the others did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chassis.grpc_client import Pending, Remote, RemoteError
from espacecitoyen.avis.v1 import avis_service_pb2 as avis
from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.demandes.v1 import demandes_service_pb2 as demandes
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle.clients import Clients
from passerelle.problems import reason
from passerelle.visits import Visit

T = TypeVar("T")

_PIECES = 5
_MESSAGES = 5
_TYPES = 6


@dataclass(frozen=True)
class Block(Generic[T]):
    """What one service gave: a value, or the code of the reason why it is missing."""

    value: T | None
    error: str | None


@dataclass(frozen=True)
class Home:
    """The home of one person, one block per service."""

    profil: Block[identite.Profil]
    cartes: Block[cartes.ListCartesResponse]
    demandes: Block[demandes.ListTypesDemandeResponse]
    avis: Block[avis.GetMesAvisResponse]
    stockage: Block[stockage.ListPiecesResponse]

    @property
    def complete(self) -> bool:
        """True when every service answered."""
        blocks = (self.profil, self.cartes, self.demandes, self.avis, self.stockage)
        return all(block.error is None for block in blocks)


def load_home(clients: Clients, visit: Visit) -> Home:
    """Ask the five services for what the home shows.

    Args:
        clients: the remotes.
        visit: the logged-in visitor; the token is minted for the same one.
    """
    if not visit.connecte:
        raise ValueError("the home belongs to somebody")
    ask = _Ask(token=clients.token(), deadline_s=clients.config.delai_accueil_s)
    # All five are on their way before the first answer is awaited.
    profil = ask(clients.identite, lambda s: s.GetProfil, identite.GetProfilRequest())
    mine = ask(clients.cartes, lambda s: s.ListCartes, cartes.ListCartesRequest())
    types = ask(
        clients.demandes,
        lambda s: s.ListTypesDemande,
        demandes.ListTypesDemandeRequest(page_size=_TYPES),
    )
    notices = ask(clients.avis, lambda s: s.GetMesAvis, avis.GetMesAvisRequest(messages=_MESSAGES))
    pieces = ask(
        clients.stockage,
        lambda s: s.ListPieces,
        stockage.ListPiecesRequest(page_size=_PIECES),
    )
    answer: Block[identite.GetProfilResponse] = profil()
    return Home(
        profil=Block(answer.value.profil if answer.value else None, answer.error),
        cartes=mine(),
        demandes=types(),
        avis=notices(),
        stockage=pieces(),
    )


@dataclass(frozen=True)
class _Ask:
    token: str
    deadline_s: float

    def __call__(
        self, remote: Remote[Any], rpc: Callable[[Any], Any], request: object
    ) -> Callable[[], Block[Any]]:
        """Start a call; the returned function awaits it."""
        try:
            pending: Pending[Any] = remote.future(
                rpc, request, token=self.token, deadline=self.deadline_s
            )
        except RemoteError as error:
            missing: Block[Any] = Block(None, reason(error))
            return lambda: missing
        return lambda: _await(pending)


def _await(pending: Pending[Any]) -> Block[Any]:
    try:
        return Block(pending.result(), None)
    except RemoteError as error:
        return Block(None, reason(error))
