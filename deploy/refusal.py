"""What stops us, in one sentence of French and one of English, and never a traceback.

Standard library only: the installer runs before anything is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

_NETWORK = (
    "Could not resolve", "Temporary failure", "Failed to fetch", "dns error", "ENOTFOUND",
    "ETIMEDOUT", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "Network is unreachable",
    "Could not connect", "Failed to establish a new connection", "error sending request",
    "Unable to connect", "Connection timed out", "Connection refused",
)  # fmt: skip
_PERMISSION = ("Permission denied", "EACCES", "Errno 13", "Operation not permitted")
_DISK = ("No space left", "ENOSPC", "Errno 28")


class Refusal(Exception):
    """A reason to stop that the person can act upon."""

    def __init__(self, french: str, english: str) -> None:
        super().__init__(english)
        self.french = french
        self.english = english

    def say(self) -> None:
        """Print both sentences."""
        print(f"\n✗ {self.french}\n✗ {self.english}", file=sys.stderr, flush=True)


def of_log(step: str, log: Path) -> Refusal:
    """The refusal that a failed program's output speaks of."""
    text = log.read_text(errors="replace")[-20_000:] if log.is_file() else ""
    if any(word in text for word in _DISK):
        return disk()
    if any(word in text for word in _NETWORK):
        return Refusal(
            f"« {step} » n’a pas pu télécharger : vérifiez la connexion réseau ; journal : {log}",
            f'"{step}" could not download: check the network connection; log: {log}',
        )
    if any(word in text for word in _PERMISSION):
        return Refusal(
            f"« {step} » n’a pas la permission d’écrire ou d’exécuter ; journal : {log}",
            f'"{step}" lacks the permission to write or to run; log: {log}',
        )
    return Refusal(
        f"« {step} » a échoué ; la cause est à la fin du journal : {log}",
        f'"{step}" failed; the cause is at the end of its log: {log}',
    )


def disk() -> Refusal:
    """The disk is full."""
    return Refusal(
        "Le disque est plein : libérez environ 2 Go puis recommencez.",
        "The disk is full: free about 2 GB and try again.",
    )


def of_os(error: OSError) -> Refusal:
    """The refusal that an error of the system stands for."""
    if isinstance(error, PermissionError):
        place = error.filename or "?"
        return Refusal(
            f"Permission refusée : {place} ; lancez la commande avec le propriétaire du dossier.",
            f"Permission denied: {place}; run the command as the owner of the folder.",
        )
    if error.errno == 28:  # noqa: PLR2004 - ENOSPC
        return disk()
    return Refusal(f"Le système a refusé : {error}", f"The system refused: {error}")


def of_port(port: int, base: int | None = None) -> Refusal:
    """A port is taken; ``base`` is the port that all others follow from."""
    if base is None:
        return Refusal(
            f"Le port {port} est déjà pris par un autre programme.",
            f"Port {port} is already taken by another program.",
        )
    return Refusal(
        f"Le port {port} est déjà pris par un autre programme : choisissez une autre base, "
        f"par exemple « make demo PORT={base + 1000} ».",
        f"Port {port} is already taken by another program: choose another base, "
        f'for example "make demo PORT={base + 1000}".',
    )
