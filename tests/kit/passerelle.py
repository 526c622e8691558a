"""The gateway with five programmable services behind real gRPC servers."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from chassis.current import caller
from chassis.identity import Caller
from espacecitoyen.avis.v1 import avis_service_pb2 as avis
from espacecitoyen.avis.v1.avis_service_pb2_grpc import add_AvisServiceServicer_to_server
from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.cartes.v1 import code_service_pb2 as code
from espacecitoyen.cartes.v1 import parcours_service_pb2 as parcours
from espacecitoyen.cartes.v1.cartes_service_pb2_grpc import add_CartesServiceServicer_to_server
from espacecitoyen.cartes.v1.code_service_pb2_grpc import add_CodeServiceServicer_to_server
from espacecitoyen.cartes.v1.parcours_service_pb2_grpc import add_ParcoursServiceServicer_to_server
from espacecitoyen.demandes.v1 import demandes_service_pb2 as demandes
from espacecitoyen.demandes.v1.demandes_service_pb2_grpc import (
    add_DemandesServiceServicer_to_server,
)
from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as coordonnees
from espacecitoyen.identite.v1 import facteurs_service_pb2 as facteurs
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from espacecitoyen.identite.v1 import mandats_service_pb2 as mandats
from espacecitoyen.identite.v1 import ponts_service_pb2 as ponts
from espacecitoyen.identite.v1.acces_service_pb2_grpc import add_AccesServiceServicer_to_server
from espacecitoyen.identite.v1.coordonnees_service_pb2_grpc import (
    add_CoordonneesServiceServicer_to_server,
)
from espacecitoyen.identite.v1.facteurs_service_pb2_grpc import (
    add_FacteursServiceServicer_to_server,
)
from espacecitoyen.identite.v1.identite_service_pb2_grpc import (
    add_IdentiteServiceServicer_to_server,
)
from espacecitoyen.identite.v1.mandats_service_pb2_grpc import (
    add_MandatsServiceServicer_to_server,
)
from espacecitoyen.identite.v1.ponts_service_pb2_grpc import add_PontsServiceServicer_to_server
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from espacecitoyen.stockage.v1 import televersement_service_pb2 as televersement
from espacecitoyen.stockage.v1.stockage_service_pb2_grpc import (
    add_StockageServiceServicer_to_server,
)
from espacecitoyen.stockage.v1.televersement_service_pb2_grpc import (
    add_TeleversementServiceServicer_to_server,
)
from passerelle.app import create_app
from passerelle.config import Config
from tests.kit.grpc import running
from tests.kit.identity import PRIVATE_KEY
from tests.kit.passerelle_answers import (
    AGENT,
    ANSWERS,
    CARTE,
    CITOYENNE,
    COMPTE,
    DEMANDE,
    ERRORS,
    JETON,
    REFUS,
    RESIDENCE,
    SESSION,
    deposer,
    lire,
    un_profil,
    une_carte,
    une_demande,
    une_piece,
    verifier_session,
)
from tests.kit.passerelle_espace import PIECE, TELEVERSEMENT, un_televersement

__all__ = [
    "AGENT",
    "ANSWERS",
    "CARTE",
    "CITOYENNE",
    "COMPTE",
    "DEMANDE",
    "ERRORS",
    "JETON",
    "PIECE",
    "REFUS",
    "RESIDENCE",
    "SESSION",
    "TELEVERSEMENT",
    "Fakes",
    "Service",
    "bearer",
    "deposer",
    "fakes",
    "gateway",
    "lire",
    "log_in",
    "multipart",
    "un_profil",
    "un_televersement",
    "une_carte",
    "une_config",
    "une_demande",
    "une_piece",
    "verifier_session",
]


@dataclass
class Service:
    """One fake service: RPC -> answer, exception, or function of the request."""

    answers: dict[str, Any] = field(default_factory=dict)
    seen: list[tuple[str, Any, Caller]] = field(default_factory=list)
    address: str = ""

    def __getattr__(self, rpc: str) -> Callable[[Any, Any], Any]:
        if not rpc[0].isupper():
            raise AttributeError(rpc)
        return lambda request, _context: self._serve(rpc, request)

    def _serve(self, rpc: str, request: Any) -> Any:
        self.seen.append((rpc, request, caller()))
        answer = self.answers[rpc]
        if callable(answer) and not isinstance(answer, type):
            answer = answer(request)
        if isinstance(answer, type | Exception):
            raise answer
        return answer

    def calls(self, rpc: str) -> list[tuple[Any, Caller]]:
        """Requests and callers of an RPC, in order."""
        return [(request, who) for name, request, who in self.seen if name == rpc]


_PROTOS: dict[str, tuple[Any, Callable[..., None], str]] = {
    "identite": (identite, add_IdentiteServiceServicer_to_server, "IdentiteService"),
    "cartes": (cartes, add_CartesServiceServicer_to_server, "CartesService"),
    "demandes": (demandes, add_DemandesServiceServicer_to_server, "DemandesService"),
    "avis": (avis, add_AvisServiceServicer_to_server, "AvisService"),
    "stockage": (stockage, add_StockageServiceServicer_to_server, "StockageService"),
}


# Further contracts that a service answers beside its first one.
_OTHERS: dict[str, tuple[tuple[Any, Callable[..., None], str], ...]] = {
    "identite": (
        (acces, add_AccesServiceServicer_to_server, "AccesService"),
        (coordonnees, add_CoordonneesServiceServicer_to_server, "CoordonneesService"),
        (facteurs, add_FacteursServiceServicer_to_server, "FacteursService"),
        (mandats, add_MandatsServiceServicer_to_server, "MandatsService"),
        (ponts, add_PontsServiceServicer_to_server, "PontsService"),
    ),
    "cartes": (
        (parcours, add_ParcoursServiceServicer_to_server, "ParcoursService"),
        (code, add_CodeServiceServicer_to_server, "CodeService"),
    ),
    "stockage": (
        (televersement, add_TeleversementServiceServicer_to_server, "TeleversementService"),
    ),
}


@dataclass
class Fakes:
    """The five fakes and the addresses they listen on."""

    identite: Service
    cartes: Service
    demandes: Service
    avis: Service
    stockage: Service

    def reset(self) -> None:
        """Answer as on a fine day again, and forget what was asked."""
        for name in _PROTOS:
            service: Service = getattr(self, name)
            service.seen.clear()
            service.answers.clear()
            service.answers.update(ANSWERS[name])

    @property
    def adresses(self) -> dict[str, str]:
        return {name: getattr(self, name).address for name in _PROTOS}


@contextlib.contextmanager
def fakes() -> Iterator[Fakes]:
    """Serve the five fakes on free loopback ports."""
    found = Fakes(*(Service() for _ in _PROTOS))
    with contextlib.ExitStack() as stack:
        for name, (proto, add, service) in _PROTOS.items():
            fake: Service = getattr(found, name)
            contracts = ((proto, add, service), *_OTHERS.get(name, ()))
            methods = [
                method
                for each, _, called in contracts
                for method in each.DESCRIPTOR.services_by_name[called].methods
            ]
            fake.address = stack.enter_context(
                running(
                    register=functools.partial(_register, [add for _, add, _ in contracts], fake),
                    service=f"espacecitoyen.{name}.v1.{service}",
                    others=tuple(
                        f"espacecitoyen.{name}.v1.{called}" for _, _, called in contracts[1:]
                    ),
                    access={method.name: frozenset({"*"}) for method in methods},
                    errors=ERRORS,
                    name=name,
                )
            )
        found.reset()
        yield found


def _register(adds: list[Callable[..., None]], fake: Service, server: Any) -> None:
    for add in adds:
        add(fake, server)


def une_config(adresses: dict[str, str], **changes: Any) -> Config:
    """Settings of a test's gateway."""
    config = Config(
        token_private_key=PRIVATE_KEY.decode(),
        secret="s" * 40,
        url_publique="http://localhost",
        adresses=adresses,
        cache_session_s=0.0,
    )
    return replace(config, **changes)


@contextlib.contextmanager
def gateway(adresses: dict[str, str], **changes: Any) -> Iterator[Flask]:
    """Run a gateway over these services."""
    app = create_app(une_config(adresses, **changes))
    try:
        yield app
    finally:
        app.extensions["clients"].close()


def bearer(secret: str = CITOYENNE) -> dict[str, str]:
    """Headers of an API client."""
    return {"Authorization": f"Bearer {secret}"}


def log_in(client: FlaskClient, *, agent: bool = False) -> None:
    """Give the client a session cookie."""
    if agent:
        client.set_cookie("session_agent", AGENT, path="/agents")
    else:
        client.set_cookie("session", CITOYENNE)


def multipart(
    fields: dict[str, str], *files: tuple[str, bytes], boundary: str = "limite"
) -> tuple[bytes, str]:
    """A multipart body, fields first, and its content type."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for index, (name, data) in enumerate(files):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="fichier{index}"; '
        parts.append(
            f'{head}filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'.encode() + data + b"\r\n"
        )
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
