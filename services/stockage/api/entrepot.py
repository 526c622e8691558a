"""What the store and the keys may refuse under any face: it has rows, and no RPC of its own."""

from collections.abc import Mapping

import grpc

from chassis.grpc_server import ErrorRow
from services.stockage.use_cases import ports

ERRORS: Mapping[type[Exception], ErrorRow] = {
    ports.EntrepotIndisponible: ErrorRow(grpc.StatusCode.UNAVAILABLE, "ENTREPOT_INDISPONIBLE"),
    ports.EspacePlein: ErrorRow(grpc.StatusCode.UNAVAILABLE, "ESPACE_PLEIN"),
    ports.CleEffacee: ErrorRow(grpc.StatusCode.FAILED_PRECONDITION, "CLE_EFFACEE"),
}
