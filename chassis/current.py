"""The RPC that this thread serves: who asks, and how long there is left to answer."""

import time
from contextvars import ContextVar
from typing import NamedTuple

from chassis.identity import Caller


class Rpc(NamedTuple):
    """One call being served; `ends` is its deadline on `time.monotonic()`."""

    caller: Caller
    ends: float


rpc: ContextVar[Rpc | None] = ContextVar("rpc", default=None)


def caller() -> Caller:
    """Give the verified caller of the current RPC.

    Raises: LookupError outside an RPC, which is a fault of the program.
    """
    served = rpc.get()
    if served is None:
        raise LookupError("no RPC is being served here")
    return served.caller


def remaining() -> float:
    """Give the seconds left before the deadline of the current RPC; infinite outside one."""
    served = rpc.get()
    return float("inf") if served is None else served.ends - time.monotonic()
