"""Reading an import file: batches of rows in the form that the database takes."""

import base64
import csv
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self
from uuid import UUID

from chassis import seal
from services.identite.domain import DonneesInvalides
from services.identite.domain.ponts import (
    COLONNES,
    FichierInattendu,
    LigneContact,
    LigneLoisirs,
    LigneTaxes,
    Personne,
    Regle,
    Source,
    lire_contact,
    lire_loisirs,
    lire_taxes,
)
from services.identite.persistence.imports import Collision
from services.identite.use_cases.ports import DomaineAscii

# What `compte.mot_de_passe` holds for an account that brought a hash, or none.
HERITEE: Final = "$heritee$"
AUCUN: Final = "$aucun$"
CONTEXTE: Final = "EmpreinteHeritee"

PAQUET: Final = 5_000
_DOMAINES: Final = 10_000
# A field longer than this is no name, e-mail or hash: the row is malformed, not the memory full.
_CHAMP_MAX: Final = 4_096
_QUI_MAX: Final = 200
_VERSION_7: Final = 7


class LigneLue(NamedTuple):
    """One row, ready to be sent.

    Attributes:
        ligne: line of the file.
        id: of the account, link or contact that it becomes.
        reference: the other system's own number.
        contact: e-mail or number as it was written.
        courriel: folded e-mail, or the contact itself.
        nom_utilisateur: wanted user name, "".
        personne: who, for comparison with an account of ours.
        nom_refuse: whether it brings a user name that ours cannot take.
        sans_mot_de_passe: whether it brings no usable hash.
        canal: of an emergency contact, "" otherwise.
        annonce: what avis will be told: channel, address, first name, language.
        copie: its columns as COPY takes them.
    """

    ligne: int
    id: UUID
    reference: str
    contact: str
    courriel: str
    nom_utilisateur: str
    personne: Personne
    nom_refuse: bool
    sans_mot_de_passe: bool
    canal: str
    annonce: tuple[str, str, str, str]
    copie: str

    @property
    def qui(self) -> str:
        """Name the person in the report."""
        return _qui(self.personne.prenom, self.personne.nom, self.contact)


@dataclass(kw_only=True)
class Paquet:
    """A batch: acceptable rows, and what is already known to be wrong with others."""

    lignes: list[LigneLue] = field(default_factory=list)
    collisions: list[Collision] = field(default_factory=list)
    # Rows whose user name must be dropped; their collision is noted.
    sans_nom: list[int] = field(default_factory=list)
    derniere_ligne: int = 1
    lues: int = 0


class _Refus(Exception):
    """One row cannot be used; it goes to the report."""

    def __init__(self, regle: Regle, detail: str) -> None:
        super().__init__(regle)
        self.regle = regle
        self.detail = detail


Formeur = Callable[[dict[str, str], int], LigneLue]


class Lecture:
    """One pass over a file; it remembers which e-mails and user names came before."""

    def __init__(
        self, flux: io.TextIOWrapper, colonnes: Sequence[str], separateur: str, former: Formeur
    ) -> None:
        self._flux = flux
        self._colonnes = colonnes
        self._separateur = separateur
        self._former = former
        self._courriels: dict[tuple[str, str], int] = {}
        self._noms: set[str] = set()
        self._octets = max(1, os.fstat(flux.fileno()).st_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._flux.close()

    def part_lue(self) -> float:
        """Give the part of the file that was read, 0 to 1."""
        return min(1.0, os.lseek(self._flux.fileno(), 0, os.SEEK_CUR) / self._octets)

    def paquets(self, *, apres: int) -> Iterator[Paquet]:
        """Give the batches after a line; the earlier rows are read again, for their e-mails."""
        paquet = Paquet(derniere_ligne=apres)
        for numero, ligne in self._lignes():
            if numero <= apres:
                self._rappeler(ligne, numero)
                continue
            self._ajouter(paquet, ligne, numero)
            if paquet.lues >= PAQUET:
                yield paquet
                paquet = Paquet(derniere_ligne=numero)
        # Also when nothing is left: the import has to learn that it is over.
        yield paquet

    def _lignes(self) -> Iterator[tuple[int, dict[str, str] | None]]:
        """Give each row with the line where it ends; None for one that CSV cannot read."""
        lecteur = csv.reader(self._flux, delimiter=self._separateur, strict=True)
        nombre = len(self._colonnes)
        while True:
            try:
                valeurs = next(lecteur)
            except StopIteration:
                return
            except csv.Error:
                yield lecteur.line_num + 1, None
                continue
            if valeurs:
                juste = len(valeurs) == nombre
                ligne = dict(zip(self._colonnes, valeurs, strict=True)) if juste else None
                yield lecteur.line_num + 1, ligne

    def _rappeler(self, ligne: dict[str, str] | None, numero: int) -> None:
        """Take up where an earlier run stopped: it judged this row, only its e-mail matters."""
        try:
            lue = self._lire(ligne, numero)
        except _Refus:
            return
        if lue.nom_utilisateur:
            self._noms.add(lue.nom_utilisateur)

    def _ajouter(self, paquet: Paquet, ligne: dict[str, str] | None, numero: int) -> None:
        paquet.lues += 1
        paquet.derniere_ligne = numero
        try:
            lue = self._lire(ligne, numero)
        except _Refus as refus:
            ligne = ligne or {}
            qui = _qui(ligne.get("prenom", ""), ligne.get("nom", ""), _contact(ligne))
            paquet.collisions.append(
                Collision(
                    numero, refus.regle, _court(ligne.get("reference", "")), qui, refus.detail
                )
            )
            return
        nom = lue.nom_utilisateur
        if nom and nom in self._noms:
            paquet.sans_nom.append(numero)
            paquet.collisions.append(
                Collision(numero, Regle.NOM_UTILISATEUR_PRIS, lue.reference, lue.qui, nom)
            )
        elif nom:
            self._noms.add(nom)
        paquet.lignes.append(lue)

    def _lire(self, ligne: dict[str, str] | None, numero: int) -> LigneLue:
        if ligne is None or max(map(len, ligne.values())) > _CHAMP_MAX:
            raise _Refus(Regle.LIGNE_INVALIDE, "ligne=LIGNE_MALFORMEE")
        try:
            lue = self._former(ligne, numero)
        except DonneesInvalides as error:
            detail = " ".join(f"{champ}={raison}" for champ, raison in error.fields.items())
            raise _Refus(Regle.LIGNE_INVALIDE, detail) from error
        premiere = self._courriels.setdefault((lue.courriel, lue.canal), numero)
        if premiere != numero:
            regle = Regle.COORDONNEE_EN_DOUBLE if lue.canal else Regle.COURRIEL_EN_DOUBLE
            raise _Refus(regle, f"ligne {premiere}")
        return lue


def ouvrir(
    fichier: Path, *, source: Source, domaine_ascii: DomaineAscii, aujourd_hui: date, cle: bytes
) -> Lecture:
    """Open a file and check its header.

    Raises: FichierInattendu, OSError.
    """
    flux = fichier.open(encoding="utf-8-sig", errors="replace", newline="")
    entete = flux.readline()
    # Excel of a French computer separates by semicolons.
    separateur = ";" if entete.count(";") > entete.count(",") else ","
    colonnes = [nom.strip().strip('"').lower() for nom in entete.rstrip("\r\n").split(separateur)]
    manquantes = tuple(nom for nom in COLONNES[source] if nom not in colonnes)
    if manquantes:
        flux.close()
        raise FichierInattendu(manquantes)
    # Most people share a few domains.
    domaines = lru_cache(maxsize=_DOMAINES)(domaine_ascii)
    former = _formeur(source, domaines, aujourd_hui, cle)
    return Lecture(flux, colonnes, separateur, former)


def _formeur(source: Source, domaines: DomaineAscii, aujourd_hui: date, cle: bytes) -> Formeur:
    contexte = {"domaine_ascii": domaines, "aujourd_hui": aujourd_hui}
    if source is Source.TAXES:
        return lambda ligne, numero: _taxes(lire_taxes(ligne, **contexte), numero, cle)  # type: ignore[arg-type]  # two names, two types
    if source is Source.LOISIRS:
        return lambda ligne, numero: _loisirs(lire_loisirs(ligne, **contexte), numero)  # type: ignore[arg-type]  # idem
    return lambda ligne, numero: _contact_lu(lire_contact(ligne, **contexte), numero)  # type: ignore[arg-type]  # idem


def _taxes(lue: LigneTaxes, numero: int, cle: bytes) -> LigneLue:
    identifiant = nouvel_id()
    mot_de_passe = envelopper(lue.empreinte, cle) if lue.empreinte else AUCUN
    naissance = str(lue.date_naissance or "")
    return LigneLue(
        ligne=numero,
        id=identifiant,
        reference=lue.reference,
        contact=lue.courriel.adresse,
        courriel=lue.courriel.plie,
        nom_utilisateur=lue.nom_utilisateur,
        personne=Personne(prenom=lue.prenom, nom=lue.nom, date_naissance=lue.date_naissance),
        nom_refuse=lue.nom_refuse,
        sans_mot_de_passe=not lue.empreinte,
        canal="",
        annonce=("courriel", lue.courriel.adresse, lue.prenom, lue.langue),
        copie=_colonnes(
            numero, identifiant, lue.reference, lue.courriel.adresse, lue.courriel.plie,
            lue.nom_utilisateur, lue.prenom, lue.nom, naissance, *lue.adresse, lue.telephone,
            lue.langue, mot_de_passe,
        ),
    )  # fmt: skip


def _loisirs(lue: LigneLoisirs, numero: int) -> LigneLue:
    identifiant = nouvel_id()
    naissance = str(lue.date_naissance or "")
    return LigneLue(
        ligne=numero,
        id=identifiant,
        reference=lue.reference,
        contact=lue.courriel.adresse,
        courriel=lue.courriel.plie,
        nom_utilisateur="",
        personne=Personne(prenom=lue.prenom, nom=lue.nom, date_naissance=lue.date_naissance),
        nom_refuse=False,
        sans_mot_de_passe=False,
        canal="",
        annonce=("", "", "", ""),
        copie=_colonnes(
            numero, identifiant, lue.reference, lue.courriel.adresse, lue.courriel.plie,
            "", lue.prenom, lue.nom, naissance, "", "", "", "", "fr", AUCUN,
        ),
    )  # fmt: skip


def _contact_lu(lue: LigneContact, numero: int) -> LigneLue:
    identifiant = nouvel_id()
    return LigneLue(
        ligne=numero,
        id=identifiant,
        reference=lue.reference,
        contact=lue.coordonnee,
        courriel=lue.coordonnee,
        nom_utilisateur="",
        personne=Personne(prenom="", nom=lue.nom),
        nom_refuse=False,
        sans_mot_de_passe=False,
        canal=lue.canal,
        annonce=(lue.canal, lue.coordonnee, lue.nom, lue.langue),
        copie=_colonnes(
            numero, identifiant, lue.reference, "", lue.coordonnee, "", "", lue.nom, "",
            "", "", "", lue.canal, lue.langue, "",
        ),
    )  # fmt: skip


def _colonnes(*valeurs: object) -> str:
    """Give a row as COPY takes it, with an empty `compte_id`; no value holds a tab or line end."""
    return "\t".join(map(str, valeurs)).replace("\\", "\\\\") + "\t"


def envelopper(empreinte: str, cle: bytes) -> str:
    """Give what the database keeps of an old hash: unreadable without a key kept elsewhere."""
    scelle = seal.seal({"empreinte": empreinte}, key=cle, context=CONTEXTE)
    return HERITEE + base64.b64encode(scelle).decode()


def nouvel_id() -> UUID:
    """Give a UUID of version 7: rows written together lie together in the indexes."""
    instant = time.time_ns() // 1_000_000
    hasard = int.from_bytes(os.urandom(10))
    bas = (hasard & ((1 << 62) - 1)) | (0b10 << 62)
    return UUID(int=instant << 80 | _VERSION_7 << 76 | (hasard >> 68) << 64 | bas)


def _qui(prenom: str, nom: str, contact: str) -> str:
    personne = " ".join(part for part in (prenom.strip(), nom.strip()) if part)
    return _court(f"{personne} <{contact.strip()}>" if personne else contact.strip())


def _contact(ligne: dict[str, str]) -> str:
    return ligne.get("courriel", "") or ligne.get("coordonnee", "")


def _court(valeur: str) -> str:
    """Keep what can be printed on one line of a report."""
    return "".join(signe for signe in valeur if signe.isprintable())[:_QUI_MAX]
