"""The check finds every difference; the sweep deletes nothing that is referenced, ever."""

from __future__ import annotations

import base64
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from chassis.db import make_engine, make_sessions
from services.stockage import persistence
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.domain import (
    Constat,
    ControleIndisponible,
    Fiche,
    GenrePiece,
    StatutPiece,
    TypeMedia,
    Zone,
)
from services.stockage.use_cases import depot, integrite
from tests.kit import stockage as kit

pytestmark = [pytest.mark.integration, pytest.mark.exigence("STO-05")]

HEURE = timedelta(hours=1)
CLE = base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def sessions(database_url, clean_database):
    del clean_database
    engine = make_engine(database_url("stockage"), name="essai-integrite", pool_size=12)
    yield make_sessions(engine)
    engine.dispose()


class Inutile:
    """What nobody asks of the parsers here."""

    def apercu(self, *args, **options):
        raise NotImplementedError

    depouiller = apercu


class Mort(BaseException):
    """What a killed process is to its own clean-up: nothing runs after it."""


class Juge:
    """An antivirus that stops each upload at the moment when a test wants it."""

    def __init__(self, fin: str = "saine") -> None:
        self.fin = fin
        self.arrive, self.suite = threading.Event(), threading.Event()
        self.suite.set()

    def examiner(self, blocs):
        for _ in blocs:
            pass
        self.arrive.set()
        self.suite.wait(30)
        if self.fin == "attente":
            raise ControleIndisponible


class Lecteur(Inutile):
    """Parsers that accept everything: forks of hundreds of documents would prove nothing here."""

    def __init__(self, fin: str = "saine") -> None:
        self.fin = fin

    def assainir(self, lecture, type_media, ecrire):
        del lecture, ecrire
        if self.fin == "mort":
            raise Mort
        return Constat(type_media=TypeMedia(type_media), pages=1, reecrit=False)


class CoffreTue(CoffreDossier):
    """A safe whose process was killed: it deletes nothing any more."""

    def supprimer(self, zone, nom):
        del zone, nom


def deposer(sessions, coffre, compte_id, *, fin="saine", juge=None):
    return depot.deposer_piece(
        sessions=sessions,
        controle=depot.Controle(
            coffre=coffre, antivirus=juge or Juge(fin), analyseur=Lecteur(fin)
        ),
        depot=depot.Depot(
            compte_id=compte_id, request_id=str(uuid4()), nom_fichier="piece.pdf",
            fiche=Fiche(genre=GenrePiece.AUTRE), taille_annoncee=0,
        ),
        blocs=iter([kit.un_pdf()]), taille_max=1 << 25, quota=1 << 30,
        maintenant=datetime.now(UTC),
    )  # fmt: skip


def supprimer(sessions, coffre, piece):
    with sessions.begin() as session:
        session.execute(text("DELETE FROM piece WHERE piece_id = :p"), {"p": piece.piece_id})
    coffre.supprimer(piece.zone, piece.objet.nom)


def balayer(sessions, coffre, *, dans=timedelta()):
    return integrite.balayer(
        sessions=sessions, coffre=coffre, maintenant=datetime.now(UTC) + dans, delai=HEURE
    )


def noms(coffre):
    return {nom for zone in Zone for nom, _ in coffre.lister(zone)}


def nommes(sessions):
    with sessions() as session:
        requete = text("SELECT objet_nom FROM piece WHERE objet_nom IS NOT NULL")
        return set(session.scalars(requete))


ACTES = st.lists(
    st.sampled_from(["saine", "attente", "mort", "supprimer", "balayer"]), min_size=3, max_size=9
)


# Each example empties the tables itself.
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actes=ACTES, minutes=st.integers(0, 59), ensemble=st.integers(1, 4))
def test_the_sweep_never_deletes_what_is_referenced(
    sessions, tmp_path_factory, actes, minutes, ensemble
):
    """Uploads, deletions, killed processes and sweeps at once; sweeps look up to 59 min ahead."""
    with sessions.begin() as session:
        session.execute(text("TRUNCATE piece, espace CASCADE"))
    dossier = tmp_path_factory.mktemp("coffre")
    vivant, tue = (classe(dossier, cle_maitresse=CLE) for classe in (CoffreDossier, CoffreTue))
    comptes = [uuid4() for _ in range(2)]
    # A document is there before, so that there is something to delete and to keep.
    gardee = deposer(sessions, vivant, comptes[0])
    condamnees = [deposer(sessions, vivant, comptes[1]) for a in actes if a == "supprimer"]

    def jouer(rang: int, acte: str) -> None:
        if acte == "balayer":
            balayer(sessions, vivant, dans=timedelta(minutes=minutes))
        elif acte == "supprimer":
            supprimer(sessions, vivant, condamnees.pop())
        elif acte == "mort":
            with pytest.raises(Mort):
                deposer(sessions, tue, comptes[rang % 2], fin="mort")
        else:
            deposer(sessions, vivant, comptes[rang % 2], fin=acte)

    with ThreadPoolExecutor(ensemble) as fils:
        for fait in [fils.submit(jouer, rang, acte) for rang, acte in enumerate(actes)]:
            fait.result()
    attendus = 1 + sum(acte in {"saine", "attente"} for acte in actes)
    assert len(nommes(sessions)) == attendus
    assert nommes(sessions) <= noms(vivant)
    # When any upload is over, what nobody names is gone, and nothing else.
    balayer(sessions, vivant, dans=2 * HEURE)
    assert noms(vivant) == nommes(sessions)
    with sessions() as session:
        espace = persistence.lire_espace(session, gardee.compte_id)
    assert espace is not None
    with vivant.ouvrir(espace, Zone.OBJETS, gardee.objet) as lecture:
        assert b"".join(lecture.blocs()) == kit.un_pdf()


def test_a_sweep_between_the_bytes_and_the_row_leaves_the_upload_whole(sessions, tmp_path):
    coffre, juge = CoffreDossier(tmp_path, cle_maitresse=CLE), Juge()
    juge.suite.clear()
    with ThreadPoolExecutor(1) as fil:
        depose = fil.submit(deposer, sessions, coffre, uuid4(), juge=juge)
        assert juge.arrive.wait(20)
        assert len(noms(coffre)) == 1
        assert nommes(sessions) == set()
        assert balayer(sessions, coffre, dans=timedelta(minutes=59)) == 0
        juge.suite.set()
        assert depose.result().statut is StatutPiece.SAINE
    assert balayer(sessions, coffre, dans=2 * HEURE) == 0
    assert noms(coffre) == nommes(sessions)


def verifier(sessions, coffre):
    return [
        (ecart.nature, ecart.zone, ecart.objet)
        for ecart in integrite.verifier(
            sessions=sessions, coffre=coffre, maintenant=datetime.now(UTC), delai=HEURE,
            avancer=lambda *_: None,
        )
    ]  # fmt: skip


def test_a_document_that_nothing_keeps_any_more_is_found(sessions, tmp_path):
    coffre, compte_id = CoffreDossier(tmp_path, cle_maitresse=CLE), uuid4()
    utilisee, gelee, oubliee = (deposer(sessions, coffre, compte_id) for _ in range(3))
    with sessions.begin() as session:
        session.execute(text("UPDATE piece SET retiree_le = now()"))
        session.execute(
            text("INSERT INTO retenue (service, dossier_id, piece_id, compte_id, retenue_le)"
                 " VALUES ('cartes', 'd1', :p, :c, now())"),
            {"p": utilisee.piece_id, "c": compte_id},
        )  # fmt: skip
        session.execute(
            text("INSERT INTO gel (gel_id, compte_id, document_id, motif, sans_avis, pose_par,"
                 " pose_le) SELECT :g, compte_id, document_id, 'enquête', false, :g, now()"
                 " FROM piece WHERE piece_id = :p"),
            {"g": uuid4(), "p": gelee.piece_id},
        )  # fmt: skip
    assert verifier(sessions, coffre) == [("SANS_REFERENCE", Zone.OBJETS, oubliee.objet.nom)]
    with sessions.begin() as session:
        session.execute(text("UPDATE gel SET leve_le = now(), leve_par = gel_id"))
    assert len(verifier(sessions, coffre)) == 2


@pytest.mark.parametrize("place", [0, 5, 700, -1])
def test_one_bit_anywhere_is_found(sessions, tmp_path, place):
    coffre = CoffreDossier(tmp_path, cle_maitresse=CLE)
    piece = deposer(sessions, coffre, uuid4())
    deposer(sessions, coffre, uuid4())
    assert verifier(sessions, coffre) == []
    chemin = tmp_path / "objets" / piece.objet.nom[:2] / piece.objet.nom
    octets = bytearray(chemin.read_bytes())
    octets[place] ^= 1
    chemin.write_bytes(octets)
    assert verifier(sessions, coffre) == [("ALTERE", Zone.OBJETS, piece.objet.nom)]


def test_what_is_deleted_while_it_is_checked_is_no_difference(sessions, tmp_path):
    coffre = CoffreDossier(tmp_path, cle_maitresse=CLE)
    pieces = [deposer(sessions, coffre, uuid4()) for _ in range(4)]

    class Suppressions(CoffreDossier):
        """Deletes a document at the moment when its bytes are asked for."""

        def empreinte(self, zone, nom):
            [sienne] = [piece for piece in pieces if piece.objet.nom == nom]
            supprimer(sessions, coffre, sienne)
            return super().empreinte(zone, nom)

    assert verifier(sessions, Suppressions(tmp_path, cle_maitresse=CLE)) == []
