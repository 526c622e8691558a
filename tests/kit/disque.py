"""Disks that are full, read-only or broken, for whoever runs the tests: root or not."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from collections.abc import Iterator
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_MS_RDONLY, _MS_REMOUNT, _MNT_DETACH = 1, 32, 2


@contextlib.contextmanager
def petit_disque(dossier: Path, *, octets: int) -> Iterator[bool]:
    """Give a folder a disk of so many bytes during the block.

    Root gets a tmpfs of that size; anybody else gets files that cannot be longer than half of it
    (RLIMIT_FSIZE), which fails at the same writes.
    Returns: whether it is a real disk, that can also be filled by several files.
    """
    dossier.mkdir(exist_ok=True)
    if _monter(dossier, f"size={octets},mode=700"):
        try:
            yield True
        finally:
            _libc.umount2(os.fsencode(dossier), _MNT_DETACH)
        return
    avant = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets // 2, avant[1]))
    try:
        yield False
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, avant)


@contextlib.contextmanager
def lecture_seule(dossier: Path) -> Iterator[None]:
    """Make a folder read-only during the block: the mount for root, the rights for others."""
    vraie = os.geteuid() == 0 and _monter(dossier, None, _MS_REMOUNT | _MS_RDONLY)
    dossiers = [] if vraie else [dossier, *(d for d in dossier.rglob("*") if d.is_dir())]
    for chaque in dossiers:
        chaque.chmod(0o500)
    try:
        yield
    finally:
        for chaque in dossiers:
            chaque.chmod(0o700)
        if vraie:
            _monter(dossier, None, _MS_REMOUNT)


def secteur_illisible(fichier: Path) -> None:
    """Put something that opens and cannot be read in the place of a file: EIO from the kernel."""
    fichier.unlink()
    # The first page of a process is never mapped: reading it is an input/output error.
    fichier.symlink_to("/proc/self/mem")


def _monter(dossier: Path, options: str | None, drapeaux: int = 0) -> bool:
    donnees = None if options is None else options.encode()
    return _libc.mount(b"tmpfs", os.fsencode(dossier), b"tmpfs", drapeaux, donnees) == 0
