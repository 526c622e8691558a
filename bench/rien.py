"""A service that does nothing, behind the suite's own gRPC server: ``python -m bench.rien <n>``.

Registered by hand, since no contract of the suite needs it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.empty_pb2 import Empty

from chassis import grpc_server, settings, telemetry
from chassis.identity import TokenVerifier
from deploy.places import LOOPBACK

SERVICE = "bench.v1.RienService"
PATH = f"/{SERVICE}/Rien"


@dataclass(frozen=True, kw_only=True)
class Config:
    """What a service of the suite is told too."""

    token_public_key: str
    otlp: str = ""


class RienStub:
    """What a generated stub of the service would be."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.Rien: grpc.UnaryUnaryMultiCallable[Empty, Empty] = channel.unary_unary(  # type: ignore[call-arg]  # as generated stubs do
            PATH,
            request_serializer=Empty.SerializeToString,
            response_deserializer=Empty.FromString,
            _registered_method=True,
        )


def describe() -> None:
    """Make the service known: the gate checks its access rules against the descriptor."""
    file = descriptor_pb2.FileDescriptorProto(
        name="bench/v1/rien.proto", package="bench.v1", syntax="proto3",
        dependency=["google/protobuf/empty.proto"],
    )  # fmt: skip
    service = file.service.add(name="RienService")
    service.method.add(
        name="Rien", input_type=".google.protobuf.Empty", output_type=".google.protobuf.Empty"
    )
    descriptor_pool.Default().Add(file)


def register(server: grpc.Server) -> None:
    """Add the servicer."""

    def rien(_request: Empty, _context: grpc.ServicerContext) -> Empty:
        return Empty()

    handler: Any = grpc.unary_unary_rpc_method_handler(
        rien, request_deserializer=Empty.FromString, response_serializer=Empty.SerializeToString
    )
    generic = grpc.method_handlers_generic_handler(SERVICE, {"Rien": handler})
    server.add_generic_rpc_handlers((generic,))
    server.add_registered_method_handlers(SERVICE, {"Rien": handler})


def main() -> int:
    """Serve until told to stop."""
    config = settings.load(Config, prefix="RIEN")
    telemetry.setup("rien", endpoint=config.otlp)
    describe()
    address = f"{LOOPBACK}:{sys.argv[1]}"
    print(address, flush=True)
    return grpc_server.run(
        name="rien",
        listen=address,
        register=register,
        service=SERVICE,
        access={"Rien": frozenset({"citoyen"})},
        errors={},
        verifier=TokenVerifier(config.token_public_key.encode()),
        healthy=lambda: True,
    )


if __name__ == "__main__":
    sys.exit(main())
