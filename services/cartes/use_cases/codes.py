"""The signed code of each card, the keys and lists that verify it (CAR-16)."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.cartes.domain import (
    Attestation,
    Carte,
    CodesNonOfferts,
    ListeInconnue,
    Regles,
    StatutCode,
    classe_age,
    fin_de_journee,
    jour_local,
)
from services.cartes.persistence import codes as rangees
from services.cartes.persistence.codes import CleLue

OCTETS_IDENTIFIANT = 16
LOT = 200
# A code is good two years, and may be renewed for 90 days: its key is published for that long.
ANNEES_PUBLIEES = 3
RAFRAICHIR = timedelta(minutes=15)
DUREE_LISTE = timedelta(days=7)


class Codes(Protocol):
    """Port to the keys of the town."""

    emetteur: str
    ville: int

    def creer(self, annee: int) -> CleLue:
        """Make the key of a year."""

    def coordonnees(self, cle: CleLue) -> tuple[bytes, bytes]:
        """Return x and y of a public key, 32 bytes each."""

    def adresse_liste(self, liste_id: int) -> str:
        """Return where a status list is served."""

    def signer(self, cle: CleLue, attestation: Attestation) -> str:
        """Return the text of a code."""

    def signer_liste(
        self,
        cle: CleLue,
        *,
        liste_id: int,
        taille: int,
        statuts: Iterable[tuple[int, StatutCode]],
        maintenant: datetime,
        rafraichir: timedelta,
        duree: timedelta,
    ) -> bytes:
        """Return a signed status list."""


def poser_code(
    session: Session, carte: Carte, *, codes: Codes | None, regles: Regles, maintenant: datetime
) -> None:
    """Give a card with a number and a last day its code, in the caller's transaction.

    The same index stays with the card: its older codes share its state. A city without keys has
    cards without codes.
    """
    if codes is None or carte.numero is None or carte.echeance is None:
        return
    jour = jour_local(maintenant, regles.zone)
    cle = _cle(session, codes, jour.year, maintenant)
    liste_id, indice = rangees.indice_de(session, carte.carte_id)
    attestation = Attestation(
        emetteur=codes.emetteur,
        identifiant=secrets.token_bytes(OCTETS_IDENTIFIANT),
        numero=carte.numero,
        titulaire=f"{carte.nom}, {carte.prenom}".upper(),
        ville=codes.ville,
        categorie=carte.categorie,
        classe_age=classe_age(carte.date_naissance, jour),
        liste=codes.adresse_liste(liste_id),
        indice=indice,
        emise_le=maintenant.replace(microsecond=0),
        expire_le=fin_de_journee(carte.echeance, regles.zone) + timedelta(seconds=1),
    )
    carte.code = codes.signer(cle, attestation)


def _cle(session: Session, codes: Codes, annee: int, maintenant: datetime) -> CleLue:
    """Return the key that signs this year, made at its first use."""
    cle = rangees.cle_de_l_annee(session, annee)
    if cle is None:
        rangees.ajouter_cle(session, codes.creer(annee), maintenant=maintenant)
        cle = rangees.cle_de_l_annee(session, annee)
    if cle is None:
        raise RuntimeError(f"no signing key for {annee}")
    return cle


def lister_cles(*, lectures: Sessions, regles: Regles, maintenant: datetime) -> list[CleLue]:
    """Return the keys whose cards may still be valid, for the JWKS."""
    depuis = jour_local(maintenant, regles.zone).year - ANNEES_PUBLIEES
    with lectures() as session:
        return rangees.cles_publiees(session, depuis=depuis)


def lire_liste(
    *,
    sessions: Sessions,
    codes: Codes | None,
    regles: Regles,
    liste_id: int,
    maintenant: datetime,
) -> bytes:
    """Return a status list, signed now.

    Raises: CodesNonOfferts, ListeInconnue.
    """
    if codes is None:
        raise CodesNonOfferts
    with sessions.begin() as session:
        taille = rangees.taille_liste(session, liste_id)
        if taille is None:
            raise ListeInconnue
        cle = _cle(session, codes, jour_local(maintenant, regles.zone).year, maintenant)
        statuts = rangees.statuts_de_la_liste(session, liste_id)
    return codes.signer_liste(
        cle,
        liste_id=liste_id,
        taille=taille,
        statuts=statuts,
        maintenant=maintenant,
        rafraichir=RAFRAICHIR,
        duree=DUREE_LISTE,
    )


def signer_anciennes(
    *, sessions: Sessions, codes: Codes | None, regles: Regles, maintenant: datetime
) -> int:
    """Give a code to the valid cards that were here before the keys. Returns: how many.

    Batches commit one by one; doing it twice is harmless.
    """
    total = 0
    while codes is not None:
        with sessions.begin() as session:
            jour = jour_local(maintenant, regles.zone)
            cartes = rangees.cartes_sans_code(session, jour=jour, limite=LOT)
            for carte in cartes:
                poser_code(session, carte, codes=codes, regles=regles, maintenant=maintenant)
        if not cartes:
            break
        total += len(cartes)
    return total
