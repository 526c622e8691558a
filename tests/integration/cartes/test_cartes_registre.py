"""Import of the city's register of cards (CAR-18): the operator's command on a real database."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from espacecitoyen.cartes.v1 import parcours_service_pb2 as p
from services.cartes.domain import composer_numero
from tests.kit.cartes_banc import Banc, citoyen

if TYPE_CHECKING:
    from services.cartes.config import Config

pytestmark = pytest.mark.integration

ENTETE = "numero;prenom;nom;date_naissance;code_postal;classe;echeance"
COMPTE = "11111111-1111-4111-8111-111111111111"


def numero(sequence: int) -> str:
    return composer_numero("0042", sequence)


def ligne(sequence: int, **changes: str) -> str:
    champs = {
        "numero": numero(sequence),
        "prenom": "Émilie",
        "nom": "Tremblay",
        "date_naissance": "1990-05-17",
        "code_postal": "J7E 3L1",
        "classe": "resident",
        "echeance": "2027-06-30",
        **changes,
    }
    return ";".join(champs[colonne] for colonne in ENTETE.split(";"))


@dataclass
class Operateur:
    """Somebody at a terminal of the service."""

    dossier: Path
    environ: dict[str, str]

    def lancer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy.espace", "cartes", *arguments],
            check=False, capture_output=True, text=True, env=self.environ, timeout=60,
        )  # fmt: skip

    def importer(
        self, *lignes: str, nom: str = "cartes.csv", options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        fichier = self.dossier / nom
        fichier.write_text("\n".join((ENTETE, *lignes)) + "\n")
        return self.lancer("importer-registre", str(fichier), *options)


@pytest.fixture
def operateur(banc: Banc, config: Config, tmp_path: Path) -> Operateur:
    del banc  # an empty database
    environ = {"PATH": "/usr/bin:/bin", "CARTES_DATABASE_URL": config.database_url}
    return Operateur(tmp_path, environ)


def comptes(fait: subprocess.CompletedProcess[str]) -> dict[str, int]:
    lues = (rangee.split(": ") for rangee in fait.stdout.splitlines() if ": " in rangee)
    return {mot: int(nombre) for mot, nombre in lues if nombre.isdigit() and int(nombre)}


def le_lot(fait: subprocess.CompletedProcess[str]) -> str:
    return fait.stdout.rpartition("import: ")[2].strip()


def associer(banc: Banc, sequence: int) -> m.Carte:
    request = p.AssocierCarteRequest(
        request_id=str(uuid4()),
        numero=numero(sequence),
        date_naissance="1990-05-17",
        code_postal="J7E 3L1",
    )
    return banc.appeler("AssocierCarte", request, citoyen(COMPTE)).carte


@pytest.mark.exigence("CAR-18")
def test_a_card_of_the_register_keeps_its_number_and_can_be_joined(
    banc: Banc, operateur: Operateur
) -> None:
    fait = operateur.importer(ligne(41), ligne(42, classe="Non-resident", nom="Gagné"))
    assert fait.returncode == 0, fait.stderr
    assert comptes(fait) == {"AJOUTEE": 2}
    assert banc.sql("SELECT nom, categorie FROM carte ORDER BY numero") == [
        ("Tremblay", "RESIDENT"),
        ("Gagné", "AUTRE"),
    ]
    carte = associer(banc, 41)
    assert (carte.numero, carte.echeance) == (numero(41), "2027-06-30")


@pytest.mark.exigence("CAR-18")
def test_a_dry_run_says_the_same_and_writes_nothing(banc: Banc, operateur: Operateur) -> None:
    rangees = (ligne(1), ligne(1), ligne(2, code_postal="75001"))
    essai = operateur.importer(*rangees, options=("--essai",))
    assert essai.returncode == 1
    assert banc.sql("SELECT count(*) FROM carte") == [(0,)]
    assert banc.sql("SELECT count(*) FROM lot_registre") == [(0,)]
    assert comptes(operateur.importer(*rangees)) == comptes(essai)
    assert banc.sql("SELECT numero FROM carte") == [(numero(1),)]


@pytest.mark.exigence("CAR-18")
def test_each_row_left_out_is_named_with_its_reason(banc: Banc, operateur: Operateur) -> None:
    ancienne = banc.demander(COMPTE)
    banc.decider(ancienne.demande)
    emis = banc.sql("SELECT numero FROM carte")[0][0]
    faux = numero(5)[:-1] + str((int(numero(5)[-1]) + 1) % 10)
    fait = operateur.importer(
        ligne(3),
        ligne(3, nom="Autre"),
        ligne(4, numero=emis),
        ligne(5, numero=faux),
        ligne(6, prenom="", date_naissance="17/05/1990", classe="roi", echeance=""),
        "trop court",
    )
    assert fait.returncode == 1
    fautes_de_six = (
        "prenom REQUIS, date_naissance FORMAT_INVALIDE, classe FORMAT_INVALIDE, echeance REQUIS"
    )
    fautes_de_sept = (
        "numero FORMAT_INVALIDE, prenom REQUIS, nom REQUIS, date_naissance REQUIS,"
        " code_postal REQUIS, classe FORMAT_INVALIDE, echeance REQUIS"
    )
    assert [rangee for rangee in fait.stdout.splitlines() if rangee.startswith("line")] == [
        f"line 3\t{numero(3)}\tEN_DOUBLE",
        f"line 4\t{emis}\tNUMERO_EMIS",
        f"line 5\t{faux}\tINVALIDE\tnumero NUMERO_INVALIDE",
        f"line 6\t{numero(6)}\tINVALIDE\t{fautes_de_six}",
        f"line 7\ttrop court\tINVALIDE\t{fautes_de_sept}",
    ]
    assert banc.sql("SELECT count(*) FROM carte") == [(2,)]


@pytest.mark.exigence("CAR-18")
def test_the_same_file_twice_changes_nothing(banc: Banc, operateur: Operateur) -> None:
    operateur.importer(ligne(1), ligne(2))
    avant = banc.sql("SELECT * FROM carte ORDER BY numero")
    encore = operateur.importer(ligne(1), ligne(2))
    assert comptes(encore) == {"IDENTIQUE": 2}
    assert banc.sql("SELECT * FROM carte ORDER BY numero") == avant


@pytest.mark.exigence("CAR-18")
def test_a_newer_register_changes_the_cards_that_nobody_joined(
    banc: Banc, operateur: Operateur
) -> None:
    operateur.importer(ligne(1), ligne(2))
    associer(banc, 2)
    fait = operateur.importer(
        ligne(1, nom="Tremblay-Roy"), ligne(2, nom="Autre"), nom="decembre.csv"
    )
    assert comptes(fait) == {"MODIFIEE": 1, "DEJA_ASSOCIEE": 1}
    assert banc.sql("SELECT nom FROM carte ORDER BY numero") == [("Tremblay-Roy",), ("Tremblay",)]


@pytest.mark.exigence("CAR-18")
def test_an_import_is_undone_but_for_what_people_use(banc: Banc, operateur: Operateur) -> None:
    operateur.importer(ligne(1))
    second = operateur.importer(ligne(1, nom="Roy"), ligne(2), ligne(3), nom="decembre.csv")
    associer(banc, 3)
    lot = le_lot(second)
    fait = operateur.lancer("annuler-registre", lot)
    assert fait.stdout == "deleted: 1, put back: 1, kept: 1\n"
    assert banc.sql("SELECT numero, nom FROM carte ORDER BY numero") == [
        (numero(1), "Tremblay"),
        (numero(3), "Tremblay"),
    ]
    assert operateur.lancer("annuler-registre", lot).stdout == (
        "deleted: 0, put back: 0, kept: 0\n"
    )
    again = operateur.importer(ligne(1, nom="Roy"), ligne(2), ligne(3), nom="decembre.csv")
    assert again.returncode != 0
    assert banc.sql("SELECT count(*) FROM carte") == [(2,)]


def test_an_unknown_import_is_said(operateur: Operateur) -> None:
    fait = operateur.lancer("annuler-registre", str(uuid4()))
    assert (fait.returncode, "no import has that id" in fait.stderr) == (1, True)


@pytest.mark.exigence("CAR-18")
def test_new_numbers_start_above_the_register(banc: Banc, operateur: Operateur) -> None:
    operateur.importer(ligne(4_000))
    carte = banc.demander(COMPTE)
    banc.decider(carte.demande)
    emis = banc.sql("SELECT numero FROM carte WHERE origine = 'DEMANDE'")
    assert emis == [(numero(4_001),)]


@pytest.mark.exigence("CAR-18")
def test_an_import_that_was_cut_is_taken_up_again(banc: Banc, operateur: Operateur) -> None:
    rangees = [ligne(sequence) for sequence in range(1, 3_501)]
    operateur.importer(*rangees[:1_000], nom="debut.csv")
    fait = operateur.importer(*rangees)
    assert comptes(fait) == {"AJOUTEE": 2_500, "IDENTIQUE": 1_000}
    assert fait.stderr.splitlines()[-1] == "3500 rows"
    assert banc.sql("SELECT count(DISTINCT serie) FROM carte") == [(3_500,)]


def test_two_imports_at_once_take_each_card_once(banc: Banc, operateur: Operateur) -> None:
    rangees = [ligne(sequence) for sequence in range(1, 1_501)]

    def importer(nom: str) -> Any:
        return operateur.importer(*rangees, nom=nom)

    with ThreadPoolExecutor(2) as fils:
        faits = list(fils.map(importer, ("un.csv", "deux.csv")))
    assert [fait.returncode for fait in faits] == [0, 0]
    assert sum(comptes(fait).get("AJOUTEE", 0) for fait in faits) == 1_500
    assert banc.sql("SELECT count(*) FROM carte") == [(1_500,)]


@pytest.mark.parametrize(
    ("contenu", "dit"),
    [
        (b"numero;nom\n", "columns missing"),
        (b"", "columns missing"),
        (ENTETE.encode() + b"\n\xff\xfe\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_register_is_refused_whole(
    operateur: Operateur, contenu: bytes, dit: str
) -> None:
    fichier = operateur.dossier / "autre.csv"
    fichier.write_bytes(contenu)
    fait = operateur.lancer("importer-registre", str(fichier))
    assert fait.returncode == 1
    assert dit in fait.stderr
    assert "Traceback" not in fait.stderr


def test_a_file_of_a_spreadsheet_is_read(banc: Banc, operateur: Operateur) -> None:
    fichier = operateur.dossier / "tableur.csv"
    texte = f"{ENTETE}\r\n{ligne(9)}\r\n".replace(";", ",")
    fichier.write_bytes(texte.encode("utf-8-sig"))
    assert operateur.lancer("importer-registre", str(fichier)).returncode == 0
    assert banc.sql("SELECT numero FROM carte") == [(numero(9),)]
