"""A gRPC server of ours inside the test's process, with every interceptor of production."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import grpc

from chassis import grpc_server
from tests.kit.identity import VERIFIER


@contextlib.contextmanager
def running(
    *,
    register: Callable[[grpc.Server], None],
    service: str,
    access: Mapping[str, frozenset[str]],
    errors: Mapping[type[Exception], grpc_server.ErrorRow] | None = None,
    name: str = "essai",
    others: tuple[str, ...] = (),
    healthy: Callable[[], bool] = lambda: True,
) -> Iterator[str]:
    """Serve on a free loopback port; gives the address. Tokens: ``tests.kit.identity.token``."""
    server = grpc_server.start(
        name=name,
        listen="127.0.0.1:0",
        register=register,
        service=service,
        others=others,
        access=access,
        errors=errors or {},
        verifier=VERIFIER,
        healthy=healthy,
        workers=8,
    )
    try:
        yield server.address
    finally:
        server.stop(1.0)
