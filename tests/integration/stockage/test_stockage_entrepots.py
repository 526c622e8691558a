"""One contract for the two back ends: a folder, and a real S3 server that may fail."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import time
from typing import Any
from uuid import uuid4

import boto3
import pytest

from chassis.settings import SettingsError
from services.stockage.adapters import s3
from services.stockage.adapters.coffre import CoffreChiffre, composer
from services.stockage.adapters.dossier import EntrepotDossier
from services.stockage.adapters.s3 import EntrepotS3
from services.stockage.adapters.trousseau import MaitresseEnvironnement, Trousseau
from services.stockage.config import Config
from services.stockage.domain import Espace, PieceAlteree, Zone
from services.stockage.use_cases.ports import EntrepotIndisponible
from tests.kit.entrepot import Panne, porte

pytestmark = [pytest.mark.integration, pytest.mark.exigence("STO-05")]

# A busy machine may take seconds; a door that is silent on purpose is not waited for so long.
SILENCE_S, SILENCE_COURTE_S = 20.0, 1.0
PETIT, GRAND = 1000, 2 * s3.PARTIE + 12_345


def un_s3(objets, *, url="", silence_s=SILENCE_S):
    return EntrepotS3(
        url=url or objets["url"], seau=objets["seau"], cle=objets["cle"],
        secret=objets["secret"], region="us-east-1", silence_s=silence_s,
    )  # fmt: skip


@pytest.fixture(params=["dossier", "s3"])
def entrepot(request, tmp_path):
    if request.param == "dossier":
        return EntrepotDossier(tmp_path)
    return un_s3(request.getfixturevalue("objets"))


def un_nom() -> str:
    return uuid4().hex


def ecrire(entrepot, octets, *, zone=Zone.OBJETS, pas=100_000, durable=True, nom=""):
    nom = nom or un_nom()
    with entrepot.creer(zone, nom) as ecriture:
        for debut in range(0, len(octets), pas):
            ecriture.write(octets[debut : debut + pas])
        ecriture.valider(durable=durable)
    return nom


def lire(entrepot, nom, *, zone=Zone.OBJETS):
    with contextlib.closing(entrepot.ouvrir(zone, nom)) as objet:
        return objet.read()


def noms(entrepot, zone=Zone.OBJETS):
    return {nom for nom, _ in entrepot.lister(zone)}


@pytest.mark.parametrize("taille", [0, 1, PETIT, s3.PARTIE, GRAND])
def test_what_is_stored_is_given_back(entrepot, taille):
    octets = os.urandom(taille)
    nom = ecrire(entrepot, octets)
    assert lire(entrepot, nom) == octets
    assert entrepot.empreinte(Zone.OBJETS, nom) == hashlib.sha256(octets).digest()
    assert entrepot.empreinte(Zone.QUARANTAINE, nom) is None
    assert entrepot.accessible()


def test_any_place_of_an_object_can_be_read(entrepot):
    octets = os.urandom(300_000)
    nom = ecrire(entrepot, octets)
    with contextlib.closing(entrepot.ouvrir(Zone.OBJETS, nom)) as objet:
        assert objet.seek(0, os.SEEK_END) == len(octets)
        assert objet.read(10) == b""
        for debut, taille in ((299_990, 100), (0, 5), (5, 70_000), (150_000, 1), (70_005, 9)):
            objet.seek(debut)
            assert objet.read(taille) == octets[debut : debut + taille]
        descripteur = objet.descripteur()
        assert os.pread(descripteur, len(octets), 0) == octets


def test_an_object_is_seen_only_when_it_is_complete(entrepot):
    nom = un_nom()
    with entrepot.creer(Zone.OBJETS, nom) as ecriture:
        for _ in range(GRAND // 100_000):
            ecriture.write(bytes(100_000))
        assert nom not in noms(entrepot)
        with pytest.raises(FileNotFoundError):
            entrepot.ouvrir(Zone.OBJETS, nom)
        ecriture.valider(durable=False)
        assert nom in noms(entrepot)
    entrepot.affermir(Zone.OBJETS, nom)


@pytest.mark.parametrize("taille", [PETIT, GRAND])
def test_what_is_not_validated_leaves_nothing(entrepot, taille):
    nom = un_nom()
    with entrepot.creer(Zone.QUARANTAINE, nom) as ecriture:
        ecriture.write(bytes(taille))
    assert not [vu for vu in noms(entrepot, Zone.QUARANTAINE) if vu.startswith(nom)]


def test_deleting_twice_is_no_error_and_areas_are_apart(entrepot):
    nom = ecrire(entrepot, b"ici")
    entrepot.supprimer(Zone.QUARANTAINE, nom)
    assert lire(entrepot, nom) == b"ici"
    entrepot.supprimer(Zone.OBJETS, nom)
    entrepot.supprimer(Zone.OBJETS, nom)
    assert nom not in noms(entrepot)
    assert entrepot.empreinte(Zone.OBJETS, nom) is None
    with pytest.raises(FileNotFoundError):
        entrepot.ouvrir(Zone.OBJETS, nom)


def test_an_unfinished_object_is_listed_and_swept_by_its_name(entrepot):
    nom = un_nom()
    # As a killed process leaves it: begun, never left.
    ecriture = entrepot.creer(Zone.QUARANTAINE, nom)
    ecriture.write(bytes(GRAND))
    [(vu, le)] = [(n, le) for n, le in entrepot.lister(Zone.QUARANTAINE) if n.startswith(nom)]
    assert vu != nom
    assert abs(le - time.time()) < 60
    entrepot.supprimer(Zone.QUARANTAINE, vu)
    assert not [n for n in noms(entrepot, Zone.QUARANTAINE) if n.startswith(nom)]
    ecriture.__exit__(None, None, None)


def un_coffre(entrepot):
    cle = base64.b64encode(os.urandom(32)).decode()
    coffre = CoffreChiffre(entrepot, Trousseau(MaitresseEnvironnement(cle)))
    compte_id = uuid4()
    return coffre, Espace(compte_id=compte_id, cle=coffre.nouvelle_cle(compte_id))


@pytest.mark.exigence("STO-04")
def test_the_safe_reads_edges_blocks_and_shares_over_any_store(entrepot):
    coffre, espace = un_coffre(entrepot)
    octets = os.urandom(500_000)
    with coffre.ecrire(espace, Zone.OBJETS) as ecriture:
        ecriture.ajouter(octets)
        objet = ecriture.valider(durable=True)
    assert coffre.empreinte(Zone.OBJETS, objet.nom) == objet.sha256
    with coffre.ouvrir(espace, Zone.OBJETS, objet) as lecture:
        assert lecture.bords(100) == (octets[:100], octets[-100:])
        assert b"".join(lecture.blocs()) == octets
        assert octets[:64] not in os.pread(lecture.partage().descripteur, 1 << 20, 0)
    coffre.supprimer(Zone.OBJETS, objet.nom)
    with pytest.raises(PieceAlteree):
        coffre.ouvrir(espace, Zone.OBJETS, objet)


@pytest.fixture
def derriere(objets):
    """The S3 store behind a door that fails when it is told to."""
    with porte(objets["url"]) as ouverte:
        yield ouverte, un_s3(objets, url=ouverte.url, silence_s=SILENCE_COURTE_S)


@pytest.mark.parametrize(
    ("panne", "des"),
    [*((Panne.ERREUR_500, des) for des in range(4)), (Panne.MUETTE, 0), (Panne.MUETTE, 3)],
)
def test_a_server_that_fails_while_it_is_written_to_leaves_nothing_visible(
    derriere, objets, panne, des
):
    ouverte, entrepot = derriere
    direct, nom = un_s3(objets), un_nom()
    ouverte.casser(panne, des=des)
    debut = time.monotonic()
    with pytest.raises(EntrepotIndisponible):
        # Begin, two parts, end: each of the four requests is the first to fail in turn.
        ecrire(entrepot, bytes(GRAND), nom=nom)
    assert time.monotonic() - debut < 10
    with pytest.raises(FileNotFoundError):
        direct.ouvrir(Zone.OBJETS, nom)
    restes = [vu for vu in noms(direct) if vu.startswith(nom)]
    assert nom not in restes
    for vu in restes:
        direct.supprimer(Zone.OBJETS, vu)
    assert not [vu for vu in noms(direct) if vu.startswith(nom)]
    ouverte.reparer()
    assert lire(entrepot, ecrire(entrepot, b"de nouveau")) == b"de nouveau"


@pytest.mark.parametrize("panne", list(Panne)[1:])
def test_a_server_that_fails_while_it_is_read_gives_no_partial_object(derriere, panne):
    ouverte, entrepot = derriere
    nom = ecrire(entrepot, os.urandom(400_000))
    with contextlib.closing(entrepot.ouvrir(Zone.OBJETS, nom)) as objet:
        ouverte.casser(panne)
        with pytest.raises(EntrepotIndisponible):
            objet.read()
    if panne is not Panne.COUPEE:
        for acte in (
            lambda: entrepot.ouvrir(Zone.OBJETS, nom),
            lambda: entrepot.supprimer(Zone.OBJETS, nom),
            lambda: list(entrepot.lister(Zone.OBJETS)),
            lambda: entrepot.empreinte(Zone.OBJETS, nom),
        ):
            with pytest.raises(EntrepotIndisponible):
                acte()
    ouverte.reparer()
    assert len(lire(entrepot, nom)) == 400_000


def test_an_answer_that_was_cut_is_read_on_from_there(derriere):
    ouverte, entrepot = derriere
    octets = os.urandom(400_000)
    nom = ecrire(entrepot, octets)
    with contextlib.closing(entrepot.ouvrir(Zone.OBJETS, nom)) as objet:
        debut = objet.read(1000)
        ouverte.octets = 50_000
        ouverte.casser(Panne.COUPEE)
        ouverte.demandes = 1
        suite = objet.read(10_000)
        ouverte.reparer()
        assert debut + suite + objet.read() == octets


def test_nobody_listens_at_the_address(objets):
    entrepot = un_s3(objets, url="http://127.0.0.1:1")
    with pytest.raises(EntrepotIndisponible):
        ecrire(entrepot, b"x")


def test_a_wrong_secret_is_a_store_that_cannot_be_used(objets):
    with pytest.raises(EntrepotIndisponible) as fait:
        ecrire(un_s3({**objets, "secret": "autre"}), b"x")
    assert fait.value.details()["cause"]
    assert objets["secret"] not in str(fait.value)


def test_settings_choose_the_back_end(objets, tmp_path):
    cle = base64.b64encode(os.urandom(32)).decode()
    reglages: dict[str, Any] = {"database_url": "", "clamd": "", "cle_maitresse": cle}
    with pytest.raises(SettingsError, match="STOCKAGE_DOSSIER or STOCKAGE_S3_SEAU"):
        composer(Config(**reglages))
    compte_id = uuid4()
    lieux: tuple[dict[str, Any], ...] = (
        {"dossier": tmp_path},
        {"s3_url": objets["url"], "s3_seau": objets["seau"], "s3_cle": objets["cle"],
         "s3_secret": objets["secret"]},
    )  # fmt: skip
    for ou in lieux:
        config = Config(**reglages, **ou)
        assert objets["secret"] not in repr(config)
        coffre = composer(config)
        espace = Espace(compte_id=compte_id, cle=coffre.nouvelle_cle(compte_id))
        with coffre.ecrire(espace, Zone.OBJETS) as ecriture:
            objet = ecriture.valider(durable=True)
        client = boto3.client(
            "s3", endpoint_url=objets["url"], aws_access_key_id=objets["cle"],
            aws_secret_access_key=objets["secret"], region_name="us-east-1",
        )  # fmt: skip
        ici = (tmp_path / "objets" / objet.nom[:2] / objet.nom).exists()
        cle_objet = f"objets/{objet.nom[:2]}/{objet.nom}"
        labas = "Contents" in client.list_objects_v2(Bucket=objets["seau"], Prefix=cle_objet)
        assert (ici, labas) == ("dossier" in ou, "s3_seau" in ou)
