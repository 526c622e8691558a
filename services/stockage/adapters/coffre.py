"""The safe: objects of the folder back end under keys of the ring (R50 to R52).

master key (settings, versioned) > key of an account (row `espace`) > data key (row `piece`).
Erasing the middle one makes every document of the account unreadable at once.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self
from uuid import UUID

from services.stockage.adapters.chiffrement import (
    CLE_OCTETS,
    Chiffreur,
    Dechiffreur,
    developper,
    envelopper,
)
from services.stockage.adapters.dossier import Dossier, Ecriture
from services.stockage.domain import CleScellee, Espace, ObjetChiffre, PieceAlteree, Zone
from services.stockage.use_cases.ports import Partage


class CleMaitresseInvalide(Exception):
    """The setting is not a list of 32-byte keys, or the version that a row names is not in it."""


class Trousseau:
    """Master keys by version; the first one of the setting wraps what is new."""

    def __init__(self, reglage: str) -> None:
        self._cles: dict[int, bytes] = {}
        for rang, article in enumerate(reglage.split(",")):
            version, deux_points, cle = article.strip().rpartition(":")
            try:
                numero = int(version) if deux_points else 1
                octets = base64.b64decode(cle, validate=True)
            except (ValueError, binascii.Error) as erreur:
                raise CleMaitresseInvalide("STOCKAGE_CLE_MAITRESSE") from erreur
            if len(octets) != CLE_OCTETS or numero in self._cles:
                raise CleMaitresseInvalide("STOCKAGE_CLE_MAITRESSE")
            self._cles[numero] = octets
            if rang == 0:
                self.version = numero

    def creer(self, compte_id: UUID) -> CleScellee:
        """Make the key of an account."""
        cle = secrets.token_bytes(CLE_OCTETS)
        contexte = _contexte("compte", compte_id)
        enveloppe = envelopper(cle, par=self._cles[self.version], contexte=contexte)
        return CleScellee(version=self.version, enveloppe=enveloppe)

    def ouvrir(self, espace: Espace) -> bytes:
        """Unwrap the key of an account. Raises: CleMaitresseInvalide, PieceAlteree."""
        maitresse = self._cles.get(espace.cle.version)
        if maitresse is None:
            raise CleMaitresseInvalide(f"version {espace.cle.version}")
        contexte = _contexte("compte", espace.compte_id)
        return developper(espace.cle.enveloppe, par=maitresse, contexte=contexte)


class CoffreDossier:
    """`Coffre` over a folder of this machine."""

    def __init__(self, racine: Path, *, cle_maitresse: str) -> None:
        self._trousseau = Trousseau(cle_maitresse)
        self._dossiers = {zone: Dossier(racine / zone.value) for zone in Zone}

    def accessible(self) -> bool:
        """Tell whether documents can be written and read now."""
        return all(dossier.accessible() for dossier in self._dossiers.values())

    def nouvelle_cle(self, compte_id: UUID) -> CleScellee:
        """Make the key of an account."""
        return self._trousseau.creer(compte_id)

    def ecrire(self, espace: Espace, zone: Zone) -> "EcritureChiffree":
        """Begin an object under 128 random bits and a fresh data key (R45, R57)."""
        nom = secrets.token_hex(16)
        cle = secrets.token_bytes(CLE_OCTETS)
        contexte = _contexte(zone.value, espace.compte_id, nom)
        enveloppe = envelopper(cle, par=self._trousseau.ouvrir(espace), contexte=contexte)
        ecriture = self._dossiers[zone].creer(nom)
        return EcritureChiffree(
            ecriture=ecriture,
            chiffreur=Chiffreur(cle=cle, contexte=contexte, puits=ecriture),
            nom=nom,
            enveloppe=enveloppe,
        )

    def ouvrir(self, espace: Espace, zone: Zone, objet: ObjetChiffre) -> "LectureChiffree":
        """Open an object. Raises: PieceAlteree."""
        contexte = _contexte(zone.value, espace.compte_id, objet.nom)
        cle = developper(objet.enveloppe, par=self._trousseau.ouvrir(espace), contexte=contexte)
        try:
            fichier = self._dossiers[zone].ouvrir(objet.nom)
        except FileNotFoundError as erreur:
            raise PieceAlteree from erreur
        return LectureChiffree(fichier, cle=cle, contexte=contexte)

    def affermir(self, zone: Zone, nom: str) -> None:
        """Flush an object to the disk."""
        self._dossiers[zone].affermir(nom)

    def supprimer(self, zone: Zone, nom: str) -> None:
        """Delete an object."""
        self._dossiers[zone].supprimer(nom)

    def lister(self, zone: Zone) -> Iterator[tuple[str, float]]:
        """Names and last write times of the objects of an area."""
        return self._dossiers[zone].lister()

    def empreinte(self, zone: Zone, nom: str) -> bytes | None:
        """SHA-256 of the bytes on disk."""
        try:
            with self._dossiers[zone].ouvrir(nom) as fichier:
                return hashlib.file_digest(fichier, "sha256").digest()
        except FileNotFoundError:
            return None


class EcritureChiffree:
    """`Ecriture` of an encrypted object."""

    def __init__(
        self, *, ecriture: Ecriture, chiffreur: Chiffreur, nom: str, enveloppe: bytes
    ) -> None:
        self._ecriture = ecriture
        self._chiffreur = chiffreur
        self._nom = nom
        self._enveloppe = enveloppe

    def ajouter(self, donnees: bytes) -> None:
        """Append plain bytes."""
        self._chiffreur.ajouter(donnees)

    def valider(self, *, durable: bool) -> ObjetChiffre:
        """Write the last chunk and give the object its name."""
        sha256 = self._chiffreur.terminer()
        self._ecriture.valider(durable=durable)
        return ObjetChiffre(
            nom=self._nom,
            enveloppe=self._enveloppe,
            sha256=sha256,
            taille_octets=self._chiffreur.taille_octets,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._ecriture.__exit__(*exc)


class LectureChiffree:
    """`Lecture` of an encrypted object."""

    def __init__(self, fichier: BinaryIO, *, cle: bytes, contexte: bytes) -> None:
        self._fichier = fichier
        self._cle = cle
        self._contexte = contexte
        try:
            self._clair = Dechiffreur(fichier, cle=cle, contexte=contexte)
        except PieceAlteree:
            fichier.close()
            raise
        self.taille_octets = self._clair.taille_octets

    def blocs(self) -> Iterator[bytes]:
        """Plain chunks from the start."""
        return self._clair.blocs()

    def bords(self, octets: int) -> tuple[bytes, bytes]:
        """The first and the last plain bytes."""
        self._clair.seek(0)
        debut = self._clair.read(octets)
        self._clair.seek(max(self.taille_octets - octets, 0))
        return debut or b"", self._clair.read(octets) or b""

    def partage(self) -> Partage:
        """The open file and the data key of this object alone."""
        return Partage(descripteur=self._fichier.fileno(), cle=self._cle, contexte=self._contexte)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._fichier.close()


def _contexte(*parts: object) -> bytes:
    # No part can hold the separator: an area, a UUID, a hexadecimal name.
    return "|".join(("espace-citoyen", "stockage", "v1", *map(str, parts))).encode()
