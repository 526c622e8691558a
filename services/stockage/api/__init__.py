"""The gRPC faces of stockage: one module for each proto service, joined in one table here.

A module gives `SERVICE` (full proto name), `ACCESS` (RPC to roles), `ERRORS` (exception to row) and
a servicer; `serve.py` puts the servicers together.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Final

from chassis.grpc_server import ErrorRow
from services.stockage.api import conservation, entrepot, pieces, televersement

FACES: Final[tuple[ModuleType, ...]] = (pieces, televersement, conservation)

SERVICE: Final[str] = pieces.SERVICE
OTHERS: Final[tuple[str, ...]] = tuple(face.SERVICE for face in FACES[1:])
ACCESS: Final[Mapping[str, frozenset[str]]] = {
    rpc: roles for face in FACES for rpc, roles in face.ACCESS.items()
}
ERRORS: Final[Mapping[type[Exception], ErrorRow]] = {
    error: row for face in (*FACES, entrepot) for error, row in face.ERRORS.items()
}
