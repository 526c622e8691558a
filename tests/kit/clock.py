"""A clock that shows what the test says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class FixedClock:
    """Callable like the services' clocks; aware UTC time, moved by hand only."""

    now: datetime = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Move forward: ``advance(days=30)``."""
        self.now += timedelta(**duration)
