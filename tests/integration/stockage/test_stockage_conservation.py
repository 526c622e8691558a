"""The end of what is kept: decided cases, holds, erasure. The worker may be late."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from chassis.db import make_sessions
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from espacecitoyen.stockage.v1 import conservation_service_pb2 as gels_pb
from espacecitoyen.stockage.v1 import conservation_service_pb2_grpc as gels_grpc
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from services.stockage.domain import Validite, lire_conservation
from services.stockage.use_cases import conservation
from tests.kit import stockage as kit
from tests.kit.identity import token

pytestmark = pytest.mark.integration

REGLE = lire_conservation({"cartes": "30", "demandes": "30", "cartes.AUTRE": "5"})
VALIDITE = Validite(zone=ZoneInfo("America/Toronto"), rappel_jours=30)
DEUX_ANS = dt.timedelta(days=730)

Ordonner = Callable[..., Any]


@pytest.fixture
def ordonner(banc):
    """Call the service of the holds as an administrator."""
    remote = Remote(
        "stockage",
        stub=gels_grpc.ConservationServiceStub,
        addresses=StaticAddresses([banc.adresse]),
    )
    admin = str(uuid4())

    def appeler(nom: str, demande: Any, *, jeton: str = "") -> Any:
        return remote.call(
            lambda s: getattr(s, nom), demande, token=jeton or token(admin, "admin"), deadline=10
        )

    yield appeler
    remote.close()


def decider(banc, dossier: str, *, event_id: UUID | None = None, service: str = "cartes") -> None:
    conservation.dater_decision(
        sessions=make_sessions(banc.engine),
        event_id=event_id or uuid4(),
        service=service,
        dossier_id=dossier,
        decidee_le=banc.horloge.now,
    )


def passer(banc) -> conservation.BilanConservation:
    return conservation.appliquer_conservation(
        sessions=make_sessions(banc.engine),
        coffre=banc.coffre,
        conservation=REGLE,
        oubli_consultations=DEUX_ANS,
        maintenant=banc.horloge.now,
    )


def poser(banc, ordonner: Ordonner, *, piece_id: str = "", **champs: Any) -> gels_pb.Gel:
    demande = gels_pb.PoserGelRequest(
        request_id=champs.pop("request_id", str(uuid4())),
        compte_id=banc.compte_id,
        piece_id=piece_id,
        motif="Demande d’accès 2026-14",
        **champs,
    )
    return ordonner("PoserGel", demande).gel


def lever(ordonner: Ordonner, gel_id: str) -> gels_pb.Gel:
    demande = gels_pb.LeverGelRequest(request_id=str(uuid4()), gel_id=gel_id, motif="Dossier réglé")
    return ordonner("LeverGel", demande).gel


def effacer(banc, *, essai: bool = False, request_id: str = "") -> pb.EffacerEspaceResponse:
    demande = pb.EffacerEspaceRequest(request_id=request_id or str(uuid4()), essai=essai)
    return banc.appeler("EffacerEspace", demande)


@pytest.mark.exigence("IDN-22")
def test_the_copy_of_a_case_ends_30_days_after_the_decision(banc):
    garde = banc.deposer(kit.un_pdf(), genre=pb.GENRE_PIECE_IDENTITE).piece_id
    supprimee = banc.deposer(kit.un_pdf(pages=2)).piece_id
    banc.retenir(garde, supprimee, dossier="d1")
    banc.supprimer(supprimee)
    banc.horloge.advance(days=400)
    # Without a decision nothing ends.
    assert passer(banc) == conservation.BilanConservation()
    decider(banc, "d1")
    (utilisation,) = banc.appeler(
        "ListUtilisations", pb.ListUtilisationsRequest(piece_id=garde)
    ).utilisations
    fin = VALIDITE.jour(banc.horloge.now) + dt.timedelta(days=30)
    assert utilisation.purgee_apres == fin.isoformat()
    banc.horloge.advance(days=30, seconds=-1)
    assert passer(banc) == conservation.BilanConservation()
    banc.horloge.advance(seconds=1)
    assert passer(banc) == conservation.BilanConservation(retenues=2, objets=1)
    assert passer(banc) == conservation.BilanConservation()
    # The owner keeps what they did not delete.
    assert [piece.piece_id for piece in banc.lister().pieces] == [garde]
    assert not banc.lister().pieces[0].utilisee
    assert len(banc.fichiers()) == 1
    assert banc.evenements().count("retenue_purgee.v1") == 2
    agent = banc.jeton("agent_cartes", sujet=str(uuid4()), motif="validation_carte")
    with pytest.raises(RemoteError) as erreur:
        banc.lire(garde, apercu=True, jeton=agent, dossier_id="d1")
    assert erreur.value.reason == "PIECE_INTROUVABLE"


@pytest.mark.exigence("IDN-22")
def test_the_schedule_is_that_of_the_kind_and_of_the_service(banc):
    identite = banc.deposer(kit.un_pdf(), genre=pb.GENRE_PIECE_IDENTITE).piece_id
    autre = banc.deposer(kit.un_pdf(pages=2), genre=pb.GENRE_PIECE_AUTRE).piece_id
    banc.retenir(identite, autre, dossier="d1")
    decider(banc, "d1")
    decider(banc, "d1", service="demandes")
    banc.horloge.advance(days=5)
    assert passer(banc).retenues == 1
    assert [p.utilisee for p in banc.lister(tri=pb.TRI_PIECE_GENRE).pieces] == [True, False]


def test_a_decision_heard_twice_or_changed_keeps_its_first_date(banc):
    piece_id, event_id = banc.deposer(kit.un_pdf()).piece_id, uuid4()
    banc.retenir(piece_id, dossier="d1")
    decider(banc, "d1", event_id=event_id)
    banc.horloge.advance(days=29)
    decider(banc, "d1", event_id=event_id)
    decider(banc, "d1")
    banc.horloge.advance(days=1)
    assert passer(banc).retenues == 1
    # Taken again for the same case, a reference begins anew.
    banc.retenir(piece_id, dossier="d1")
    banc.horloge.advance(days=90)
    assert passer(banc).retenues == 0


@pytest.mark.exigence("IDN-22")
def test_a_dry_run_names_what_would_end_and_ends_nothing(banc):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    banc.retenir(piece_id, dossier="d1")
    decider(banc, "d1")
    banc.horloge.advance(days=31)
    for _ in range(2):
        (echue,) = conservation.echues(
            sessions=make_sessions(banc.engine),
            conservation=REGLE,
            maintenant=banc.horloge.now,
        )
        assert (str(echue.piece.piece_id), echue.dossier_id) == (piece_id, "d1")
    assert banc.lister().pieces[0].utilisee


@pytest.mark.exigence("IDN-22")
def test_the_operator_sees_what_would_end_then_ends_it(banc, cle_maitresse):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    banc.retenir(piece_id, dossier="d1")
    banc.supprimer(piece_id)
    decider(banc, "d1")

    def conservation_(*options: str) -> str:
        fait = subprocess.run(
            [sys.executable, "-m", "services.stockage.commandes", "conservation", *options],
            env={
                "PATH": os.environ["PATH"],
                "STOCKAGE_DATABASE_URL": banc.url,
                "STOCKAGE_DOSSIER": str(banc.dossier),
                "STOCKAGE_CLAMD": banc.antivirus.adresse,
                "STOCKAGE_CLE_MAITRESSE": cle_maitresse,
                "STOCKAGE_CONSERVATION_JOURS": "cartes=0",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return fait.stdout

    ligne = f"cartes d1 {piece_id} {banc.horloge.now:%Y-%m-%d}\n"
    for _ in range(2):
        assert conservation_("--essai") == f"{ligne}would end: 1\n"
    assert conservation_() == f"{ligne}references: 1, documents: 1, spaces: 0\n"
    assert conservation_() == "references: 0, documents: 0, spaces: 0\n"
    assert banc.rien_ne_reste()


def test_two_passes_at_once_end_each_reference_once(banc):
    ids = [banc.deposer(kit.un_pdf(pages=n)).piece_id for n in range(1, 7)]
    for rang, piece_id in enumerate(ids):
        banc.retenir(piece_id, dossier=f"d{rang}")
        banc.supprimer(piece_id)
        decider(banc, f"d{rang}")
    banc.horloge.advance(days=30)
    with ThreadPoolExecutor(3) as fils:
        bilans = list(fils.map(lambda _: passer(banc), range(3)))
    assert sum(bilan.retenues for bilan in bilans) == 6
    assert banc.evenements().count("retenue_purgee.v1") == 6
    assert banc.rien_ne_reste()


@pytest.mark.exigence("IDN-22")
@pytest.mark.parametrize("tout_l_espace", [False, True])
def test_what_is_held_is_neither_deleted_nor_purged(banc, ordonner, tout_l_espace):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    retiree = banc.deposer(kit.un_pdf(pages=2)).piece_id
    banc.retenir(piece_id, retiree, dossier="d1")
    decider(banc, "d1")
    gel = poser(banc, ordonner, piece_id="" if tout_l_espace else piece_id)
    assert banc.appeler("GetPiece", pb.GetPieceRequest(piece_id=piece_id)).piece.gelee
    with pytest.raises(RemoteError) as erreur:
        banc.supprimer(piece_id)
    assert erreur.value.reason == "PIECE_GELEE"
    banc.horloge.advance(days=31)
    assert passer(banc).retenues == (0 if tout_l_espace else 1)
    lever(ordonner, gel.gel_id)
    assert passer(banc).retenues == (2 if tout_l_espace else 1)
    banc.supprimer(piece_id)
    assert banc.evenements().count("gel_pose.v1") == 1
    assert banc.evenements().count("gel_leve.v1") == 1


@pytest.mark.exigence("IDN-22")
def test_a_hold_and_a_deletion_at_once_have_one_winner(banc, ordonner):
    def tenter(acte: Callable[[], object]) -> str:
        try:
            acte()
        except RemoteError as erreur:
            return erreur.reason
        return ""

    for _ in range(6):
        piece_id = banc.deposer(kit.un_pdf()).piece_id
        with ThreadPoolExecutor(2) as fils:
            gel = fils.submit(tenter, partial(poser, banc, ordonner, piece_id=piece_id))
            fin = fils.submit(tenter, partial(banc.supprimer, piece_id))
        reste = piece_id in {piece.piece_id for piece in banc.lister().pieces}
        assert (gel.result(), fin.result(), reste) in {
            ("", "PIECE_GELEE", True),
            ("PIECE_INTROUVABLE", "", False),
        }


def test_a_hold_is_repeated_listed_and_ended_once(banc, ordonner):
    piece_id, request_id = banc.deposer(kit.un_pdf()).piece_id, str(uuid4())
    gel = poser(banc, ordonner, piece_id=piece_id, request_id=request_id, sans_avis=True)
    assert poser(banc, ordonner, piece_id=piece_id, request_id=request_id, sans_avis=True) == gel
    banc.horloge.advance(days=1)
    leve = lever(ordonner, gel.gel_id)
    assert (leve.motif_levee, bool(leve.leve_le)) == ("Dossier réglé", True)
    assert lever(ordonner, gel.gel_id) == leve
    demande = gels_pb.ListGelsRequest(compte_id=banc.compte_id)
    assert list(ordonner("ListGels", demande).gels) == [leve]
    assert banc.evenements().count("gel_leve.v1") == 1


def test_orders_that_make_no_sense_are_refused(banc, ordonner):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    inconnue = gels_pb.LeverGelRequest(
        request_id=str(uuid4()), gel_id=str(uuid4()), motif="Dossier réglé"
    )
    sans_motif = gels_pb.PoserGelRequest(
        request_id=str(uuid4()), compte_id=banc.compte_id, motif="non"
    )
    ailleurs = gels_pb.PoserGelRequest(
        request_id=str(uuid4()), compte_id=str(uuid4()), piece_id=piece_id, motif="Audit 2026"
    )
    for nom, demande, attendue in (
        ("LeverGel", inconnue, "GEL_INTROUVABLE"),
        ("PoserGel", sans_motif, "DONNEES_INVALIDES"),
        ("PoserGel", ailleurs, "PIECE_INTROUVABLE"),
    ):
        with pytest.raises(RemoteError) as erreur:
            ordonner(nom, demande)
        assert erreur.value.reason == attendue
    for role in ("citoyen", "agent_cartes"):
        with pytest.raises(RemoteError) as erreur:
            ordonner("PoserGel", ailleurs, jeton=banc.jeton(role))
        assert erreur.value.reason == "ACCES_REFUSE"


@pytest.mark.exigence("IDN-22")
def test_an_export_says_everything_that_the_space_holds(banc):
    un = banc.deposer(kit.un_pdf(pages=1), libelle="Bail").piece_id
    deux = banc.deposer(kit.un_pdf(pages=2), genre=0, remplace_piece_id=un).piece_id
    banc.retenir(un, dossier="d1")
    banc.lire(deux)
    autre = banc.deposer(kit.un_pdf(pages=3)).piece_id
    banc.retenir(autre, dossier="d2")
    banc.supprimer(autre)
    demande = pb.LireEspaceRequest()
    lignes = list(banc.remote.stream(lambda s: s.LireEspace, demande, token=banc.jeton()))
    par_id = {ligne.piece.piece_id: ligne for ligne in lignes}
    assert set(par_id) == {un, deux, autre}
    assert [u.dossier_id for u in par_id[un].utilisations] == ["d1"]
    assert [c.version for c in par_id[deux].consultations] == [2]
    # What a case alone still keeps is the person's too.
    assert [u.dossier_id for u in par_id[autre].utilisations] == ["d2"]
    vide = banc.jeton(sujet=str(uuid4()))
    assert not list(banc.remote.stream(lambda s: s.LireEspace, demande, token=vide))


@pytest.mark.exigence("IDN-22")
def test_an_erasure_leaves_nothing_not_even_the_key(banc):
    for pages in (1, 2):
        banc.lire(banc.deposer(kit.un_pdf(pages=pages)).piece_id)
    request_id = str(uuid4())
    essai = effacer(banc, essai=True)
    assert (essai.effacees, list(essai.conservees)) == (2, [])
    assert banc.lister().total == 2
    assert effacer(banc, request_id=request_id) == essai
    assert effacer(banc, request_id=request_id).effacees == 2
    assert banc.rien_ne_reste()
    for table in ("espace", "consultation", "retenue"):
        assert banc.rangees(f"SELECT 1 FROM {table}") == []
    assert banc.evenements().count("espace_efface.v1") == 1
    # The account may begin again, under another key.
    banc.deposer(kit.un_pdf())
    assert banc.lister().total == 1


@pytest.mark.exigence("IDN-22")
def test_an_erasure_is_refused_lawfully_and_ends_by_itself(banc, ordonner):
    libre, tenue, gelee = (banc.deposer(kit.un_pdf(pages=n)).piece_id for n in (1, 2, 3))
    banc.retenir(tenue, dossier="d1")
    gel = poser(banc, ordonner, piece_id=gelee)
    decider(banc, "d1")
    bilan = effacer(banc)
    fin = VALIDITE.jour(banc.horloge.now) + dt.timedelta(days=30)
    assert bilan.effacees == 1
    assert {(c.piece_id, c.raison, c.dossier_id, c.jusqu_au) for c in bilan.conservees} == {
        (gelee, "GEL", "", ""),
        (tenue, "DOSSIER", "d1", fin.isoformat()),
    }
    assert (banc.lister().total, banc.lister().octets_utilises) == (0, 0)
    with pytest.raises(RemoteError):
        banc.lire(libre)
    banc.horloge.advance(days=30)
    assert passer(banc) == conservation.BilanConservation(retenues=1, objets=1)
    lever(ordonner, gel.gel_id)
    assert passer(banc) == conservation.BilanConservation(objets=1, espaces=1)
    assert banc.rien_ne_reste()
    assert banc.rangees("SELECT 1 FROM espace") == []
    assert banc.evenements().count("espace_efface.v1") == 1


def test_nobody_erases_in_anothers_name(banc):
    banc.deposer(kit.un_pdf())
    parent = token(str(uuid4()), "citoyen", acting_for=banc.compte_id)
    demande = pb.EffacerEspaceRequest(request_id=str(uuid4()))
    with pytest.raises(RemoteError) as erreur:
        banc.appeler("EffacerEspace", demande, jeton=parent)
    assert erreur.value.reason == "REPRESENTATION_REFUSEE"
    assert banc.lister().total == 1


def test_old_readings_are_forgotten(banc):
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    banc.lire(piece_id)
    banc.horloge.advance(days=731)
    banc.lire(piece_id)
    passer(banc)
    demande = pb.ListConsultationsRequest(piece_id=piece_id)
    assert len(banc.appeler("ListConsultations", demande).consultations) == 1
