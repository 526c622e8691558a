"""The five services as the gateway sees them: nothing else here talks gRPC.

A token is minted for the visit of the current request; it says who asks, with which roles and for
which purpose, and each service decides by itself.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from flask import current_app, has_request_context
from grpc_health.v1.health_pb2_grpc import HealthStub

from chassis import discovery, grpc_tls
from chassis.grpc_client import Remote
from chassis.identity import TokenMinter
from espacecitoyen.avis.v1.avis_service_pb2_grpc import AvisServiceStub
from espacecitoyen.cartes.v1.cartes_service_pb2_grpc import CartesServiceStub
from espacecitoyen.cartes.v1.code_service_pb2_grpc import CodeServiceStub
from espacecitoyen.cartes.v1.parcours_service_pb2_grpc import ParcoursServiceStub
from espacecitoyen.demandes.v1.demandes_service_pb2_grpc import DemandesServiceStub
from espacecitoyen.identite.v1.acces_service_pb2_grpc import AccesServiceStub
from espacecitoyen.identite.v1.coordonnees_service_pb2_grpc import CoordonneesServiceStub
from espacecitoyen.identite.v1.facteurs_service_pb2_grpc import FacteursServiceStub
from espacecitoyen.identite.v1.identite_service_pb2_grpc import IdentiteServiceStub
from espacecitoyen.identite.v1.mandats_service_pb2_grpc import MandatsServiceStub
from espacecitoyen.identite.v1.oidc_service_pb2_grpc import OidcServiceStub
from espacecitoyen.identite.v1.ponts_service_pb2_grpc import PontsServiceStub
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import StockageServiceStub
from espacecitoyen.stockage.v1.televersement_service_pb2_grpc import TeleversementServiceStub
from passerelle.config import Config
from passerelle.visits import ANONYME

SERVICES: Final = ("identite", "cartes", "demandes", "avis", "stockage")
# A token lives twice as long as it is cached, so that a call never starts with a dying one.
_LIFETIME_FACTOR: Final = 2
_CACHE_MAX: Final = 20_000

_TokenKey = tuple[str, str, frozenset[str], str, str]


class Clients:
    """The five remotes of this process and the tokens they are called with."""

    def __init__(self, config: Config, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.config = config
        addresses = {
            name: discovery.addresses(
                name,
                consul_url=config.consul_url,
                static=config.adresses,
                token=config.consul_token,
            )
            for name in SERVICES
        }
        tls = _tls(config)
        self.identite = Remote(
            "identite", stub=IdentiteServiceStub, addresses=addresses["identite"], tls=tls
        )
        self.oidc = Remote(
            "identite", stub=OidcServiceStub, addresses=addresses["identite"], tls=tls
        )
        self.coordonnees = Remote(
            "identite", stub=CoordonneesServiceStub, addresses=addresses["identite"], tls=tls
        )
        self.acces = Remote(
            "identite", stub=AccesServiceStub, addresses=addresses["identite"], tls=tls
        )
        self.mandats = Remote(
            "identite", stub=MandatsServiceStub, addresses=addresses["identite"], tls=tls
        )
        self.facteurs = Remote(
            "identite", stub=FacteursServiceStub, addresses=addresses["identite"], tls=tls
        )
        self.ponts = Remote(
            "identite", stub=PontsServiceStub, addresses=addresses["identite"], tls=tls
        )
        self.cartes = Remote(
            "cartes", stub=CartesServiceStub, addresses=addresses["cartes"], tls=tls
        )
        self.parcours_cartes = Remote(
            "cartes", stub=ParcoursServiceStub, addresses=addresses["cartes"], tls=tls
        )
        self.codes = Remote("cartes", stub=CodeServiceStub, addresses=addresses["cartes"], tls=tls)
        self.demandes = Remote(
            "demandes", stub=DemandesServiceStub, addresses=addresses["demandes"], tls=tls
        )
        self.avis = Remote("avis", stub=AvisServiceStub, addresses=addresses["avis"], tls=tls)
        self.stockage = Remote(
            "stockage", stub=StockageServiceStub, addresses=addresses["stockage"], tls=tls
        )
        self.televersement = Remote(
            "stockage", stub=TeleversementServiceStub, addresses=addresses["stockage"], tls=tls
        )
        # grpc shares the connection between channels of the same target.
        self.health = {
            name: Remote(name, stub=HealthStub, addresses=addresses[name], tls=tls)
            for name in SERVICES
        }
        self._minter = TokenMinter(
            config.token_private_key.encode(),
            lifetime_s=int(config.cache_jeton_s * _LIFETIME_FACTOR),
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: OrderedDict[_TokenKey, tuple[str, float]] = OrderedDict()

    def token(self, purpose: str = "") -> str:
        """Return a token for the visitor of the current request.

        Args:
            purpose: why personal data is read, for example "validation_carte"; services log it.
        """
        # Imported here because a session is verified through these clients.
        from passerelle.session import current_visit  # noqa: PLC0415

        visit = current_visit() if has_request_context() else ANONYME
        if not visit.connecte:
            return self.anonymous_token(purpose)
        autrui = visit.agit_pour.compte_id if visit.agit_pour else ""
        return self._token(visit.compte_id, visit.session_id, visit.roles, purpose, autrui)

    def own_token(self) -> str:
        """Return a token of the visitor for themself, also while they act for somebody else."""
        from passerelle.session import current_visit  # noqa: PLC0415 - as above

        visit = current_visit()
        if not visit.connecte:
            return self.anonymous_token()
        return self._token(visit.compte_id, visit.session_id, visit.roles_propres, "")

    def anonymous_token(self, purpose: str = "") -> str:
        """Return a token of nobody: sign-up, activation, log-in, mailed links, health."""
        return self._token("", "", frozenset({"anonyme"}), purpose)

    def close(self) -> None:
        """Close every channel."""
        self.acces.close()
        self.coordonnees.close()
        self.facteurs.close()
        self.mandats.close()
        for remote in (self.identite, self.cartes, self.demandes, self.avis, self.stockage):
            remote.close()
        self.codes.close()
        self.parcours_cartes.close()
        self.televersement.close()
        self.oidc.close()
        self.ponts.close()
        for remote in self.health.values():
            remote.close()

    def _token(
        self,
        subject: str,
        session: str,
        roles: frozenset[str],
        purpose: str,
        acting_for: str = "",
    ) -> str:
        key = (subject, session, roles, purpose, acting_for)
        now = self._clock()
        with self._lock:
            known = self._tokens.get(key)
        if known is not None and now - known[1] < self.config.cache_jeton_s:
            return known[0]
        minted = self._minter.mint(
            subject=subject,
            roles=sorted(roles),
            session=session,
            purpose=purpose,
            acting_for=acting_for,
        )
        with self._lock:
            self._tokens[key] = (minted, now)
            self._tokens.move_to_end(key)
            while len(self._tokens) > _CACHE_MAX:
                self._tokens.popitem(last=False)
        return minted


def current() -> Clients:
    """Return the clients of the running application."""
    found: Clients = current_app.extensions["clients"]
    return found


def _tls(config: Config) -> grpc_tls.Files | None:
    return grpc_tls.files(config.tls_certificate, config.tls_key, config.tls_authority)
