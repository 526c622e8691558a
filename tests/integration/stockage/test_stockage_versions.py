"""A file that replaces another: versions that are kept, references that stay where they were."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from chassis.db import make_sessions
from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from services.stockage.use_cases.entretien import reprendre_pieces
from tests.kit import stockage as kit

pytestmark = pytest.mark.integration


def versions(banc, piece_id: str, **champs) -> list[pb.Piece]:
    demande = pb.ListVersionsRequest(piece_id=piece_id)
    return list(banc.appeler("ListVersions", demande, **champs).versions)


def lue(banc, piece_id: str) -> pb.Piece:
    return banc.appeler("GetPiece", pb.GetPieceRequest(piece_id=piece_id)).piece


def agent(banc) -> str:
    return banc.jeton("agent_cartes", sujet=str(uuid4()), motif="validation_carte")


@pytest.mark.exigence("STO-01")
def test_a_new_file_takes_the_place_of_the_old_one_which_is_kept(banc):
    un, deux = kit.un_pdf(pages=1), kit.un_pdf(pages=2)
    premiere = banc.deposer(un, libelle="Bail", valide_jusqu_au="2026-06-30")
    banc.horloge.advance(minutes=1)
    seconde = banc.deposer(deux, nom="bail 2027.pdf", genre=0, remplace_piece_id=premiere.piece_id)
    # Without a kind of its own, the new version keeps the fields.
    assert (seconde.genre, seconde.libelle) == (pb.GENRE_PIECE_RESIDENCE, "Bail")
    assert seconde.valide_jusqu_au == "2026-06-30"
    assert (seconde.version, seconde.versions, seconde.courante) == (2, 2, True)
    assert seconde.document_id == premiere.piece_id == premiere.document_id

    page = banc.lister()
    assert [piece.piece_id for piece in page.pieces] == [seconde.piece_id]
    assert (page.total, page.octets_utilises) == (1, len(un) + len(deux))
    for piece_id in (premiere.piece_id, seconde.piece_id):
        assert [v.version for v in versions(banc, piece_id)] == [2, 1]
    assert banc.lire(premiere.piece_id)[1] == un
    assert banc.lire(seconde.piece_id)[1] == deux
    assert not lue(banc, premiere.piece_id).courante


def test_new_fields_may_come_with_the_file(banc):
    premiere = banc.deposer(kit.un_pdf(), libelle="Bail", valide_jusqu_au="2026-06-30")
    seconde = banc.deposer(
        kit.un_pdf(pages=2),
        genre=pb.GENRE_PIECE_AUTRE,
        valide_jusqu_au="2027-06-30",
        # Any version names the document.
        remplace_piece_id=premiere.piece_id,
    )
    troisieme = banc.deposer(kit.un_pdf(pages=3), genre=0, remplace_piece_id=premiere.piece_id)
    assert (troisieme.version, troisieme.genre) == (3, pb.GENRE_PIECE_AUTRE)
    assert (troisieme.libelle, troisieme.valide_jusqu_au) == ("", "2027-06-30")
    assert lue(banc, seconde.piece_id).versions == 3


@pytest.mark.exigence("STO-02")
def test_a_reference_stays_on_the_version_that_it_took(banc):
    un, deux = kit.un_png(cote=60), kit.un_png(cote=90)
    premiere = banc.deposer(un, nom="a.png")
    octets = banc.lire(premiere.piece_id)[1]
    banc.retenir(premiere.piece_id, dossier="d1")
    seconde = banc.deposer(deux, nom="b.png", genre=0, remplace_piece_id=premiere.piece_id)
    jeton = agent(banc)
    assert banc.lire(premiere.piece_id, jeton=jeton, dossier_id="d1")[1] == octets
    with pytest.raises(RemoteError) as erreur:
        banc.lire(seconde.piece_id, jeton=jeton, dossier_id="d1")
    assert erreur.value.reason == "PIECE_INTROUVABLE"
    # The owner sees both: this version is not used, the document is, and where.
    assert (lue(banc, seconde.piece_id).utilisee, lue(banc, seconde.piece_id).utilisations) == (
        False,
        1,
    )
    demande = pb.ListUtilisationsRequest(piece_id=seconde.piece_id)
    (utilisation,) = banc.appeler("ListUtilisations", demande).utilisations
    assert (utilisation.service, utilisation.dossier_id) == ("cartes", "d1")
    assert (utilisation.piece_id, utilisation.version) == (premiere.piece_id, 1)
    assert (utilisation.decidee_le, utilisation.purgee_apres) == ("", "")
    # Deleting the document keeps the version of the case, and that one alone.
    banc.supprimer(seconde.piece_id)
    assert (banc.lister().total, banc.lister().octets_utilises) == (0, 0)
    assert banc.lire(premiere.piece_id, jeton=jeton, dossier_id="d1")[1] == octets
    assert len(banc.fichiers()) == 1
    banc.liberer(dossier="d1")
    assert banc.rien_ne_reste()


def test_an_old_version_is_deleted_alone(banc):
    un, deux = kit.un_pdf(pages=1), kit.un_pdf(pages=2)
    premiere = banc.deposer(un)
    seconde = banc.deposer(deux, genre=0, remplace_piece_id=premiere.piece_id)
    banc.supprimer(premiere.piece_id)
    page = banc.lister()
    assert (page.total, page.octets_utilises) == (1, len(deux))
    assert [v.piece_id for v in versions(banc, seconde.piece_id)] == [seconde.piece_id]
    assert len(banc.fichiers()) == 1
    # Ranks are not given again.
    troisieme = banc.deposer(un, genre=0, remplace_piece_id=seconde.piece_id)
    assert (troisieme.version, troisieme.versions) == (3, 2)


def test_the_quota_counts_every_version_that_is_kept(banc):
    octets = kit.un_pdf(remplissage=15 * 1024 * 1024)
    premiere = banc.deposer(octets)
    seconde = banc.deposer(octets, genre=0, remplace_piece_id=premiere.piece_id)
    with pytest.raises(RemoteError) as erreur:
        banc.deposer(octets, genre=0, remplace_piece_id=seconde.piece_id)
    assert erreur.value.reason == "QUOTA_DEPASSE"
    banc.supprimer(premiere.piece_id)
    assert banc.deposer(octets, genre=0, remplace_piece_id=seconde.piece_id).version == 3


def test_somebody_elses_document_is_not_replaced(banc):
    premiere = banc.deposer(kit.un_pdf())
    autre = banc.jeton(sujet=str(uuid4()))
    for inconnue in (premiere.piece_id, str(uuid4()), "pas-un-id"):
        with pytest.raises(RemoteError) as erreur:
            banc.deposer(kit.un_pdf(), remplace_piece_id=inconnue, jeton=autre)
        assert erreur.value.reason == "PIECE_INTROUVABLE"
        with pytest.raises(RemoteError) as erreur:
            versions(banc, inconnue, jeton=autre)
        assert erreur.value.reason == "PIECE_INTROUVABLE"
    assert len(versions(banc, premiere.piece_id)) == 1
    assert len(banc.fichiers()) == 1


@pytest.mark.exigence("STO-04")
def test_a_version_that_waits_takes_no_place_until_it_is_judged(banc):
    premiere = banc.deposer(kit.un_pdf(pages=1))
    clamd, banc.antivirus.adresse = banc.antivirus.adresse, "127.0.0.1:9"
    attente = banc.deposer(kit.un_pdf(pages=2), genre=0, remplace_piece_id=premiere.piece_id)
    assert (attente.statut, attente.courante) == (pb.STATUT_PIECE_EN_ANALYSE, False)
    (montree,) = banc.lister().pieces
    assert (montree.piece_id, montree.remplacement) == (
        premiere.piece_id,
        pb.STATUT_PIECE_EN_ANALYSE,
    )
    banc.retenir(premiere.piece_id, dossier="d1")
    banc.antivirus.adresse = clamd
    reprendre(banc)
    (montree,) = banc.lister().pieces
    assert (montree.piece_id, montree.remplacement) == (
        attente.piece_id,
        pb.STATUT_PIECE_UNSPECIFIED,
    )
    assert banc.lister().total == 1


def test_a_version_that_is_refused_leaves_the_one_before(banc):
    premiere = banc.deposer(kit.un_pdf(pages=1))
    clamd, banc.antivirus.adresse = banc.antivirus.adresse, "127.0.0.1:9"
    attente = banc.deposer(kit.EICAR, genre=0, remplace_piece_id=premiere.piece_id)
    banc.antivirus.adresse = clamd
    reprendre(banc)
    (montree,) = banc.lister().pieces
    assert (montree.piece_id, montree.remplacement) == (
        premiere.piece_id,
        pb.STATUT_PIECE_INFECTEE,
    )
    assert banc.lister().octets_utilises == len(kit.un_pdf(pages=1))
    banc.supprimer(attente.piece_id)
    (montree,) = banc.lister().pieces
    assert (montree.versions, montree.remplacement) == (1, pb.STATUT_PIECE_UNSPECIFIED)


def test_two_versions_that_waited_end_with_the_later_one(banc):
    premiere = banc.deposer(kit.un_pdf(pages=1))
    clamd, banc.antivirus.adresse = banc.antivirus.adresse, "127.0.0.1:9"
    for pages in (2, 3):
        banc.deposer(kit.un_pdf(pages=pages), genre=0, remplace_piece_id=premiere.piece_id)
    banc.antivirus.adresse = clamd
    # The later one is judged first.
    [(retardee,)] = banc.rangees("SELECT piece_id FROM piece WHERE version = 2")
    with banc.engine.begin() as connexion:
        connexion.exec_driver_sql(
            "UPDATE piece SET deposee_le = deposee_le + interval '1 hour' WHERE version = 2"
        )
    reprendre(banc)
    (montree,) = banc.lister().pieces
    assert (montree.version, montree.versions) == (3, 3)
    assert str(retardee) != montree.piece_id


def test_two_replacements_at_once_are_two_versions(banc):
    premiere = banc.deposer(kit.un_pdf(pages=1))

    def remplacer(pages: int) -> int:
        return banc.deposer(
            kit.un_pdf(pages=pages), genre=0, remplace_piece_id=premiere.piece_id
        ).version

    with ThreadPoolExecutor(4) as fils:
        assert sorted(fils.map(remplacer, range(2, 6))) == [2, 3, 4, 5]
    (montree,) = banc.lister().pieces
    assert (montree.version, montree.versions) == (5, 5)


def reprendre(banc) -> None:
    reprendre_pieces(
        sessions=make_sessions(banc.engine), controle=banc.controle, horloge=banc.horloge
    )
