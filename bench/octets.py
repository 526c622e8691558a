"""What the machine itself does with the bytes of a document, and documents of any size."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.kit import stockage as kit

_BLOC = 64 * 1024
_TROU = 16


def pipeline(sources: Sequence[Path], folder: Path) -> float:
    """Read, SHA-256, AES-256-GCM and fsync each file in turn. Returns: bytes per second."""
    done = 0
    began = time.perf_counter()
    for rank, source in enumerate(sources):
        digest, cipher, number = hashlib.sha256(), AESGCM(os.urandom(32)), 0
        target = folder / f"temoin-{rank}"
        with source.open("rb") as plain, target.open("wb") as output:
            while block := plain.read(_BLOC):
                digest.update(block)
                output.write(cipher.encrypt(number.to_bytes(12), block, None))
                number += 1
                done += len(block)
            output.flush()
            os.fsync(output.fileno())
    seconds = time.perf_counter() - began
    for rank in range(len(sources)):
        (folder / f"temoin-{rank}").unlink()
    return done / seconds


def document(target: Path, *, taille: int) -> Path:
    """Write a readable PDF of about so many bytes, most of them noise, in constant memory."""
    modele = kit.un_pdf(remplissage=_TROU)
    avant, apres = modele.rsplit(b"<</Length %d>>\nstream\n" % _TROU, 1)
    suite = apres[_TROU:]
    ecart = taille - _TROU + len(str(taille)) - len(str(_TROU))
    [table] = re.findall(rb"startxref\n(\d+)\n", suite)
    suite = suite.replace(b"startxref\n%b\n" % table, b"startxref\n%d\n" % (int(table) + ecart))
    with target.open("wb") as output:
        output.write(avant + b"<</Length %d>>\nstream\n" % taille)
        reste = taille
        while reste:
            reste -= output.write(os.urandom(min(reste, 1 << 20)))
        output.write(suite)
    return target
