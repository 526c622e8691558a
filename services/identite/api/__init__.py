"""The gRPC faces of identite: one module for each proto service, joined in one table here.

A module gives `SERVICE` (full proto name), `ACCESS` (RPC to roles), `ERRORS` (exception to row) and
a servicer; `serve.py` puts the servicers together.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from chassis.grpc_server import ErrorRow
from services.identite.api import acces, compte, coordonnees, facteurs, mandats, oidc, ponts

FACES: Final[tuple[ModuleType, ...]] = (compte, acces, facteurs, mandats, oidc, coordonnees, ponts)

SERVICE: Final[str] = compte.SERVICE
OTHERS: Final[tuple[str, ...]] = tuple(face.SERVICE for face in FACES[1:])
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    rpc: roles for face in FACES for rpc, roles in face.ACCESS.items()
}
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    error: row for face in FACES for error, row in face.ERRORS.items()
}
