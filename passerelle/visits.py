"""Who visits, and the visits that this process verified a moment ago."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_CACHE_MAX: Final = 20_000


@dataclass(frozen=True)
class AgitPour:
    """On whose behalf a visitor acts (IDN-21)."""

    compte_id: str
    prenom: str
    nom: str
    # "mandat", "tutelle" or "guichet".
    genre: str
    portee: tuple[str, ...]
    fin_le: str


@dataclass(frozen=True)
class Visit:
    """One visitor; `compte_id` is empty for an anonymous one."""

    compte_id: str = ""
    session_id: str = ""
    roles: frozenset[str] = frozenset()
    prenom: str = ""
    nom: str = ""
    # "fr", "en", or empty when nobody is known.
    langue: str = ""
    expire_le: str = ""
    # When the owner was last proved (R36).
    prouvee_le: str = ""
    # What staff roles may do.
    permissions: frozenset[str] = frozenset()
    # Set while the visitor acts for somebody else; `roles` are then those of the delegation.
    agit_pour: AgitPour | None = None
    roles_propres: frozenset[str] = frozenset()

    @property
    def connecte(self) -> bool:
        """True when somebody is logged in."""
        return bool(self.compte_id)


ANONYME: Final = Visit()


@dataclass(frozen=True)
class _Entry:
    visit: Visit
    verified_at: float


class VisitCache:
    """Verified visits by the hash of their secret; bounded, shared by the threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def get(self, secret: str, max_age_s: float) -> Visit | None:
        """Return the visit verified at most `max_age_s` ago, or None."""
        with self._lock:
            entry = self._entries.get(_digest(secret))
        if entry is None or self._clock() - entry.verified_at > max_age_s:
            return None
        return entry.visit

    def put(self, secret: str, visit: Visit) -> None:
        """Keep a visit that identite has just verified."""
        key = _digest(secret)
        with self._lock:
            self._entries[key] = _Entry(visit, self._clock())
            self._entries.move_to_end(key)
            while len(self._entries) > _CACHE_MAX:
                self._entries.popitem(last=False)

    def drop(self, secret: str) -> None:
        """Forget a session that ended."""
        with self._lock:
            self._entries.pop(_digest(secret), None)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
