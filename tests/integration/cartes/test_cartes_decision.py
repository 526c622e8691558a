"""Deciding on requests, replacing proofs, the queue of staff: real gRPC and PostgreSQL."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from google.protobuf.json_format import Parse
from sqlalchemy import event

from chassis import seal
from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from espacecitoyen.cartes.v1.evenements_pb2 import CarteApprouvee
from tests.kit.cartes import CLE_SCELLE
from tests.kit.cartes_banc import Banc, agent_de, anonyme, citoyen

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.integration

COMPTE, AUTRE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
ILLISIBLE = m.MOTIF_REFUS_ILLISIBLE
RESIDENCE, IDENTITE = m.ROLE_PIECE_RESIDENCE, m.ROLE_PIECE_IDENTITE


def refus(acte: Callable[[], Any]) -> RemoteError:
    with pytest.raises(RemoteError) as fait:
        acte()
    return fait.value


def ensemble(actes: list[Callable[[], Any]]) -> list[Any]:
    """Start the acts at the same instant; return results, or what they raised."""
    depart = Barrier(len(actes))

    def jouer(acte: Callable[[], Any]) -> Any:
        depart.wait(10)
        try:
            return acte()
        except RemoteError as error:
            return error

    with ThreadPoolExecutor(len(actes)) as fils:
        return list(fils.map(jouer, actes))


def lister(banc: Banc, compte: str = COMPTE) -> list[m.Carte]:
    return list(banc.appeler("ListCartes", m.ListCartesRequest(), citoyen(compte)).cartes)


def remplacer(banc: Banc, demande: m.Demande, piece_id: str, **changes: Any) -> m.Carte:
    request = m.RemplacerPieceRequest(
        **{
            "request_id": str(uuid4()),
            "demande_id": demande.demande_id,
            "role": RESIDENCE,
            "piece_id": piece_id,
            **changes,
        }
    )
    carte: m.Carte = banc.appeler("RemplacerPiece", request, citoyen(COMPTE)).carte
    return carte


# --- deciding ------------------------------------------------------------------------------------


@pytest.mark.exigence("CAR-01", "CAR-04", "CAR-05")
def test_approbation_rend_la_carte_active_et_scelle_le_lien(banc: Banc) -> None:
    carte = banc.demander(COMPTE)
    decidee = banc.decider(carte.demande)
    assert decidee.statut == m.STATUT_DEMANDE_APPROUVEE
    assert decidee.version == 2
    (lue,) = lister(banc)
    assert lue.statut == m.STATUT_CARTE_ACTIVE
    assert lue.echeance == "2028-03-02"
    assert len(lue.numero) == 14
    assert lue.numero.startswith("20042")
    assert not lue.HasField("demande")
    (corps,) = banc.sql("SELECT body FROM outbox WHERE routing_key = 'carte_approuvee.v1'")
    evenement = Parse(bytes(corps[0]), CarteApprouvee())
    jeton = seal.unseal(evenement.scelle, key=CLE_SCELLE, context="CarteApprouvee")["jeton"]
    assert len(jeton) == 43
    assert evenement.echeance == "2028-03-02"
    assert jeton not in json.dumps([list(map(str, ligne)) for ligne in banc.sql("TABLE lien")])
    (decision,) = banc.sql("SELECT count(*), min(agent_id) FROM decision")
    assert tuple(decision) == (2, "agent-1")
    banc.horloge.now = datetime(2028, 3, 3, 4, 59, 59, tzinfo=UTC)  # 23:59:59 on the last day
    assert lister(banc)[0].statut == m.STATUT_CARTE_ACTIVE
    banc.horloge.now = datetime(2028, 3, 3, 5, tzinfo=UTC)
    assert lister(banc)[0].statut == m.STATUT_CARTE_EXPIREE
    nouvelle = banc.demander(COMPTE)
    assert [c.carte_id for c in lister(banc)] == [nouvelle.carte_id, carte.carte_id]


@pytest.mark.exigence("CAR-04")
def test_deux_agents_a_la_fois_un_seul_gagne(banc: Banc) -> None:
    carte = banc.demander(COMPTE)
    resultats = ensemble(
        [
            lambda: banc.decider(carte.demande, "agent-1"),
            lambda: banc.decider(carte.demande, "agent-2"),
            lambda: banc.decider(carte.demande, "agent-3", {RESIDENCE: ILLISIBLE}),
        ]
    )
    perdants = [r for r in resultats if isinstance(r, RemoteError)]
    assert len(perdants) == 2
    for perdant in perdants:
        assert perdant.reason == "VERSION_PERIMEE"
        assert perdant.metadata == {"version": "2", "modifiee_le": "2026-03-02T15:00:00Z"}
    assert len(banc.evenements()) == 2
    assert banc.sql("SELECT count(*) FROM decision")[0][0] == 2
    assert banc.sql("SELECT count(*) FROM lien")[0][0] <= 1
    relue = banc.appeler(
        "GetDemande", m.GetDemandeRequest(demande_id=carte.demande.demande_id), agent_de("agent-2")
    ).demande
    if relue.statut == m.STATUT_DEMANDE_APPROUVEE:
        encore = m.DeciderDemandeRequest(
            request_id=str(uuid4()), demande_id=relue.demande_id, version=relue.version
        )
        fait = refus(lambda: banc.appeler("DeciderDemande", encore, agent_de("agent-2")))
        assert fait.reason == "DEMANDE_DEJA_DECIDEE"


def test_decision_repetee_repond_pareil(banc: Banc) -> None:
    carte = banc.demander(COMPTE)
    request = m.DeciderDemandeRequest(
        request_id=str(uuid4()),
        demande_id=carte.demande.demande_id,
        version=1,
        decisions=[
            m.DecisionPiece(role=IDENTITE, acceptee=True),
            m.DecisionPiece(role=RESIDENCE, acceptee=True),
        ],
    )
    decidees = ensemble(
        [lambda: banc.appeler("DeciderDemande", request, agent_de("agent-1")).demande] * 4
    )
    assert all(decidee == decidees[0] for decidee in decidees)
    assert banc.evenements() == ["carte_demandee.v1", "carte_approuvee.v1"]
    assert banc.sql("SELECT count(*) FROM lien")[0][0] == 1


@pytest.mark.exigence("CAR-04")
def test_agent_ne_decide_pas_de_sa_demande(banc: Banc) -> None:
    carte = banc.demander(COMPTE)
    assert refus(lambda: banc.decider(carte.demande, COMPTE)).reason == "ACCES_REFUSE"


@pytest.mark.exigence("CAR-04")
def test_preuve_refusee_se_remplace_seule(banc: Banc) -> None:
    carte = banc.demander(COMPTE)
    demande = banc.decider(carte.demande, refuses={RESIDENCE: ILLISIBLE})
    assert demande.statut == m.STATUT_DEMANDE_INCOMPLETE
    (corps,) = banc.sql("SELECT body FROM outbox WHERE routing_key = 'demande_incomplete.v1'")
    assert json.loads(bytes(corps[0]))["pieces"] == [{"role": "RESIDENCE", "motif": "ILLISIBLE"}]
    neuve = banc.stockage.deposer(str(uuid4()), "RESIDENCE")
    fait = refus(lambda: remplacer(banc, demande, neuve, role=IDENTITE))
    assert (fait.reason, fait.metadata) == ("PIECE_NON_REFUSEE", {"role": "IDENTITE"})
    identite, ancienne = (piece.piece_id for piece in demande.pieces)
    assert refus(lambda: remplacer(banc, demande, ancienne)).reason == "PIECE_DEJA_REFUSEE"
    assert refus(lambda: remplacer(banc, demande, identite)).reason == "MEME_PIECE_DEUX_FOIS"
    autre = banc.stockage.deposer(str(uuid4()), "IDENTITE")
    assert refus(lambda: remplacer(banc, demande, autre)).reason == "GENRE_NON_ACCEPTE"
    retenues = {piece for _, piece in banc.stockage.retenues}
    assert retenues == {identite, ancienne}, "what failed gave back only what it took"

    request_id = str(uuid4())
    apres = ensemble([lambda: remplacer(banc, demande, neuve, request_id=request_id)] * 4)
    assert all(carte == apres[0] for carte in apres)
    piece_identite, piece_residence = apres[0].demande.pieces
    assert apres[0].demande.statut == m.STATUT_DEMANDE_DEPOSEE
    assert piece_identite.statut == m.STATUT_PIECE_JUSTIFICATIVE_ACCEPTEE
    assert piece_residence.statut == m.STATUT_PIECE_JUSTIFICATIVE_A_VERIFIER
    assert piece_residence.piece_id == neuve
    assert {piece for _, piece in banc.stockage.retenues} == {identite, neuve}
    decidee = banc.decider(apres[0].demande, "agent-2")
    assert decidee.statut == m.STATUT_DEMANDE_APPROUVEE
    assert banc.evenements() == [
        "carte_demandee.v1",
        "demande_incomplete.v1",
        "piece_remplacee.v1",
        "carte_approuvee.v1",
    ]


def test_remplacer_la_piece_d_autrui_semble_inconnu(banc: Banc) -> None:
    carte = banc.demander(AUTRE)
    demande = banc.decider(carte.demande, refuses={RESIDENCE: ILLISIBLE})
    neuve = banc.stockage.deposer(str(uuid4()), "RESIDENCE")
    assert refus(lambda: remplacer(banc, demande, neuve)).reason == "DEMANDE_INTROUVABLE"
    assert refus(lambda: remplacer(banc, demande, neuve, role=0)).fields == {"role": "REQUIS"}
    assert refus(lambda: remplacer(banc, demande, "")).fields == {"piece_id": "REQUIS"}


def test_stockage_muet_apres_le_remplacement_ne_le_defait_pas(banc: Banc) -> None:
    demande = banc.decider(banc.demander(COMPTE).demande, refuses={RESIDENCE: ILLISIBLE})
    neuve = banc.stockage.deposer(str(uuid4()), "RESIDENCE")
    banc.stockage.garde = True
    assert remplacer(banc, demande, neuve).demande.statut == m.STATUT_DEMANDE_DEPOSEE
    assert len(banc.stockage.retenues) == 3


def test_refus_entre_le_regard_et_le_verrou_se_reessaie_seul(banc: Banc) -> None:
    demande = banc.demander(COMPTE).demande
    neuve = banc.stockage.deposer(str(uuid4()), "RESIDENCE")
    deja: list[bool] = []

    def refuser(_connexion: Any, _curseur: Any, ordre: str, *_reste: Any) -> None:
        # The citizen has looked at the request; before they lock it, an agent refuses the proof.
        if "INSERT INTO request" in ordre and not deja:
            deja.append(True)
            banc.decider(demande, refuses={RESIDENCE: ILLISIBLE})

    event.listen(banc.engine, "before_cursor_execute", refuser)
    # The document was not held yet: UNAVAILABLE, which the client tries again by itself.
    apres = remplacer(banc, demande, neuve).demande
    event.remove(banc.engine, "before_cursor_execute", refuser)
    assert deja
    assert apres.statut == m.STATUT_DEMANDE_DEPOSEE
    assert apres.version == 3
    assert neuve in {piece for _, piece in banc.stockage.retenues}
    assert len(banc.stockage.retenues) == 2


# --- queue of staff ------------------------------------------------------------------------------


def test_file_des_agents_la_plus_ancienne_d_abord_par_curseur(banc: Banc) -> None:
    attendues = []
    for rang in range(7):
        banc.horloge.advance(minutes=1)
        attendues.append(banc.demander(str(uuid4())).demande)
        if rang == 0:
            banc.decider(attendues.pop())
    lues: list[m.Demande] = []
    curseur = ""
    while True:
        page = banc.appeler(
            "ListDemandes",
            m.ListDemandesRequest(page_size=4, page_token=curseur),
            agent_de("agent-1"),
        )
        assert page.total == 6
        lues += page.demandes
        curseur = page.next_page_token
        if not curseur:
            break
    assert lues == attendues
    approuvees = banc.appeler(
        "ListDemandes",
        m.ListDemandesRequest(statut=m.STATUT_DEMANDE_APPROUVEE),
        agent_de("agent-1"),
    )
    assert approuvees.total == 1
    for faux in ({"page_token": "zzz"}, {"page_size": 101}, {"page_size": -1}):
        request = m.ListDemandesRequest(**faux)
        fait = refus(lambda r=request: banc.appeler("ListDemandes", r, agent_de("a")))  # type: ignore[misc]
        assert set(fait.fields) == set(faux)


def test_listes_en_un_nombre_borne_d_ordres(banc: Banc, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        banc.demander(str(uuid4()))
    ordres: list[object] = []
    executer = psycopg.Cursor.execute

    def noter(curseur: psycopg.Cursor[Any], ordre: Any, *reste: Any, **options: Any) -> Any:
        ordres.append(ordre)
        return executer(curseur, ordre, *reste, **options)

    # At the driver, which plain reads and SQLAlchemy have in common.
    monkeypatch.setattr(psycopg.Cursor, "execute", noter)
    banc.appeler("ListDemandes", m.ListDemandesRequest(), agent_de("agent-1"))
    assert len(ordres) == 3
    ordres.clear()
    lister(banc)
    assert len(ordres) == 1


@pytest.mark.exigence("CAR-04")
def test_consultation_par_un_agent_est_dite(banc: Banc) -> None:
    carte = banc.demander(COMPTE)
    request = m.GetDemandeRequest(demande_id=carte.demande.demande_id)
    lue = banc.appeler("GetDemande", request, agent_de("agent-7")).demande
    assert lue == carte.demande
    (corps,) = banc.sql("SELECT body FROM outbox WHERE routing_key = 'demande_consultee.v1'")
    assert json.loads(bytes(corps[0])) == {
        "demande_id": carte.demande.demande_id,
        "compte_id": COMPTE,
        "lecteur_id": "agent-7",
        "motif": "validation_carte",
    }
    inconnue = m.GetDemandeRequest(demande_id=str(uuid4()))
    fait = refus(lambda: banc.appeler("GetDemande", inconnue, agent_de("agent-7")))
    assert fait.reason == "DEMANDE_INTROUVABLE"


@pytest.mark.parametrize(
    ("rpc", "request_", "jeton"),
    [
        ("ListDemandes", m.ListDemandesRequest(), citoyen(COMPTE)),
        ("GetDemande", m.GetDemandeRequest(), citoyen(COMPTE)),
        ("DeciderDemande", m.DeciderDemandeRequest(), citoyen(COMPTE)),
        ("ListCartes", m.ListCartesRequest(), anonyme()),
        ("DemanderCarte", m.DemanderCarteRequest(), agent_de("agent-1")),
    ],
)
def test_roles_sont_exiges(banc: Banc, rpc: str, request_: Any, jeton: str) -> None:
    assert refus(lambda: banc.appeler(rpc, request_, jeton)).reason == "ACCES_REFUSE"
