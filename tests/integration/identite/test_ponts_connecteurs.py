"""Connectors against the reference servers, and against systems that misbehave (IDN-15, 17)."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest

from chassis.grpc_client import Remote, RemoteError
from deploy.demo import espace_famille, taxes
from deploy.demo.serveur import Server
from espacecitoyen.identite.v1 import ponts_service_pb2 as ponts
from espacecitoyen.identite.v1.ponts_service_pb2_grpc import PontsServiceStub
from services.identite.adapters.connecteurs import ClientJson, Disjoncteur, TaxesHttp
from services.identite.domain.ponts import Source, SystemeIndisponible
from tests.kit.identite import une_identite
from tests.kit.identity import token
from tests.kit.ponts import CLE_PONTS_TEXTE, ecrire, importer_fichier, un_compte_de_taxes

pytestmark = [pytest.mark.integration]


@contextlib.contextmanager
def servir(serveur):
    fil = threading.Thread(target=serveur.serve_forever, args=(0.02,))
    fil.start()
    try:
        yield f"http://127.0.0.1:{serveur.server_address[1]}"
    finally:
        serveur.shutdown()
        fil.join()
        serveur.server_close()


@pytest.fixture
def systemes():
    """The two reference servers, as the demo runs them."""
    with (
        servir(Server(("127.0.0.1", 0), taxes.ROUTES, "cle-taxes")) as des_taxes,
        servir(Server(("127.0.0.1", 0), espace_famille.ROUTES, "cle-famille")) as famille,
    ):
        yield des_taxes, famille


@pytest.fixture
def identite(database_url, clean_database, systemes):
    del clean_database
    with une_identite(
        database_url("identite"),
        cle_ponts=CLE_PONTS_TEXTE,
        taxes_url=systemes[0],
        taxes_cle="cle-taxes",
        espace_famille=True,
        famille_url=systemes[1],
        famille_cle="cle-famille",
        connecteur_delai_s=0.5,
    ) as service:
        yield service


@pytest.fixture
def appeler(identite):
    remote = Remote("identite", stub=PontsServiceStub, addresses=identite.remote._addresses)

    def appel(rpc, request, sujet):
        return remote.call(
            lambda s: getattr(s, rpc), request, token=token(sujet, "citoyen"), deadline=10.0
        )

    yield appel
    remote.close()


def lier(**champs):
    valeurs = {
        "request_id": str(uuid4()),
        "code": espace_famille.SAMPLE_CODE,
        "mot_de_passe": espace_famille.SAMPLE_PASSWORD,
    }
    return ponts.LierEspaceFamilleRequest(**(valeurs | champs))


@pytest.mark.exigence("IDN-17")
def test_the_tax_account_shows_balance_bills_and_due_dates(identite, tmp_path, appeler):
    fichier = ecrire(tmp_path / "t.csv", Source.TAXES, [un_compte_de_taxes()])
    importer_fichier(identite, fichier)
    (compte,) = identite.lignes("SELECT id FROM compte")
    lu = appeler("GetCompteTaxes", ponts.GetCompteTaxesRequest(), str(compte.id))
    assert lu.reference == "M-0001"
    assert lu.solde_cents == sum(e.montant_cents for e in lu.echeances if not e.acquittee)
    assert len(lu.factures) == 2
    assert len(lu.echeances) == 4


@pytest.mark.exigence("IDN-17")
def test_nobody_reads_a_tax_account_that_is_not_linked(identite, appeler):
    compte_id = identite.un_compte()
    with pytest.raises(RemoteError) as refus:
        appeler("GetCompteTaxes", ponts.GetCompteTaxesRequest(), compte_id)
    assert refus.value.reason == "COMPTE_TAXES_NON_LIE"


@pytest.mark.exigence("IDN-15")
def test_espace_famille_is_linked_by_code_and_password_then_read_without_them(identite, appeler):
    compte_id = identite.un_compte()
    demande = lier()
    appeler("LierEspaceFamille", demande, compte_id)
    lue = appeler("GetEspaceFamille", ponts.GetEspaceFamilleRequest(), compte_id)
    assert lue.famille == "Famille Exemple"
    assert len(lue.inscriptions) == 2
    (lien,) = identite.lignes("SELECT * FROM espace_famille")
    assert lien.jeton
    assert espace_famille.SAMPLE_PASSWORD.encode() not in bytes(lien.scelle)
    lies = appeler("ListComptesLies", ponts.ListComptesLiesRequest(), compte_id)
    assert (lies.famille_offerte, lies.famille_code) == (True, "F-1001")
    demande_fin = ponts.DelierEspaceFamilleRequest(request_id=str(uuid4()))
    appeler("DelierEspaceFamille", demande_fin, compte_id)
    assert appeler("GetEspaceFamille", ponts.GetEspaceFamilleRequest(), compte_id).famille == ""
    assert espace_famille._TOKENS == {}


@pytest.mark.exigence("IDN-15")
def test_changing_the_credentials_revokes_the_earlier_token(identite, appeler):
    compte_id = identite.un_compte()
    for _ in range(2):
        appeler("LierEspaceFamille", lier(), compte_id)
    assert len(espace_famille._TOKENS) == 1
    espace_famille._TOKENS.clear()


@pytest.mark.exigence("IDN-15")
@pytest.mark.parametrize(
    ("champs", "raison"),
    [
        ({"mot_de_passe": "faux"}, "ESPACE_FAMILLE_REFUSE"),
        ({"code": "F-9"}, "ESPACE_FAMILLE_REFUSE"),
        ({"code": ""}, "DONNEES_INVALIDES"),
        ({"mot_de_passe": "x" * 5000}, "DONNEES_INVALIDES"),
    ],
)
def test_wrong_credentials_link_nothing(identite, appeler, champs, raison):
    compte_id = identite.un_compte()
    with pytest.raises(RemoteError) as refus:
        appeler("LierEspaceFamille", lier(**champs), compte_id)
    assert refus.value.reason == raison
    assert identite.lignes("SELECT 1 FROM espace_famille") == []


@pytest.mark.exigence("IDN-15")
def test_a_city_without_espace_famille_shows_none(database_url, clean_database):
    del clean_database
    with une_identite(database_url("identite"), cle_ponts=CLE_PONTS_TEXTE) as service:
        compte_id = service.un_compte()
        remote = Remote("identite", stub=PontsServiceStub, addresses=service.remote._addresses)
        jeton = token(compte_id, "citoyen")
        lies = remote.call(lambda s: s.ListComptesLies, ponts.ListComptesLiesRequest(), token=jeton)
        assert (lies.famille_offerte, lies.taxes_offertes) == (False, False)
        with pytest.raises(RemoteError) as refus:
            remote.call(lambda s: s.LierEspaceFamille, lier(), token=jeton)
        assert refus.value.reason == "ESPACE_FAMILLE_NON_OFFERT"
        remote.close()


class _Compteur(ThreadingHTTPServer):
    """Counts the requests that it saw."""

    vues = 0


class _Mauvais(BaseHTTPRequestHandler):
    """Answers what the test asks for by the path of the account."""

    protocol_version = "HTTP/1.0"
    server: _Compteur

    def do_GET(self):
        self.server.vues += 1
        genre = self.path.rpartition("/")[2]
        corps = {
            "pas-du-json": b"<html>",
            "autre-forme": b'{"solde_cents": 1.5}',
            "liste": b"[]",
            "enorme": b'"' + b"x" * (2 << 20) + b'"',
            "erreur": b"{}",
            "ailleurs": b"",
        }.get(genre)
        if corps is None:
            time.sleep(1.0)  # longer than the connector waits
            return
        self.send_response({"erreur": 500, "ailleurs": 302}.get(genre, 200))
        if genre == "ailleurs":
            self.send_header("Location", "http://169.254.169.254/")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(corps)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def mauvais_systeme():
    serveur = _Compteur(("127.0.0.1", 0), _Mauvais)
    with servir(serveur) as url:
        yield serveur, url


def un_client(url, **autres):
    disjoncteur = Disjoncteur(echecs=autres.pop("echecs", 100), repos_s=60)
    client = ClientJson(
        url=url, cle="k", autorite=None, delai_s=0.3, disjoncteur=disjoncteur, **autres
    )
    return TaxesHttp(client)


@pytest.mark.exigence("IDN-17")
@pytest.mark.parametrize(
    "genre", ["pas-du-json", "autre-forme", "liste", "enorme", "erreur", "ailleurs", "lent"]
)
def test_an_answer_against_the_contract_is_no_answer(genre):
    with mauvais_systeme() as (serveur, url):
        with pytest.raises(SystemeIndisponible):
            un_client(url).lire(genre)
        assert serveur.vues == 1


@pytest.mark.exigence("IDN-17")
def test_a_failing_system_is_left_alone():
    with mauvais_systeme() as (serveur, url):
        client = un_client(url, echecs=3)
        for _ in range(10):
            with pytest.raises(SystemeIndisponible):
                client.lire("erreur")
        assert serveur.vues == 3


@pytest.mark.exigence("IDN-17")
def test_an_absent_system_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as prise:
        port = prise.getsockname()[1]
    with pytest.raises(SystemeIndisponible):
        un_client(f"http://127.0.0.1:{port}").lire("M-1")


def test_the_circuit_closes_again_by_one_good_answer():
    heure = [0.0]
    coupe = Disjoncteur(echecs=2, repos_s=30, horloge=lambda: heure[0])
    for _ in range(2):
        coupe.entrer()
        coupe.noter(repondu=False)
    with pytest.raises(SystemeIndisponible):
        coupe.entrer()
    heure[0] = 31
    coupe.entrer()
    with pytest.raises(SystemeIndisponible):
        coupe.entrer()
    coupe.noter(repondu=True)
    coupe.entrer()


@pytest.mark.parametrize("url", ["http://taxes.exemple.ca", "ftp://x", "//x", "file:///etc"])
def test_only_tls_leaves_the_machine(url):
    with pytest.raises(ValueError, match="https"):
        un_client(url)


def test_the_reference_server_wants_its_key(systemes):
    client = ClientJson(
        url=systemes[0], cle="autre", autorite=None, delai_s=1,
        disjoncteur=Disjoncteur(echecs=5, repos_s=1),
    )  # fmt: skip
    with pytest.raises(SystemeIndisponible):
        TaxesHttp(client).lire("M-1")
