"""Master keys are known at start and change while all runs; an account's is destroyed for good."""

from __future__ import annotations

import base64
import os
import threading
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from chassis.db import make_engine, make_sessions
from services.stockage.adapters.chiffrement import developper
from services.stockage.adapters.coffre import CoffreDossier
from services.stockage.adapters.trousseau import contexte
from services.stockage.domain import (
    CleScellee,
    ControleIndisponible,
    Espace,
    Fiche,
    GenrePiece,
    ObjetChiffre,
    PieceAlteree,
    PieceIntrouvable,
    StatutPiece,
    Zone,
)
from services.stockage.use_cases import cles, depot, entretien
from services.stockage.use_cases.ports import CleEffacee, CleMaitresseInvalide
from tests.kit import stockage as kit

pytestmark = [pytest.mark.integration, pytest.mark.exigence("STO-04")]

LE = datetime(2026, 11, 2, 15, tzinfo=UTC)


def une_cle() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def sessions(database_url, clean_database):
    del clean_database
    engine = make_engine(database_url("stockage"), name="essai-cles")
    yield make_sessions(engine)
    engine.dispose()


@pytest.fixture
def coffre_de(tmp_path):
    return lambda reglage: CoffreDossier(tmp_path, cle_maitresse=reglage)


class Sain:
    """An antivirus that finds nothing: what is tested here comes after it."""

    def examiner(self, blocs):
        for _ in blocs:
            pass


@pytest.fixture
def deposer(sessions, analyseur):
    """Upload through the use case."""

    def faire(coffre, compte_id, *, octets=b"", request_id="", antivirus=None):
        return depot.deposer_piece(
            sessions=sessions,
            controle=depot.Controle(
                coffre=coffre, antivirus=antivirus or Sain(), analyseur=analyseur
            ),
            depot=depot.Depot(
                compte_id=compte_id, request_id=request_id or str(uuid4()),
                nom_fichier="piece.pdf", fiche=Fiche(genre=GenrePiece.AUTRE), taille_annoncee=0,
            ),
            blocs=iter([octets or kit.un_pdf()]), taille_max=1 << 25, quota=1 << 30, maintenant=LE,
        )  # fmt: skip

    return faire


def espace_de(sessions, compte_id):
    with sessions() as session:
        rangee = session.execute(
            text("SELECT cle_version v, cle_enveloppe e FROM espace WHERE compte_id = :c"),
            {"c": compte_id},
        ).one()
    return Espace(compte_id=compte_id, cle=CleScellee(version=rangee.v, enveloppe=rangee.e))


def lire(sessions, coffre, piece):
    with coffre.ouvrir(espace_de(sessions, piece.compte_id), Zone.OBJETS, piece.objet) as lecture:
        return b"".join(lecture.blocs())


def verifier(sessions, coffre):
    cles.verifier_maitresse(sessions=sessions, coffre=coffre, maintenant=LE)


def tourner(sessions, coffre):
    avance = []
    rotation = cles.tourner_cles(
        sessions=sessions, coffre=coffre, avancer=lambda n, total: avance.append((n, total))
    )
    return rotation, avance


def test_the_same_keys_start_again_and_another_one_is_told_in_one_sentence(sessions, coffre_de):
    premiere = une_cle()
    for _ in range(2):
        verifier(sessions, coffre_de(premiere))
    with pytest.raises(CleMaitresseInvalide, match="version 1 is not the key") as dit:
        verifier(sessions, coffre_de(une_cle()))
    assert premiere not in str(dit.value)
    seconde = une_cle()
    with pytest.raises(CleMaitresseInvalide, match=r"lacks version 1.*it has 2"):
        verifier(sessions, coffre_de(f"2:{seconde}"))
    verifier(sessions, coffre_de(f"2:{seconde},1:{premiere}"))
    with pytest.raises(CleMaitresseInvalide, match="version 2 is not the key"):
        verifier(sessions, coffre_de(f"2:{une_cle()},1:{premiere}"))


def test_accounts_older_than_the_check_values_serve_as_one(sessions, coffre_de, deposer):
    juste = coffre_de(une_cle())
    deposer(juste, uuid4())
    with pytest.raises(CleMaitresseInvalide, match="version 1 is not the key"):
        verifier(sessions, coffre_de(une_cle()))
    verifier(sessions, juste)


def test_without_a_database_the_guard_asks_again_later(coffre_de):
    engine = make_engine("postgresql+psycopg://x@127.0.0.1:1/x", name="absente")
    garde = cles.Garde(
        sessions=make_sessions(engine), coffre=coffre_de(une_cle()), horloge=lambda: LE
    )
    assert not garde.ouvre()
    engine.dispose()


def test_the_master_key_turns_without_touching_a_document(sessions, coffre_de, deposer, tmp_path):
    premiere, seconde = une_cle(), une_cle()
    ancien, nouveau = coffre_de(premiere), coffre_de(f"2:{seconde},1:{premiere}")
    verifier(sessions, ancien)
    pieces = [deposer(ancien, uuid4()) for _ in range(3)]
    octets = {chemin: chemin.read_bytes() for chemin in tmp_path.rglob("*") if chemin.is_file()}
    verifier(sessions, nouveau)
    pieces.append(deposer(nouveau, uuid4()))
    for piece in pieces:
        lire(sessions, nouveau, piece)
    rotation, avance = tourner(sessions, nouveau)
    assert (rotation.renouvelees, rotation.restantes, rotation.retirables) == (3, 0, (1,))
    assert avance == [(3, 3)]
    assert {c: c.read_bytes() for c in octets} == octets
    seul = coffre_de(f"2:{seconde}")
    verifier(sessions, seul)
    for piece in pieces:
        assert lire(sessions, seul, piece) == lire(sessions, nouveau, piece)
        with pytest.raises(CleMaitresseInvalide):
            lire(sessions, ancien, piece)
    assert tourner(sessions, seul)[0].renouvelees == 0


def peupler(sessions, coffre, comptes):
    with sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO espace (compte_id, cle_version, cle_enveloppe, cree_le)"
                " VALUES (:c, :v, :e, now())"
            ),
            [
                {"c": c, "v": (cle := coffre.nouvelle_cle(c)).version, "e": cle.enveloppe}
                for c in comptes
            ],
        )


def test_a_rotation_that_was_cut_goes_on_from_there_while_people_upload(
    sessions, coffre_de, deposer
):
    premiere, seconde = une_cle(), une_cle()
    ancien, nouveau = coffre_de(premiere), coffre_de(f"2:{seconde},1:{premiere}")
    comptes = [uuid4() for _ in range(2 * cles.LOT + 10)]
    peupler(sessions, ancien, comptes)

    class Coupee(Exception):
        pass

    def couper(faites, total):
        assert total == len(comptes)
        if faites >= cles.LOT:
            raise Coupee

    with pytest.raises(Coupee):
        cles.tourner_cles(sessions=sessions, coffre=nouveau, avancer=couper)
    # Both versions are there; uploads and readings of either kind go on during the rest.
    deposees = [deposer(nouveau, comptes[0]), deposer(nouveau, comptes[-1])]
    tournee = threading.Thread(target=tourner, args=(sessions, nouveau))
    tournee.start()
    for compte_id in comptes[:5]:
        deposees.append(deposer(nouveau, compte_id))
        lire(sessions, nouveau, deposees[-1])
    tournee.join()
    rotation, _ = tourner(sessions, nouveau)
    assert rotation.restantes == 0
    seul = coffre_de(f"2:{seconde}")
    for piece in deposees:
        lire(sessions, seul, piece)
    for compte_id in comptes:
        seul.renouveler(espace_de(sessions, compte_id))


def test_a_thousand_accounts_turn_at_a_rate_of_ten_thousand_a_minute(sessions, coffre_de):
    premiere = une_cle()
    peupler(sessions, coffre_de(premiere), [uuid4() for _ in range(1000)])
    debut = time.monotonic()
    rotation, _ = tourner(sessions, coffre_de(f"2:{une_cle()},1:{premiere}"))
    assert rotation.renouvelees == 1000
    assert time.monotonic() - debut < 6


@pytest.mark.exigence("IDN-22")
def test_an_erased_account_is_unreadable_on_the_bytes(sessions, coffre_de, deposer, tmp_path):
    maitresse = une_cle()
    coffre, compte_id = coffre_de(maitresse), uuid4()
    piece, voisine = deposer(coffre, compte_id), deposer(coffre, uuid4())
    clair = lire(sessions, coffre, piece)
    # What a thief or a backup of the store keeps: the object, and the wrapped key of its row.
    chemin = tmp_path / "objets" / piece.objet.nom[:2] / piece.objet.nom
    copie, enveloppe = chemin.read_bytes(), piece.objet.enveloppe
    fait = cles.effacer_compte(sessions=sessions, coffre=coffre, compte_id=compte_id, maintenant=LE)
    assert (fait.fait, fait.objets) == (True, 1)
    assert not chemin.exists()
    chemin.write_bytes(copie)
    objet = ObjetChiffre(nom=piece.objet.nom, enveloppe=enveloppe, sha256=b"", taille_octets=0)
    with pytest.raises(CleEffacee):
        coffre.ouvrir(espace_de(sessions, compte_id), Zone.OBJETS, objet)
    # Not with the master key itself, nor with any key that the database still holds.
    restes = [base64.b64decode(maitresse)]
    with sessions() as session:
        for nom in ("espace.cle_enveloppe", "piece.objet_enveloppe"):
            table, colonne = nom.split(".")
            rangees = session.scalars(text(f"SELECT {colonne} FROM {table}"))
            restes += [octets[:32] for octets in rangees if octets]
    for reste in restes:
        with pytest.raises(PieceAlteree):
            developper(
                enveloppe, par=reste.ljust(32, b"\0"),
                contexte=contexte("objets", compte_id, piece.objet.nom),
            )  # fmt: skip
    assert clair[:100] not in copie
    assert lire(sessions, coffre, voisine)


@pytest.mark.exigence("IDN-22")
def test_nothing_late_brings_an_erased_account_back(sessions, coffre_de, deposer, tmp_path):
    coffre, compte_id, request_id = coffre_de(une_cle()), uuid4(), str(uuid4())
    deposer(coffre, compte_id, request_id=request_id)

    def effacer():
        return cles.effacer_compte(
            sessions=sessions, coffre=coffre, compte_id=compte_id, maintenant=LE
        )

    class Pendant(Sain):
        """Erases the account while a document of it is judged."""

        def examiner(self, blocs):
            super().examiner(blocs)
            effacer()

    with pytest.raises(CleEffacee):
        deposer(coffre, compte_id, antivirus=Pendant())
    for _ in range(2):
        with pytest.raises(CleEffacee):
            deposer(coffre, compte_id)
        with pytest.raises((CleEffacee, PieceIntrouvable)):
            deposer(coffre, compte_id, request_id=request_id)
        assert not effacer().fait
    assert [c for c in tmp_path.rglob("*") if c.is_file()] == []
    with sessions() as session:
        assert session.execute(text("SELECT count(*) FROM piece")).scalar_one() == 0
    jamais = uuid4()
    assert cles.effacer_compte(
        sessions=sessions, coffre=coffre, compte_id=jamais, maintenant=LE
    ).fait
    with pytest.raises(CleEffacee):
        deposer(coffre, jamais)
    verifier(sessions, coffre)
    assert tourner(sessions, coffre)[0].renouvelees == 0


@pytest.mark.exigence("IDN-22")
def test_what_cases_use_or_a_hold_keeps_forbids_the_erasure(sessions, coffre_de, deposer):
    coffre, compte_id = coffre_de(une_cle()), uuid4()
    piece = deposer(coffre, compte_id)

    def effacer(**options):
        return cles.effacer_compte(
            sessions=sessions, coffre=coffre, compte_id=compte_id, maintenant=LE, **options
        )

    with sessions.begin() as session:
        session.execute(
            text("INSERT INTO retenue (service, dossier_id, piece_id, compte_id, retenue_le)"
                 " VALUES ('cartes', 'd1', :p, :c, now())"),
            {"p": piece.piece_id, "c": compte_id},
        )  # fmt: skip
    assert effacer() == cles.Effacement(fait=False, retenues=1)
    assert effacer(essai=True, malgre_retenues=True) == cles.Effacement(fait=False, retenues=1)
    with sessions.begin() as session:
        session.execute(
            text("INSERT INTO gel (gel_id, compte_id, motif, sans_avis, pose_par, pose_le)"
                 " VALUES (:g, :c, 'enquête', false, :g, now())"),
            {"g": uuid4(), "c": compte_id},
        )  # fmt: skip
    assert not effacer(malgre_retenues=True).fait
    assert lire(sessions, coffre, piece)
    with sessions.begin() as session:
        session.execute(text("UPDATE gel SET leve_le = now(), leve_par = gel_id"))
    assert effacer(malgre_retenues=True).fait


def test_what_waited_when_the_account_was_erased_is_not_taken_up(
    sessions, coffre_de, deposer, analyseur
):
    coffre, compte_id = coffre_de(une_cle()), uuid4()

    class Absent:
        def examiner(self, blocs):
            del blocs
            raise ControleIndisponible

    assert deposer(coffre, compte_id, antivirus=Absent()).statut is StatutPiece.EN_ANALYSE
    cles.effacer_compte(sessions=sessions, coffre=coffre, compte_id=compte_id, maintenant=LE)
    bilan = entretien.reprendre_pieces(
        sessions=sessions,
        controle=depot.Controle(coffre=coffre, antivirus=Sain(), analyseur=analyseur),
        horloge=lambda: LE,
    )
    assert bilan == entretien.Bilan()
