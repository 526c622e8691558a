"""The safe: encrypted objects of a store, under keys of the ring (R50 to R52).

What an object is encrypted with is here; where its bytes are is the store's (`entrepot`), and the
keys above its own are the ring's (`trousseau`).
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self, cast
from uuid import UUID

from chassis.settings import SettingsError
from services.stockage.adapters.chiffrement import (
    CLE_OCTETS,
    Chiffreur,
    Dechiffreur,
    developper,
    envelopper,
)
from services.stockage.adapters.dossier import EntrepotDossier
from services.stockage.adapters.entrepot import Ecriture, Entrepot, Objet
from services.stockage.adapters.trousseau import MaitresseEnvironnement, Trousseau, contexte
from services.stockage.config import Config
from services.stockage.domain import CleScellee, Espace, ObjetChiffre, PieceAlteree, Zone
from services.stockage.use_cases.ports import CleEffacee, Partage


class CoffreChiffre:
    """`Coffre` over any store."""

    def __init__(self, entrepot: Entrepot, trousseau: Trousseau) -> None:
        self._entrepot = entrepot
        self._trousseau = trousseau

    def accessible(self) -> bool:
        """Tell whether documents can be written and read now."""
        return self._entrepot.accessible()

    def nouvelle_cle(self, compte_id: UUID) -> CleScellee:
        """Make the key of an account."""
        return self._trousseau.creer(compte_id)

    def renouveler(self, espace: Espace) -> CleScellee:
        """Wrap the key of an account by the current master key."""
        return self._trousseau.renouveler(espace)

    def temoin(self) -> CleScellee:
        """Make a check value of the current master key."""
        return self._trousseau.temoin()

    def reconnaitre(self, temoin: CleScellee) -> bool:
        """Tell whether the master key of that version made this check value."""
        return self._trousseau.reconnaitre(temoin)

    def ecrire(self, espace: Espace, zone: Zone, *, passager: bool = False) -> "EcritureChiffree":
        """Begin an object under 128 random bits and a fresh data key (R45, R57)."""
        nom = secrets.token_hex(16)
        cle = secrets.token_bytes(CLE_OCTETS)
        lieu = contexte(zone.value, espace.compte_id, nom)
        enveloppe = envelopper(cle, par=self._trousseau.ouvrir(espace), contexte=lieu)
        ecriture = self._entrepot.creer(zone, nom)
        return EcritureChiffree(
            ecriture=ecriture,
            chiffreur=Chiffreur(cle=cle, contexte=lieu, puits=ecriture, condenser=not passager),
            nom=nom,
            enveloppe=enveloppe,
        )

    def ouvrir(self, espace: Espace, zone: Zone, objet: ObjetChiffre) -> "LectureChiffree":
        """Open an object. Raises: PieceAlteree, CleEffacee, EntrepotIndisponible."""
        lieu = contexte(zone.value, espace.compte_id, objet.nom)
        cle = developper(objet.enveloppe, par=self._trousseau.ouvrir(espace), contexte=lieu)
        try:
            fichier = self._entrepot.ouvrir(zone, objet.nom)
        except FileNotFoundError as erreur:
            raise PieceAlteree from erreur
        return LectureChiffree(fichier, cle=cle, contexte=lieu)

    def convient(self, espace: Espace, zone: Zone, objet: ObjetChiffre) -> bool:
        """Tell whether the key of the account opens that of the object."""
        lieu = contexte(zone.value, espace.compte_id, objet.nom)
        try:
            developper(objet.enveloppe, par=self._trousseau.ouvrir(espace), contexte=lieu)
        except (PieceAlteree, CleEffacee):
            return False
        return True

    def affermir(self, zone: Zone, nom: str) -> None:
        """Flush an object to the disk."""
        self._entrepot.affermir(zone, nom)

    def supprimer(self, zone: Zone, nom: str) -> None:
        """Delete an object."""
        self._entrepot.supprimer(zone, nom)

    def lister(self, zone: Zone) -> Iterator[tuple[str, float]]:
        """Names and last write times of the objects of an area."""
        return self._entrepot.lister(zone)

    def empreinte(self, zone: Zone, nom: str) -> bytes | None:
        """SHA-256 of the bytes that are stored."""
        return self._entrepot.empreinte(zone, nom)


class CoffreDossier(CoffreChiffre):
    """`Coffre` over a folder of this machine, with master keys from the settings."""

    def __init__(self, racine: Path, *, cle_maitresse: str) -> None:
        super().__init__(EntrepotDossier(racine), Trousseau(MaitresseEnvironnement(cle_maitresse)))


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

    def __init__(self, fichier: Objet, *, cle: bytes, contexte: bytes) -> None:
        self._fichier = fichier
        self._cle = cle
        self._contexte = contexte
        try:
            self._clair = Dechiffreur(cast("BinaryIO", fichier), cle=cle, contexte=contexte)
        except BaseException:
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
        return Partage(
            descripteur=self._fichier.descripteur(), cle=self._cle, contexte=self._contexte
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._fichier.close()


def composer(config: Config) -> CoffreChiffre:
    """Make the safe that the settings name, a bucket if there is one, else the folder.

    Raises: CleMaitresseInvalide, SettingsError (neither a bucket nor a folder).
    """
    trousseau = Trousseau(MaitresseEnvironnement(config.cle_maitresse))
    if not config.s3_seau:
        if config.dossier is None:
            raise SettingsError("settings: STOCKAGE_DOSSIER or STOCKAGE_S3_SEAU is missing")
        return CoffreChiffre(EntrepotDossier(config.dossier), trousseau)
    # boto3 takes a second and 30 MB: only a city that has a bucket pays for it.
    from services.stockage.adapters.s3 import EntrepotS3  # noqa: PLC0415

    entrepot = EntrepotS3(
        url=config.s3_url,
        seau=config.s3_seau,
        cle=config.s3_cle,
        secret=config.s3_secret,
        region=config.s3_region,
        silence_s=config.s3_silence_s,
    )
    return CoffreChiffre(entrepot, trousseau)
