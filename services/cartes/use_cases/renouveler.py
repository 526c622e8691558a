"""Two more years on the same card, and the reminders that they are due (CAR-09)."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.cartes.v1.evenements_pb2 import (
    CarteRenouvelee,
    RappelEcheance,
    RenouvellementDemande,
)
from services.cartes.domain import (
    Carte,
    CarteIntrouvable,
    CarteNonRenouvelable,
    Demande,
    Regles,
    RenouvellementDejaDemande,
    RolePiece,
    Titulaire,
    exiger_pieces_distinctes,
    identifiant_demande,
    jour_local,
    lire_titulaire,
    ouvrir_renouvellement,
)
from services.cartes.persistence import (
    CarteLue,
    ajouter_renouvellement,
    carte_du_compte,
    carte_du_compte_verrouillee,
    carte_verrouillee,
    cartes_a_rappeler,
    demande_existe,
    demande_lue,
    noter_rappel,
    renouvellements_ouverts,
)
from services.cartes.use_cases.codes import Codes, poser_code
from services.cartes.use_cases.retenue import Cle, Stockage, pieces_retenues

RAPPELS_PAR_LOT = 500


def renouveler_carte(
    *,
    sessions: Sessions,
    stockage: Stockage,
    regles: Regles,
    request_id: str,
    compte_id: str,
    carte_id: UUID,
    adresse: Mapping[str, str],
    pieces: Mapping[RolePiece, str],
    carte_physique: bool,
    maintenant: datetime,
) -> CarteLue:
    """Ask for the renewal of a card of the account; it waits for validation (CAR-09).

    Args:
        sessions: of the service's database; this function owns the transaction.
        stockage: called once, before the transaction opens; unused references are given back.
        regles: of the city.
        request_id: UUID of the act; the id of the request follows from it.
        compte_id: who asks.
        carte_id: one of the caller's cards.
        adresse: `adresse`, `ville`, `code_postal` as typed; the rest of the holder is the card's.
        pieces: id of one document per role; RESIDENCE is required.
        carte_physique: a new plastic card.
        maintenant: aware UTC time, read at the edge.
    Returns: the card, as it was, with its new request, committed with its event.
    Raises: CarteIntrouvable, CarteNonRenouvelable, CarteTropTotRenouvelee,
        CarteTropTardRenouvelee, RenouvellementDejaDemande, DonneesInvalides, MemePieceDeuxFois,
        PieceIntrouvable, PieceNonSaine, GenreNonAccepte, PieceExpiree, StockageIndisponible.
    """
    jour = jour_local(maintenant, regles.zone)
    demande_id = identifiant_demande(compte_id, request_id)
    cle = Cle.de(
        "RenouvelerCarte",
        compte_id,
        request_id,
        carte_id,
        dict(adresse),
        [pieces.get(role) for role in RolePiece],
        carte_physique,
    )
    with sessions() as session:
        repetee = demande_existe(session, demande_id)
        carte = carte_du_compte(session, compte_id, carte_id).carte
    titulaire = _titulaire(carte, adresse, regles, maintenant)
    if not repetee:
        # Said before a document is held: the transaction below says it again, under the lock.
        exiger_pieces_distinctes(pieces, requises=(RolePiece.RESIDENCE,))
        carte.exiger_renouvelable(jour, regles.fenetre)
    with (
        pieces_retenues(
            sessions=sessions,
            stockage=stockage,
            regles=regles,
            cle=cle,
            dossier_id=demande_id,
            pieces={} if repetee else pieces,
            jour=jour,
        ),
        sessions.begin() as session,
    ):
        if cle.reclamer(session) is not None:
            return _lue(session, compte_id, demande_id)
        verrouillee = carte_du_compte_verrouillee(session, compte_id, carte_id)
        if verrouillee is None:
            raise CarteIntrouvable
        if renouvellements_ouverts(session, [verrouillee]):
            raise RenouvellementDejaDemande
        demande = ouvrir_renouvellement(
            verrouillee,
            demande_id=demande_id,
            titulaire=titulaire,
            pieces=pieces,
            carte_physique=carte_physique,
            maintenant=maintenant,
            jour=jour,
            fenetre=regles.fenetre,
        )
        ajouter_renouvellement(session, demande)
        evenement = RenouvellementDemande(
            carte_id=str(carte_id), demande_id=str(demande_id), compte_id=compte_id
        )
        outbox.append(session, evenement, aggregate=str(carte_id))
        cle.conclure(session, demande_id)
        return _lue(session, compte_id, demande_id)


def _titulaire(
    carte: Carte, adresse: Mapping[str, str], regles: Regles, maintenant: datetime
) -> Titulaire:
    if carte.date_naissance is None:
        raise CarteNonRenouvelable
    return lire_titulaire(
        {
            **adresse,
            "prenom": carte.prenom,
            "nom": carte.nom,
            "date_naissance": carte.date_naissance.isoformat(),
        },
        jour=jour_local(maintenant, regles.zone),
        # Whoever holds a card may renew it: a child's is renewed by the guardian (CAR-07, 09).
        age_minimal=0,
    )


def _lue(session: Session, compte_id: str, demande_id: UUID) -> CarteLue:
    return carte_du_compte(session, compte_id, demande_lue(session, demande_id).carte_id)


def appliquer_renouvellement(
    session: Session,
    demande: Demande,
    regles: Regles,
    codes: Codes | None,
    maintenant: datetime,
) -> None:
    """Renew the card of a request that was just approved, in the transaction of the decision.

    Raises: CarteNonRenouvelable when the card was suspended, revoked or replaced meanwhile.
    """
    carte = carte_verrouillee(session, demande.carte_id)
    carte.renouveler(maintenant=maintenant, zone=regles.zone)
    carte.code_postal = demande.titulaire.code_postal
    carte.physique = carte.physique or demande.carte_physique
    poser_code(session, carte, codes=codes, regles=regles, maintenant=maintenant)
    session.flush()
    evenement = CarteRenouvelee(
        carte_id=str(carte.carte_id),
        demande_id=str(demande.demande_id),
        compte_id=demande.compte_id,
        echeance=str(carte.echeance),
    )
    outbox.append(session, evenement, aggregate=str(carte.carte_id))


def rappeler_echeances(*, sessions: Sessions, regles: Regles, maintenant: datetime) -> int:
    """Remind holders 30 days before the last day, and once more at the end (CAR-09).

    Guarantee: one reminder of each kind for each last day, whatever the number of runs, and none is
    missed when nothing ran for days: what is due is what lies inside the window and is not noted.
    Returns: how many were sent.
    """
    total = 0
    while lot := _rappeler_un_lot(sessions, regles, maintenant):
        total += lot
    return total


def _rappeler_un_lot(sessions: Sessions, regles: Regles, maintenant: datetime) -> int:
    with sessions.begin() as session:
        dus = cartes_a_rappeler(
            session,
            jour=jour_local(maintenant, regles.zone),
            avant=regles.fenetre.avant,
            dernier=regles.rappel_dernier,
            limite=RAPPELS_PAR_LOT,
        )
        for carte_id, compte_id, echeance, genre in dus:
            if not noter_rappel(session, carte_id, echeance, genre, maintenant):
                continue
            evenement = RappelEcheance(
                carte_id=str(carte_id),
                compte_id=compte_id,
                echeance=echeance.isoformat(),
                genre=genre.value,
            )
            outbox.append(session, evenement, aggregate=str(carte_id))
    return len(dus)
