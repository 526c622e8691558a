"""Joining a physical card to an account (CAR-03)."""

import secrets
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import outbox, seal
from chassis.db import Sessions
from espacecitoyen.cartes.v1 import evenements_pb2 as evenements
from services.cartes.domain import (
    AssociationRefusee,
    Carte,
    CarteDejaAssociee,
    Preuve,
    Regles,
    StatutCarte,
    TropDeTentatives,
    jour_local,
)
from services.cartes.persistence import (
    CarteLue,
    carte_du_compte,
    carte_par_numero,
    cartes_ouvertes,
    ecrire_association,
    essais_depuis,
    noter_essai,
    purger_essais,
    renouvellements_ouverts,
)
from services.cartes.use_cases.codes import Codes, poser_code
from services.cartes.use_cases.decider import ouvrir_lien
from services.cartes.use_cases.retenue import Cle


def associer_carte(
    *,
    sessions: Sessions,
    regles: Regles,
    cle_scelle: bytes,
    codes: Codes | None,
    request_id: str,
    compte_id: str,
    preuve: Preuve,
    carte_physique: bool,
    maintenant: datetime,
) -> CarteLue:
    """Give a valid card to the account of whoever proves to hold it (CAR-03).

    Number, birth date and postal code prove it together. A try counts before it is judged, for the
    account and for the number, so that neither many numbers nor many accounts help to guess.

    Args:
        sessions: of the service's database; this function owns the transactions.
        regles: of the city.
        cle_scelle: 32 bytes, shared with the service that sends the mail.
        codes: signs the card's code; None in a city without keys.
        request_id: UUID of the act.
        compte_id: who asks, for themselves.
        preuve: what was typed, checked for its form.
        carte_physique: the plastic card stays in use.
        maintenant: aware UTC time, read at the edge.
    Returns: the card, committed with its event.
    Raises: TropDeTentatives, AssociationRefusee, CarteDejaAssociee, CarteDejaDemandee,
        RequestIdReused, InvalidRequestId.
    """
    cle = Cle.de("AssocierCarte", compte_id, request_id, preuve.__dict__, carte_physique)
    with sessions() as session:
        # Closed without a commit: a refused try may come again under the same name.
        fait = cle.reclamer(session)
        if fait is not None:
            return carte_du_compte(session, compte_id, UUID(fait))
    _compter(sessions, regles, compte_id, preuve.numero, maintenant)
    try:
        with sessions.begin() as session:
            fait = cle.reclamer(session)
            if fait is not None:
                return carte_du_compte(session, compte_id, UUID(fait))
            jour = jour_local(maintenant, regles.zone)
            carte = _prouvee(session, preuve, jour)
            _fermer_echues(session, compte_id, jour)
            carte.associer(compte_id, physique=carte_physique, maintenant=maintenant)
            ecrire_association(session)
            poser_code(session, carte, codes=codes, regles=regles, maintenant=maintenant)
            _annoncer(session, carte, regles, cle_scelle, maintenant)
            cle.conclure(session, carte.carte_id)
            return CarteLue(carte, None)
    except CarteDejaAssociee:
        _prevenir(sessions, preuve.numero, compte_id)
        raise


def _compter(
    sessions: Sessions, regles: Regles, compte_id: str, numero: str, maintenant: datetime
) -> None:
    depuis = maintenant - regles.essais_fenetre
    with sessions.begin() as session:
        # Always in this order: two accounts that try one number never wait for each other.
        for sujet in (f"compte:{compte_id}", f"numero:{numero}"):
            essais = essais_depuis(session, sujet, depuis)
            if len(essais) >= regles.essais_association:
                libre = essais[-regles.essais_association] + regles.essais_fenetre
                raise TropDeTentatives(attente_s=int((libre - maintenant).total_seconds()) + 1)
            noter_essai(session, sujet, maintenant)


def _prouvee(session: Session, preuve: Preuve, jour: date) -> Carte:
    carte = carte_par_numero(session, preuve.numero)
    if carte is None or not _concorde(carte, preuve):
        raise AssociationRefusee
    if carte.statut_au(jour) is not StatutCarte.ACTIVE:
        raise AssociationRefusee
    return carte


def _concorde(carte: Carte, preuve: Preuve) -> bool:
    connue = f"{carte.date_naissance}|{carte.code_postal}".encode()
    return secrets.compare_digest(connue, f"{preuve.date_naissance}|{preuve.code_postal}".encode())


def _fermer_echues(session: Session, compte_id: str, jour: date) -> None:
    """Close the person's expired card, so that the associated one can take its place (CAR-01)."""
    anciennes = cartes_ouvertes(session, compte_id)
    en_cours = renouvellements_ouverts(session, anciennes)
    for ancienne in anciennes:
        if ancienne.carte_id not in en_cours:
            ancienne.statut = ancienne.statut_au(jour)
    # Before the other card is written: the database counts open cards at each statement.
    session.flush()


def _annoncer(
    session: Session, carte: Carte, regles: Regles, cle_scelle: bytes, maintenant: datetime
) -> None:
    jeton = ouvrir_lien(session, carte, regles, maintenant)
    evenement = evenements.CarteAssociee(
        carte_id=str(carte.carte_id),
        compte_id=carte.compte_id,
        echeance=str(carte.echeance),
        scelle=seal.seal({"jeton": jeton}, key=cle_scelle, context="CarteAssociee"),
    )
    outbox.append(session, evenement, aggregate=str(carte.carte_id))


def _prevenir(sessions: Sessions, numero: str, compte_id: str) -> None:
    """Tell the holder that somebody else proved their card; one's own second try tells nobody."""
    with sessions.begin() as session:
        carte = carte_par_numero(session, numero)
        if carte is None or carte.compte_id in ("", compte_id):
            return
        evenement = evenements.AssociationRefusee(
            carte_id=str(carte.carte_id), compte_id=carte.compte_id
        )
        outbox.append(session, evenement, aggregate=str(carte.carte_id))


def oublier_essais(*, sessions: Sessions, regles: Regles, maintenant: datetime) -> int:
    """Forget tries that count no more. Returns: how many. Doing it twice is harmless."""
    with sessions.begin() as session:
        return purger_essais(session, avant=maintenant - regles.essais_fenetre)
