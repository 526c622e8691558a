"""Waiting for a fact instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_POLL_S = 0.02


def wait_until(
    predicate: Callable[[], T], *, timeout: float = 10.0, what: str = "the expected state"
) -> T:
    """Poll until ``predicate`` returns something true, and return that.

    Raises: AssertionError with ``what`` and the last value after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            msg = f"{what} did not come within {timeout} s; last value: {value!r}"
            raise AssertionError(msg)
        # The one sleep of the tests: a poll needs a pause, and a deadline bounds it.
        time.sleep(_POLL_S)
    return value
