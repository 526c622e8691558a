"""Asking for a card, over real gRPC and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from services.cartes import persistence
from tests.kit.cartes import SAISIE
from tests.kit.cartes_banc import Banc, citoyen

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


# --- asking --------------------------------------------------------------------------------------


@pytest.mark.exigence("CAR-02", "CAR-08")
def test_demander_carte_attend_validation_et_retient_les_pieces(banc: Banc) -> None:
    carte = banc.demander(COMPTE, carte_physique=True)
    assert carte.statut == m.STATUT_CARTE_EN_ATTENTE_VALIDATION
    assert (carte.numero, carte.echeance) == ("", "")
    assert carte.numerique
    assert carte.physique
    assert carte.demande.statut == m.STATUT_DEMANDE_DEPOSEE
    assert carte.demande.titulaire.code_postal == "J7E 3L1"
    assert [p.role for p in carte.demande.pieces] == [IDENTITE, RESIDENCE]
    assert {str(dossier) for dossier, _ in banc.stockage.retenues} == {carte.demande.demande_id}
    assert len(banc.stockage.retenues) == 2
    assert banc.evenements() == ["carte_demandee.v1"]
    assert lister(banc) == [carte]
    lue = banc.appeler("GetCarte", m.GetCarteRequest(carte_id=carte.carte_id), citoyen(COMPTE))
    assert lue.carte == carte


def test_meme_request_id_donne_la_meme_reponse_meme_en_meme_temps(banc: Banc) -> None:
    identite, residence = banc.deux_pieces()
    demande = {
        "request_id": str(uuid4()),
        "piece_identite_id": identite,
        "piece_residence_id": residence,
    }
    cartes = ensemble([lambda: banc.demander(COMPTE, **demande)] * 6)
    assert len({carte.carte_id for carte in cartes}) == 1
    assert len(banc.stockage.retenues) == 2
    # Later, even when a document is no longer there to be held: the act was done.
    banc.stockage.contenu.clear()
    assert banc.demander(COMPTE, **demande) == cartes[0]
    assert banc.evenements() == ["carte_demandee.v1"]
    autre = refus(lambda: banc.demander(COMPTE, **{**demande, "carte_physique": True}))
    assert autre.reason == "REQUEST_ID_REUTILISE"
    assert len(banc.stockage.retenues) == 2


@pytest.mark.exigence("CAR-01")
def test_seconde_demande_pendant_l_attente_rend_ses_pieces(banc: Banc) -> None:
    banc.demander(COMPTE)
    retenues = set(banc.stockage.retenues)
    assert refus(lambda: banc.demander(COMPTE)).reason == "CARTE_DEJA_DEMANDEE"
    assert banc.stockage.retenues == retenues
    assert len(lister(banc)) == 1
    assert banc.demander(AUTRE).carte_id


@pytest.mark.exigence("CAR-01")
def test_demandes_concurrentes_d_une_personne_une_seule_passe(banc: Banc) -> None:
    actes = ensemble([lambda: banc.demander(COMPTE)] * 8)
    reussies = [acte for acte in actes if isinstance(acte, m.Carte)]
    assert len(reussies) == 1
    assert {a.reason for a in actes if isinstance(a, RemoteError)} == {"CARTE_DEJA_DEMANDEE"}
    assert len(lister(banc)) == 1
    assert len(banc.stockage.retenues) == 2, "the losers gave their documents back"
    assert banc.evenements() == ["carte_demandee.v1"]


@pytest.mark.exigence("CAR-01")
def test_la_base_tient_les_deux_contraintes(banc: Banc) -> None:
    carte = banc.demander(COMPTE)
    colonnes = ", ".join(c.name for c in persistence.tables.carte.c if c.name != "carte_id")
    colonnes_serie = colonnes.replace("serie", "serie || 'x'")
    with (
        pytest.raises(Exception, match="carte_ouverte_par_personne"),
        banc.engine.begin() as connexion,
    ):
        connexion.exec_driver_sql(
            f"INSERT INTO carte (carte_id, {colonnes}) "
            f"SELECT gen_random_uuid(), {colonnes_serie} FROM carte"
        )
    colonnes = ", ".join(c.name for c in persistence.tables.demande.c if c.name != "demande_id")
    with (
        pytest.raises(Exception, match="demande_ouverte_par_carte"),
        banc.engine.begin() as connexion,
    ):
        connexion.exec_driver_sql(
            f"INSERT INTO demande (demande_id, {colonnes}) "
            f"SELECT gen_random_uuid(), {colonnes} FROM demande"
        )
    assert lister(banc) == [carte]


@pytest.mark.exigence("CAR-02")
def test_pieces_qui_ne_conviennent_pas_ne_laissent_rien(banc: Banc) -> None:
    identite, residence = banc.deux_pieces()
    vieille = banc.stockage.deposer(str(uuid4()), "RESIDENCE", date(2026, 3, 1))
    valide = banc.stockage.deposer(str(uuid4()), "RESIDENCE", date(2026, 3, 2))

    def avec(un: str, deux: str) -> RemoteError:
        return refus(lambda: banc.demander(COMPTE, piece_identite_id=un, piece_residence_id=deux))

    echue = avec(identite, vieille)
    assert echue.reason == "PIECE_EXPIREE"
    assert echue.metadata == {"role": "RESIDENCE", "valide_jusqu_au": "2026-03-01"}
    genre = avec(residence, valide)
    assert (genre.reason, genre.metadata) == ("GENRE_NON_ACCEPTE", {"role": "IDENTITE"})
    assert avec(identite, identite.upper()).reason == "MEME_PIECE_DEUX_FOIS"
    inconnue = avec(identite, str(uuid4()))
    assert (inconnue.reason, inconnue.metadata) == ("PIECE_INTROUVABLE", {"role": "RESIDENCE"})
    assert avec("pas-un-id", residence).reason == "PIECE_INTROUVABLE"
    assert avec("", residence).fields == {"piece_identite_id": "REQUIS"}
    assert banc.stockage.retenues == set()
    assert banc.evenements() == []
    assert lister(banc) == []
    # The last valid day counts whole.
    banc.demander(COMPTE, piece_identite_id=identite, piece_residence_id=valide)


def test_champs_faux_sont_tous_dits(banc: Banc) -> None:
    faux = m.Titulaire(**{**SAISIE, "nom": "", "code_postal": "75001"})
    fait = refus(lambda: banc.demander(COMPTE, titulaire=faux))
    assert fait.reason == "DONNEES_INVALIDES"
    assert fait.fields == {
        "titulaire.nom": "REQUIS",
        "titulaire.code_postal": "FORMAT_INVALIDE",
    }
    assert banc.stockage.retenues == set()


def test_stockage_absent_est_dit_et_la_reprise_reussit(banc: Banc) -> None:
    identite, residence = banc.deux_pieces()
    demande = {
        "request_id": str(uuid4()),
        "piece_identite_id": identite,
        "piece_residence_id": residence,
    }
    banc.stockage.absent = True
    assert refus(lambda: banc.demander(COMPTE, **demande)).reason == "INDISPONIBLE"
    banc.stockage.absent = False
    assert banc.demander(COMPTE, **demande).carte_id


def test_transaction_perdue_rend_les_pieces(banc: Banc) -> None:
    def panne(_connexion: Any, _curseur: Any, ordre: str, *_reste: Any) -> None:
        if ordre.startswith("INSERT INTO demande"):
            raise RuntimeError

    event.listen(banc.engine, "before_cursor_execute", panne)
    assert refus(lambda: banc.demander(COMPTE)).reason == "INTERNE"
    event.remove(banc.engine, "before_cursor_execute", panne)
    assert banc.stockage.retenues == set()
    assert lister(banc) == []
    banc.demander(COMPTE)


def test_references_gardees_quand_le_stockage_se_tait(banc: Banc) -> None:
    banc.demander(COMPTE)
    banc.stockage.garde = True
    # The reason told is that of the act, not of the giving back.
    assert refus(lambda: banc.demander(COMPTE)).reason == "CARTE_DEJA_DEMANDEE"
    assert len(banc.stockage.retenues) == 4


def test_reponse_perdue_apres_le_commit_garde_les_pieces(banc: Banc) -> None:
    identite, residence = banc.deux_pieces()
    demande = {
        "request_id": str(uuid4()),
        "piece_identite_id": identite,
        "piece_residence_id": residence,
    }

    def coupure(_session: Any) -> None:
        event.remove(banc.servicer.sessions, "after_commit", coupure)
        raise RuntimeError

    event.listen(banc.servicer.sessions, "after_commit", coupure)
    assert refus(lambda: banc.demander(COMPTE, **demande)).reason == "INTERNE"
    assert len(banc.stockage.retenues) == 2, "the request is there: staff must see its proofs"
    assert [banc.demander(COMPTE, **demande)] == lister(banc)


def test_request_id_qui_n_est_pas_un_uuid(banc: Banc) -> None:
    fait = refus(lambda: banc.demander(COMPTE, request_id="deux"))
    assert fait.reason == "REQUEST_ID_INVALIDE"
    assert banc.stockage.retenues == set()


def test_la_carte_d_autrui_semble_inconnue(banc: Banc) -> None:
    carte = banc.demander(COMPTE)
    assert lister(banc, AUTRE) == []
    for carte_id in (carte.carte_id, str(uuid4()), "rien"):
        request = m.GetCarteRequest(carte_id=carte_id)
        fait = refus(lambda r=request: banc.appeler("GetCarte", r, citoyen(AUTRE)))  # type: ignore[misc]
        assert fait.reason == "CARTE_INTROUVABLE"
