"""The settings of the bridges, in the types that the acts use."""

import base64
from datetime import timedelta

from services.identite.config import Config
from services.identite.domain.ponts import Politique

_CLE_OCTETS = 32


def cle_ponts(config: Config) -> bytes:
    """Give the key that envelopes old hashes and credentials.

    Raises: ValueError when it is missing or not 32 bytes in base64.
    """
    cle = base64.b64decode(config.cle_ponts, validate=True)
    if len(cle) != _CLE_OCTETS:
        raise ValueError("IDENTITE_CLE_PONTS must be 32 bytes in base64")
    return cle


def cle_facultative(config: Config) -> bytes | None:
    """Give the key, None where this installation bridges nothing. Raises: ValueError."""
    return cle_ponts(config) if config.cle_ponts else None


def politique(config: Config) -> Politique:
    """Give the policy. Raises: ValueError."""
    return Politique.lire(
        priorite=config.ponts_priorite,
        ouvrent=config.ponts_ouvrent,
        comparer=config.ponts_comparer,
    )


def retention_empreintes(config: Config) -> timedelta:
    """Tell how long old hashes and reports are kept."""
    return timedelta(days=config.empreintes_jours)
