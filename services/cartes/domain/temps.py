"""Days and times of a card: the city's zone, two years, 29 February (CAR-01)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

VALIDITE_ANNEES = 2
"""A card is valid two years, adult or child (CAR-01)."""


@dataclass(frozen=True)
class Fenetre:
    """When a card can be renewed, in days around its last one, both bounds inclusive (CAR-09)."""

    avant: timedelta = timedelta(days=30)
    apres: timedelta = timedelta(days=90)


def horodatage(instant: datetime) -> str:
    """Return RFC 3339 in UTC, whole seconds, with Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def jour_local(maintenant: datetime, zone: tzinfo) -> date:
    """Return the day that the city's clocks show."""
    return maintenant.astimezone(zone).date()


def echeance_depuis(jour: date) -> date:
    """Return the last valid day of a card approved on `jour`: 29 February gives 28 February."""
    annee = jour.year + VALIDITE_ANNEES
    try:
        return jour.replace(year=annee)
    except ValueError:
        return date(annee, 2, 28)


def age_au(naissance: date, jour: date) -> int:
    """Return the age in whole years on `jour`; born on 29 February, one grows on 1 March."""
    fetee = (jour.month, jour.day) >= (naissance.month, naissance.day)
    return jour.year - naissance.year - (not fetee)


def fin_de_journee(jour: date, zone: tzinfo) -> datetime:
    """Return the last second of `jour` in the city's zone, with that day's own offset."""
    return datetime.combine(jour, time(23, 59, 59), tzinfo=zone)
