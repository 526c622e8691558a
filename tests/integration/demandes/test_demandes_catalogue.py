"""The catalogue: loaded from a file, listed and searched over gRPC."""

from datetime import UTC, datetime

import grpc
import psycopg
import pytest
from click.testing import CliRunner

from chassis.db import make_engine, make_sessions, reader
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote, RemoteError
from espacecitoyen.demandes.v1 import demandes_service_pb2 as pb
from espacecitoyen.demandes.v1 import demandes_service_pb2_grpc
from services.demandes import api, use_cases
from services.demandes.commandes import demandes as commande
from services.demandes.domain import CatalogueInvalide
from tests.kit.demandes import un_catalogue, un_theme, un_type
from tests.kit.grpc import running
from tests.kit.identity import token

pytestmark = [pytest.mark.integration, pytest.mark.exigence("DEM-01")]

MAINTENANT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def url(database_url):
    return database_url("demandes")


@pytest.fixture
def base(url, clean_database):  # noqa: ARG001 - empties the tables first
    libpq = url.replace("postgresql+psycopg:", "postgresql:")
    with psycopg.connect(libpq, autocommit=True) as connection:
        yield connection


@pytest.fixture
def engine(url, base):  # noqa: ARG001 - idem
    engine = make_engine(url, name="essai-demandes")
    yield engine
    engine.dispose()


@pytest.fixture
def charger(engine):
    return lambda catalogue: use_cases.charger_catalogue(
        sessions=make_sessions(engine), catalogue=catalogue, maintenant=MAINTENANT
    )


@pytest.fixture
def lister(engine):
    servicer = api.DemandesServicer(lecture=reader(engine))
    with running(
        register=lambda server: api.register(server, servicer),
        service=api.SERVICE,
        access=api.ACCESS,
        errors=api.ERRORS,
        name="demandes",
    ) as address:
        remote = Remote(
            "demandes",
            stub=demandes_service_pb2_grpc.DemandesServiceStub,
            addresses=StaticAddresses([address]),
        )
        yield lambda **champs: remote.call(
            lambda stub: stub.ListTypesDemande,
            pb.ListTypesDemandeRequest(**champs),
            token=token("", "anonyme"),
        )
        remote.close()


@pytest.fixture
def exemple(url, base, monkeypatch):  # noqa: ARG001 - emptied first
    """The sample catalogue, loaded by the operator's command."""
    monkeypatch.setenv("DEMANDES_DATABASE_URL", url)
    resultat = CliRunner().invoke(commande, ["charger-catalogue"])
    assert resultat.exit_code == 0, resultat.output
    return resultat.output


def publies(base):
    rows = base.execute("SELECT aggregate FROM outbox ORDER BY id").fetchall()
    return [row[0] for row in rows]


def codes(reponse):
    return [type_demande.code for type_demande in reponse.types]


def test_charger_deux_fois_ne_publie_qu_une_fois(exemple, base):
    assert exemple == "published 16, withdrawn 0\n"
    encore = CliRunner().invoke(commande, ["charger-catalogue"])
    assert encore.output == "published 0, withdrawn 0\n"
    assert len(publies(base)) == 16
    assert base.execute("SELECT DISTINCT exchange, routing_key FROM outbox").fetchall() == [
        ("demandes.events", "type_demande_publie.v1")
    ]


def test_un_type_absent_du_fichier_est_retire_et_peut_revenir(charger, lister, base):
    charger(un_catalogue(un_type("un"), un_type("deux")))
    chargement = charger(un_catalogue(un_type("un", titre_fr="Autre titre")))
    assert (chargement.publies, chargement.retires) == ((), ("deux",))
    assert codes(lister()) == ["un"]
    assert lister().types[0].titre_fr == "Autre titre"
    assert charger(un_catalogue(un_type("un"), un_type("deux"))).publies == ("deux",)
    assert publies(base) == ["un", "deux", "deux"]


def test_un_catalogue_fautif_ne_change_rien(charger, lister):
    charger(un_catalogue(un_type("un")))
    with pytest.raises(CatalogueInvalide):
        charger(un_catalogue(un_type("deux"), un_type("trois", theme="nulle_part")))
    assert codes(lister()) == ["un"]


def test_la_liste_suit_les_themes_puis_les_titres(charger, lister):
    themes = (un_theme("zeta", 1), un_theme("alpha", 2))
    charger(
        un_catalogue(
            un_type("a", theme="alpha", titre_fr="Zone"),
            un_type("b", theme="alpha", titre_fr="Échelle"),
            un_type("c", theme="zeta", titre_fr="Neige"),
            un_type("d", theme="alpha", titre_fr="Eau"),
            themes=themes,
        )
    )
    assert codes(lister()) == ["c", "d", "b", "a"]


@pytest.mark.usefixtures("exemple")
@pytest.mark.parametrize(
    ("recherche", "attendus"),
    [
        ("requete generale", {"requete_generale"}),
        ("poubelles", {"collecte_oubliee", "bac_roulant"}),
        ("TRAVAUX rénovations", {"permis_renovation"}),
        ("chiens", {"animaux"}),
        ("pothole", {"nid_de_poule"}),
        ("rien de tel", set()),
        ("100%", set()),
    ],
)
def test_on_trouve_par_mots_cles_sans_accents_ni_pluriels(lister, recherche, attendus):
    assert set(codes(lister(recherche=recherche))) == attendus


@pytest.mark.usefixtures("exemple")
def test_un_type_dit_son_theme_ses_deux_langues_et_son_cadenas(lister):
    tous = {type_demande.code: type_demande for type_demande in lister().types}
    bac, nid = tous["bac_roulant"], tous["nid_de_poule"]
    assert (bac.theme_fr, bac.theme_en) == (
        "Collectes et environnement",
        "Waste collection and environment",
    )
    assert bac.titre_en == "Wheeled bin: request, damage or exchange"
    assert bac.compte_requis
    assert not nid.compte_requis


@pytest.mark.usefixtures("exemple")
def test_les_pages_mises_bout_a_bout_sont_la_liste(lister):
    pages, jeton = [], ""
    while True:
        reponse = lister(page_size=5, page_token=jeton)
        pages += codes(reponse)
        jeton = reponse.next_page_token
        if not jeton:
            break
        assert len(reponse.types) == 5
    assert pages == codes(lister())
    assert len(pages) == 16


@pytest.mark.usefixtures("exemple")
def test_un_jeton_ne_sert_qu_a_sa_recherche(lister):
    jeton = lister(page_size=1, recherche="rue").next_page_token
    assert jeton
    with pytest.raises(RemoteError) as refus:
        lister(page_size=1, recherche="bac", page_token=jeton)
    assert refus.value.fields == {"page_token": "INVALIDE"}


@pytest.mark.parametrize(
    ("champs", "faute"),
    [
        ({"recherche": "é" * 101}, {"recherche": "TROP_LONGUE"}),
        ({"page_size": 101}, {"page_size": "HORS_LIMITES"}),
        ({"page_size": -1}, {"page_size": "HORS_LIMITES"}),
        ({"page_token": "pas un jeton"}, {"page_token": "INVALIDE"}),
        ({"page_token": "bnVsbA=="}, {"page_token": "INVALIDE"}),
        ({"page_token": "WzEsMiwzLDQsNV0="}, {"page_token": "INVALIDE"}),
        ({"page_token": "é"}, {"page_token": "INVALIDE"}),
    ],
)
def test_une_demande_mal_formee_nomme_son_champ(lister, champs, faute):
    with pytest.raises(RemoteError) as refus:
        lister(**champs)
    assert refus.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refus.value.reason == "DONNEES_INVALIDES"
    assert refus.value.fields == faute


def test_la_commande_dit_ce_qui_manque(monkeypatch, tmp_path, url):
    monkeypatch.delenv("DEMANDES_DATABASE_URL", raising=False)
    lancer = CliRunner().invoke
    assert "DEMANDES_DATABASE_URL is missing" in lancer(commande, ["charger-catalogue"]).output
    monkeypatch.setenv("DEMANDES_DATABASE_URL", url)
    fichier = tmp_path / "catalogue.json"
    fichier.write_text('{"themes": []}')
    resultat = lancer(commande, ["charger-catalogue", "--fichier", str(fichier)])
    assert resultat.exit_code == 1
    assert "types is missing" in resultat.output
