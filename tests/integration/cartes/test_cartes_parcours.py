"""Association, renewal and reminders over real gRPC and PostgreSQL (CAR-03, CAR-09)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import partial
from uuid import uuid4

import pytest
from google.protobuf.json_format import Parse
from sqlalchemy import text

from chassis import seal
from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from espacecitoyen.cartes.v1.evenements_pb2 import CarteAssociee
from services.cartes.domain import composer_numero
from services.cartes.use_cases import oublier_essais
from tests.kit.cartes import CLE_SCELLE
from tests.kit.cartes_banc import Banc, citoyen
from tests.kit.cartes_parcours import (
    AUTRE,
    COMPTE,
    NUMERO,
    associer,
    au_jour,
    au_registre,
    ensemble,
    la_carte,
    refus,
    renouveler,
    une_carte_active,
    une_residence,
)

pytestmark = pytest.mark.integration

# --- association


@pytest.mark.exigence("CAR-03")
def test_a_physical_card_joins_the_account_of_who_proves_it(banc: Banc) -> None:
    carte_id = au_registre(banc)
    carte = associer(banc, carte_physique=True)
    assert carte.carte_id == carte_id
    assert carte.statut == m.STATUT_CARTE_ACTIVE
    assert carte.numero == NUMERO
    assert carte.numerique
    assert carte.physique
    assert [lue.carte_id for lue in lister(banc)] == [carte_id]
    corps = banc.sql("SELECT body FROM outbox WHERE routing_key = 'carte_associee.v1'")[0][0]
    evenement = Parse(bytes(corps).decode(), CarteAssociee())
    jeton = seal.unseal(evenement.scelle, key=CLE_SCELLE, context="CarteAssociee")["jeton"]
    passe = banc.appeler("TelechargerPasse", m.TelechargerPasseRequest(jeton=jeton), citoyen(AUTRE))
    assert passe.contenu.startswith(b"PK")


def lister(banc: Banc, compte: str = COMPTE) -> list[m.Carte]:
    return list(banc.appeler("ListCartes", m.ListCartesRequest(), citoyen(compte)).cartes)


@pytest.mark.exigence("CAR-03")
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"numero": composer_numero("0042", 7_000_124)}, id="number"),
        pytest.param({"date_naissance": "1990-05-18"}, id="birth date"),
        pytest.param({"code_postal": "J7E 3L2"}, id="postal code"),
    ],
)
def test_one_wrong_field_of_three_says_nothing(banc: Banc, changes: dict[str, str]) -> None:
    au_registre(banc)
    fait = refus(lambda: associer(banc, **changes))
    assert (fait.reason, dict(fait.fields)) == ("ASSOCIATION_REFUSEE", {})
    assert lister(banc) == []
    assert banc.evenements() == []


@pytest.mark.exigence("CAR-03")
@pytest.mark.parametrize("etat", ["EXPIREE", "SUSPENDUE", "REVOQUEE"])
def test_a_card_that_is_not_valid_is_not_joined(banc: Banc, etat: str) -> None:
    echue = banc.horloge().date() - timedelta(days=2)
    carte_id = au_registre(banc, echeance=echue) if etat == "EXPIREE" else au_registre(banc)
    if etat != "EXPIREE":
        with banc.engine.begin() as connexion:
            connexion.execute(
                text("UPDATE carte SET statut = :s WHERE carte_id = :c"),
                {"s": etat, "c": carte_id},
            )
    assert refus(lambda: associer(banc)).reason == "ASSOCIATION_REFUSEE"


@pytest.mark.exigence("CAR-03")
def test_tries_are_limited_by_account(banc: Banc) -> None:
    au_registre(banc)
    for sequence in range(5):
        faux = composer_numero("0042", 8_000_000 + sequence)
        assert refus(partial(associer, banc, numero=faux)).reason == "ASSOCIATION_REFUSEE"
    fait = refus(lambda: associer(banc))
    assert fait.reason == "TROP_DE_TENTATIVES"
    assert 3_500 < int(fait.metadata["attente_s"]) <= 3_601
    banc.horloge.advance(seconds=int(fait.metadata["attente_s"]))
    assert associer(banc).numero == NUMERO


@pytest.mark.exigence("CAR-03")
def test_tries_are_limited_by_number_whatever_the_account(banc: Banc) -> None:
    au_registre(banc)
    for _ in range(5):
        refus(lambda: associer(banc, compte=str(uuid4()), date_naissance="1990-05-18"))
    assert refus(lambda: associer(banc)).reason == "TROP_DE_TENTATIVES"


def test_tries_at_once_are_counted_each(banc: Banc) -> None:
    au_registre(banc)
    essais = ensemble([lambda: associer(banc, date_naissance="1990-05-18")] * 8)
    raisons = sorted(essai.reason for essai in essais)
    assert raisons == ["ASSOCIATION_REFUSEE"] * 5 + ["TROP_DE_TENTATIVES"] * 3


def oublier(banc: Banc) -> int:
    return oublier_essais(
        sessions=banc.servicer.sessions, regles=banc.servicer.regles, maintenant=banc.horloge()
    )


def test_tries_are_forgotten(banc: Banc) -> None:
    refus(lambda: associer(banc))
    assert oublier(banc) == 0
    banc.horloge.advance(hours=1, seconds=1)
    assert oublier(banc) == 2
    assert banc.sql("SELECT count(*) FROM essai_association") == [(0,)]


@pytest.mark.exigence("CAR-03")
def test_a_card_of_another_account_is_refused_and_its_holder_told(banc: Banc) -> None:
    au_registre(banc)
    associer(banc)
    assert refus(lambda: associer(banc, compte=AUTRE)).reason == "CARTE_DEJA_ASSOCIEE"
    evenement = banc.sql("SELECT body FROM outbox WHERE routing_key = 'association_refusee.v1'")
    assert json.loads(bytes(evenement[0][0]))["compte_id"] == COMPTE
    assert lister(banc, AUTRE) == []
    # One's own second try is refused too, and tells nobody.
    assert refus(lambda: associer(banc)).reason == "CARTE_DEJA_ASSOCIEE"
    assert banc.evenements().count("association_refusee.v1") == 1


def test_a_repeated_association_is_one(banc: Banc) -> None:
    au_registre(banc)
    request_id = str(uuid4())
    premiere = associer(banc, request_id=request_id)
    assert associer(banc, request_id=request_id) == premiere
    assert banc.evenements() == ["carte_associee.v1"]


def test_two_accounts_race_for_one_card(banc: Banc) -> None:
    au_registre(banc)
    issues = ensemble([lambda: associer(banc), lambda: associer(banc, compte=AUTRE)])
    refusees = [issue for issue in issues if isinstance(issue, RemoteError)]
    assert [refusee.reason for refusee in refusees] == ["CARTE_DEJA_ASSOCIEE"]
    assert len(lister(banc)) + len(lister(banc, AUTRE)) == 1


@pytest.mark.exigence("CAR-01")
def test_who_waits_for_a_card_cannot_join_another(banc: Banc) -> None:
    au_registre(banc)
    banc.demander(COMPTE)
    assert refus(lambda: associer(banc)).reason == "CARTE_DEJA_DEMANDEE"
    assert banc.sql("SELECT count(*) FROM carte WHERE compte_id = ''") == [(1,)]


def test_an_expired_card_gives_its_place_to_the_associated_one(banc: Banc) -> None:
    ancienne = une_carte_active(banc)
    au_jour(banc, ancienne, 120)
    au_registre(banc)
    associer(banc)
    statuts = {carte.numero: carte.statut for carte in lister(banc)}
    assert statuts == {ancienne.numero: m.STATUT_CARTE_EXPIREE, NUMERO: m.STATUT_CARTE_ACTIVE}


# --- renewal


@pytest.mark.exigence("CAR-09")
@pytest.mark.parametrize(
    ("ecart", "raison"),
    [(-31, "RENOUVELLEMENT_TROP_TOT"), (91, "RENOUVELLEMENT_TROP_TARD")],
    ids=["D-31", "D+91"],
)
def test_outside_its_days_nothing_is_held(banc: Banc, ecart: int, raison: str) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, ecart)
    tenues = set(banc.stockage.retenues)
    assert refus(lambda: renouveler(banc, carte)).reason == raison
    assert banc.stockage.retenues == tenues
    assert not la_carte(banc, carte).renouvelable


@pytest.mark.exigence("CAR-09")
@pytest.mark.parametrize("ecart", [-30, -29, 0, 1, 90], ids=["D-30", "D-29", "D-0", "D+1", "D+90"])
def test_a_renewal_keeps_number_and_serial(banc: Banc, ecart: int) -> None:
    carte = une_carte_active(banc)
    serie = banc.sql("SELECT serie FROM carte")[0][0]
    au_jour(banc, carte, ecart)
    assert la_carte(banc, carte).renouvelable
    en_attente = renouveler(banc, carte)
    assert en_attente.demande.genre == m.GENRE_DEMANDE_RENOUVELLEMENT
    assert [piece.role for piece in en_attente.demande.pieces] == [m.ROLE_PIECE_RESIDENCE]
    valide = m.STATUT_CARTE_ACTIVE if ecart <= 0 else m.STATUT_CARTE_EXPIREE
    assert en_attente.statut == valide
    assert not en_attente.renouvelable
    banc.decider(en_attente.demande)
    neuve = la_carte(banc, carte)
    depart = max(date.fromisoformat(carte.echeance), banc.horloge().date())
    assert neuve.echeance == depart.replace(year=depart.year + 2).isoformat()
    assert (neuve.numero, neuve.statut) == (carte.numero, m.STATUT_CARTE_ACTIVE)
    assert banc.sql("SELECT serie FROM carte") == [(serie,)]
    assert banc.evenements()[-2:] == ["renouvellement_demande.v1", "carte_renouvelee.v1"]


@pytest.mark.exigence("CAR-09")
def test_residence_is_required_and_identity_is_not(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -10)
    fait = refus(lambda: renouveler(banc, carte, piece_residence_id=""))
    assert dict(fait.fields) == {"piece_residence_id": "REQUIS"}
    identite, residence = banc.deux_pieces()
    avec = renouveler(banc, carte, piece_residence_id=residence, piece_identite_id=identite)
    assert [piece.role for piece in avec.demande.pieces] == [
        m.ROLE_PIECE_IDENTITE,
        m.ROLE_PIECE_RESIDENCE,
    ]


@pytest.mark.exigence("CAR-09")
def test_the_refused_proof_of_a_renewal_is_replaced_alone(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -10)
    demande = renouveler(banc, carte).demande
    refusee = banc.decider(demande, refuses={m.ROLE_PIECE_RESIDENCE: m.MOTIF_REFUS_ILLISIBLE})
    assert refusee.statut == m.STATUT_DEMANDE_INCOMPLETE
    request = m.RemplacerPieceRequest(
        request_id=str(uuid4()),
        demande_id=demande.demande_id,
        role=m.ROLE_PIECE_RESIDENCE,
        piece_id=banc.deux_pieces()[1],
    )
    reprise = banc.appeler("RemplacerPiece", request, citoyen(COMPTE)).carte
    banc.decider(reprise.demande)
    assert la_carte(banc, carte).echeance > carte.echeance


def test_two_renewals_at_once_are_one(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -10)
    issues = ensemble([lambda: renouveler(banc, carte)] * 4)
    refusees = [issue.reason for issue in issues if isinstance(issue, RemoteError)]
    assert refusees == ["RENOUVELLEMENT_DEJA_DEMANDE"] * 3
    assert banc.sql("SELECT count(*) FROM demande WHERE genre = 'RENOUVELLEMENT'") == [(1,)]


def test_a_repeated_renewal_is_one_and_another_is_refused(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -10)
    request_id, piece = str(uuid4()), une_residence(banc)
    premiere = renouveler(banc, carte, request_id=request_id, **piece)
    assert renouveler(banc, carte, request_id=request_id, **piece) == premiere
    assert refus(lambda: renouveler(banc, carte)).reason == "RENOUVELLEMENT_DEJA_DEMANDE"


def test_the_card_of_somebody_else_is_unknown(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -10)
    assert refus(lambda: renouveler(banc, carte, compte=AUTRE)).reason == "CARTE_INTROUVABLE"


@pytest.mark.exigence("CAR-01")
def test_who_waits_for_a_renewal_cannot_ask_for_a_new_card(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, 10)
    renouveler(banc, carte)
    assert refus(lambda: banc.demander(COMPTE)).reason == "CARTE_DEJA_DEMANDEE"


def test_a_card_suspended_meanwhile_is_not_renewed(banc: Banc) -> None:
    carte = une_carte_active(banc)
    au_jour(banc, carte, -10)
    demande = renouveler(banc, carte).demande
    with banc.engine.begin() as connexion:
        connexion.execute(text("UPDATE carte SET statut = 'SUSPENDUE'"))
    assert refus(lambda: banc.decider(demande)).reason == "CARTE_NON_RENOUVELABLE"
    assert banc.sql("SELECT statut FROM demande WHERE genre = 'RENOUVELLEMENT'") == [("DEPOSEE",)]
