"""The space from outside: a gateway over HTTP, a real stockage, a third-party tus client."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from werkzeug.serving import make_server
from werkzeug.wsgi import LimitedStream

from deploy.places import NODE_MODULES, ROOT, free_ports, node
from tests.kit import stockage as kit
from tests.kit.identity import PUBLIC_KEY
from tests.kit.passerelle import CITOYENNE, COMPTE, Fakes, bearer, fakes, gateway
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration]

MIO = 1024 * 1024


@pytest.fixture(scope="module")
def _services() -> Iterator[Fakes]:
    with fakes() as found:
        yield found


def _borner(app: Any) -> Callable[..., Any]:
    """End a body where its length says, as gunicorn does and this server does not."""

    def servir(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("CONTENT_LENGTH"):
            longueur = int(environ["CONTENT_LENGTH"])
            environ["wsgi.input"] = LimitedStream(environ["wsgi.input"], longueur)
        return app(environ, start_response)

    return servir


@pytest.fixture
def portail(_services: Fakes) -> Iterator[Callable[[str], str]]:
    """Serve a gateway in front of that stockage; gives its address."""
    _services.reset()
    ouverts: list[Any] = []

    def ouvrir(stockage: str) -> str:
        port = free_ports(1)
        url = f"http://127.0.0.1:{port}"
        contexte = gateway({**_services.adresses, "stockage": stockage}, url_publique=url)
        app = contexte.__enter__()
        serveur = make_server("127.0.0.1", port, _borner(app), threaded=True)
        fil = threading.Thread(target=serveur.serve_forever)
        fil.start()
        ouverts.append((serveur, fil, contexte))
        return url

    yield ouvrir
    for serveur, fil, contexte in ouverts:
        serveur.shutdown()
        fil.join()
        serveur.server_close()
        contexte.__exit__(None, None, None)


@pytest.fixture
def api(banc: Any, portail: Callable[[str], str]) -> Iterator[httpx.Client]:
    """The API in front of the bench, as its citizen."""
    banc.compte_id = COMPTE
    with httpx.Client(
        base_url=f"{portail(banc.adresse)}/api/v1", headers=bearer(), timeout=60
    ) as client:
        yield client


def lancer_tus(url: str, fichier: Path, **options: Any) -> subprocess.Popen[str]:
    """Start tus-js-client on a file, as a program of its own."""
    demande = {
        "endpoint": f"{url}/televersements",
        "headers": bearer(),
        "file": str(fichier),
        "store": str(fichier.with_suffix(".tus.json")),
        "metadata": {"filename": fichier.name, "genre": "RESIDENCE", "libelle": "Par tus"},
        **options,
    }
    # A module finds the packages of the folders above it.
    assert (NODE_MODULES / "tus-js-client").is_dir()
    return subprocess.Popen(
        [node(), ROOT / "tests" / "kit" / "envoi_tus.mjs", json.dumps(demande)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def dit(client: subprocess.Popen[str]) -> list[dict[str, Any]]:
    sortie, erreurs = client.communicate(timeout=60)
    assert not erreurs, erreurs
    return [json.loads(ligne) for ligne in sortie.splitlines()]


@pytest.fixture
def dehors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the client: `tmp_path` is the store's."""
    return tmp_path_factory.mktemp("client")


@pytest.fixture
def gros(dehors: Path) -> Path:
    """A PDF of about 22 MB: more than what the system still delivers for a client that died."""
    chemin = dehors / "facture.pdf"
    chemin.write_bytes(kit.un_pdf(remplissage=22 * MIO))
    return chemin


def verifier_recu(api: httpx.Client, gros: Path) -> None:
    """One document, whole: what was received is the file."""
    (piece,) = api.get("/pieces").json()["pieces"]
    assert piece["sha256_recu"] == hashlib.sha256(gros.read_bytes()).hexdigest()
    assert (piece["statut"], piece["libelle"]) == ("SAINE", "Par tus")
    recu = api.get(f"/pieces/{piece['piece_id']}/fichier").content
    assert recu == gros.read_bytes()


@pytest.mark.exigence("STO-05")
def test_tus_js_client_tue_au_milieu_reprend_ou_il_etait(
    api: httpx.Client, banc: Any, gros: Path
) -> None:
    url = str(api.base_url).rstrip("/")
    premier = lancer_tus(url, gros, cut=7 * MIO)
    assert premier.wait(timeout=60) == -9
    premier.communicate()
    wait_until(
        lambda: banc.rangees("SELECT recus_octets FROM televersement WHERE recus_octets > 0"),
        what="the bytes that arrived to be kept",
    )
    assert api.get("/pieces").json()["total"] == 0
    dits = dit(lancer_tus(url, gros))
    fin = dits[-1]
    assert fin["from"] > MIO, "it did not begin again"
    assert banc.rangees("SELECT count(*) FROM televersement") == [(1,)]
    verifier_recu(api, gros)
    assert dits[0]["piece"].startswith("/api/v1/pieces/")
    assert len(banc.fichiers()) == 1


@pytest.mark.exigence("STO-05")
def test_un_refus_arrive_au_client_en_une_phrase(
    api: httpx.Client, banc: Any, dehors: Path
) -> None:
    virus = dehors / "virus.pdf"
    virus.write_bytes(kit.EICAR)
    (dite,) = dit(lancer_tus(str(api.base_url).rstrip("/"), virus))
    assert (dite["status"], json.loads(dite["body"])["code"]) == (422, "PIECE_INFECTEE")
    assert api.get("/pieces").json()["total"] == 0
    assert not banc.rangees("SELECT 1 FROM piece")


@pytest.fixture
def service(
    database_url: Callable[[str], str],
    clean_database: None,
    amqp_url: str,
    clamd_address: str,
    cle_maitresse: str,
    dehors: Path,
) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start a stockage of its own, always at the same address (`service.adresse`)."""
    del clean_database
    nes: list[subprocess.Popen[bytes]] = []
    adresse = f"127.0.0.1:{free_ports(1)}"
    reglages = {
        "PATH": os.environ["PATH"],
        "STOCKAGE_DATABASE_URL": database_url("stockage"),
        "STOCKAGE_LISTEN": adresse,
        "STOCKAGE_DOSSIER": str(dehors / "pieces"),
        "STOCKAGE_CLAMD": clamd_address,
        "STOCKAGE_CLE_MAITRESSE": cle_maitresse,
        "STOCKAGE_SEGMENT_OCTETS": str(MIO),
        "ESPACE_AMQP_URL": amqp_url,
        "ESPACE_TOKEN_PUBLIC_KEY": PUBLIC_KEY.decode(),
    }

    def lancer() -> subprocess.Popen[bytes]:
        with (dehors / "serve.log").open("ab") as journal:
            ne = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "services.stockage.serve"],
                env=reglages,
                stderr=journal,
                stdout=journal,
            )
        nes.append(ne)
        return ne

    vars(lancer)["adresse"] = adresse
    yield lancer
    for ne in nes:
        if ne.poll() is None:
            ne.kill()
        ne.wait()


def repond(api: httpx.Client) -> bool:
    return api.get("/pieces").status_code == 200


@pytest.mark.exigence("STO-05")
def test_stockage_tue_au_milieu_le_client_finit_quand_meme(
    service: Any, portail: Callable[[str], str], gros: Path, dehors: Path
) -> None:
    premier = service()
    url = f"{portail(service.adresse)}/api/v1"
    with httpx.Client(base_url=url, headers=bearer(), timeout=60) as api:
        wait_until(lambda: repond(api), timeout=30, what="stockage to serve")
        client = lancer_tus(
            url, gros, chunk=2 * MIO, gate={"after": 5 * MIO, "file": str(dehors / "va")}
        )
        assert client.stdout is not None
        assert json.loads(client.stdout.readline())["stopped"] == 6 * MIO
        premier.kill()
        premier.wait()
        (dehors / "va").touch()
        service()
        dits = dit(client)
        assert "done" in dits[-1], dits
        verifier_recu(api, gros)


REFUSES = {
    "eicar": (kit.EICAR, "PIECE_INFECTEE"),
    "eicar dans un zip": (kit.un_zip({"virus.com": kit.EICAR}), "PIECE_INFECTEE"),
    "zip": (kit.un_zip({"a.txt": b"bonjour"}), "TYPE_NON_ACCEPTE"),
    "polyglotte": (kit.polyglottes()["pdf_avec_html_en_tete"], "TYPE_NON_ACCEPTE"),
    "pdf puis html": (kit.polyglottes()["pdf_puis_html"], "TYPE_NON_ACCEPTE"),
    "svg": (kit.un_svg(), "TYPE_NON_ACCEPTE"),
    "html": (kit.une_page_html(), "TYPE_NON_ACCEPTE"),
    "bombe": (kit.une_bombe_png(), "PIECE_TROP_GRANDE"),
    "vide": (b"", "PIECE_VIDE"),
    "coupe": (kit.un_pdf()[:-40], "PIECE_TRONQUEE"),
    "protege": (kit.un_pdf_protege(), "TYPE_NON_ACCEPTE"),
}


def formulaire(page: str) -> dict[str, str]:
    jetons = {
        nom: valeur
        for nom in ("csrf_token", "request_id")
        for valeur in re.findall(rf'name="{nom}" value="([^"]+)"', page)
    }
    return {**jetons, "genre": "RESIDENCE", "libelle": "Essai"}


@pytest.mark.exigence("STO-04")
@pytest.mark.parametrize("cas", sorted(REFUSES))
def test_un_mauvais_fichier_donne_une_phrase_et_ne_laisse_rien(
    api: httpx.Client, banc: Any, cas: str
) -> None:
    octets, code = REFUSES[cas]
    fichier = {"fichier": ("papier.pdf", octets, "application/pdf")}
    refus = api.post("/pieces", data={"genre": "RESIDENCE"}, files=fichier)
    assert refus.json()["code"] == code
    phrases = [refus.json()["message_fr"], refus.json()["message_en"]]
    assert all(phrases)
    assert phrases[0] != phrases[1]
    racine = str(api.base_url).partition("/api/")[0]
    with httpx.Client(base_url=racine, cookies={"session": CITOYENNE}, timeout=60) as web:
        for langue, phrase in zip(("fr", "en"), phrases, strict=True):
            page = web.get(f"/stockage/ajouter?lang={langue}").text
            rendue = web.post(
                f"/stockage/ajouter?lang={langue}", data=formulaire(page), files=fichier
            )
            assert rendue.status_code == refus.status_code
            assert html.unescape(rendue.text).count(phrase) == 1
            assert 'value="Essai"' in rendue.text, "what was typed is still there"
    assert banc.rien_ne_reste()


NOMS = {
    "../../etc/passwd": "passwd.pdf",
    "C:\\Windows\\facture.pdf": "facture.pdf",
    "fac\x00tu\x1fre\x7f.pdf": "facture.pdf",
    "exe.\u202efdp": "exe.fdp.pdf",
    "x" * 300 + ".pdf": "x" * 196 + ".pdf",
    "facture.exe": "facture.exe.pdf",
    "<script>.pdf": "<script>.pdf",
}


@pytest.mark.exigence("STO-04")
def test_un_nom_piege_devient_une_etiquette(api: httpx.Client, banc: Any) -> None:
    for nom, attendu in NOMS.items():
        recu = api.post(
            "/pieces",
            params={"nom_fichier": nom, "genre": "AUTRE"},
            content=kit.un_pdf(pages=1),
            headers={"Content-Type": "application/pdf"},
        )
        assert (recu.status_code, recu.json().get("nom_fichier")) == (201, attendu), nom
        lu = api.get(f"/pieces/{recu.json()['piece_id']}/fichier")
        assert "\n" not in lu.headers["Content-Disposition"]
        assert lu.headers["Content-Disposition"].startswith("attachment; ")
    rien = api.post(
        "/pieces",
        params={"nom_fichier": "\u202e\u200b", "genre": "AUTRE"},
        content=kit.un_pdf(pages=1),
        headers={"Content-Type": "application/pdf"},
    )
    assert rien.json()["code"] == "NOM_INVALIDE"
    noms = {chemin.name for chemin in banc.fichiers()}
    assert all(re.fullmatch(r"[0-9a-f]{32}", nom) for nom in noms), "storage names are random"


@pytest.mark.exigence("STO-01")
def test_deux_fichiers_du_meme_nom_a_la_fois_sont_gardes_tous_les_deux(
    api: httpx.Client,
) -> None:
    def deposer(pages: int) -> int:
        fichier = {"fichier": ("bail.pdf", kit.un_pdf(pages=pages), "application/pdf")}
        return api.post("/pieces", data={"genre": "AUTRE"}, files=fichier).status_code

    with ThreadPoolExecutor(2) as deux:
        assert list(deux.map(deposer, (1, 2))) == [201, 201]
    pieces = api.get("/pieces").json()["pieces"]
    assert [piece["nom_fichier"] for piece in pieces] == ["bail.pdf"] * 2
    assert {piece["pages"] for piece in pieces} == {1, 2}


@pytest.mark.exigence("STO-02")
def test_ce_qui_est_a_une_autre_personne_ou_sans_session_ne_s_ouvre_pas(
    api: httpx.Client, banc: Any
) -> None:
    banc.compte_id = str(uuid4())
    piece_id = banc.deposer(kit.un_pdf()).piece_id
    ici = f"/pieces/{piece_id}"
    routes = [
        ("GET", ici), ("GET", f"{ici}/fichier"), ("GET", f"{ici}/apercu"),
        ("GET", f"{ici}/versions"), ("GET", f"{ici}/utilisations"),
        ("GET", f"{ici}/consultations"), ("DELETE", ici),
    ]  # fmt: skip
    for methode, chemin in routes:
        refus = api.request(methode, chemin)
        assert (refus.status_code, refus.json()["code"]) == (404, "PIECE_INTROUVABLE"), chemin
    sans = {"Authorization": "Bearer " + "x" * 43}
    for methode, chemin in [*routes, ("POST", "/televersements")]:
        refus = api.request(methode, chemin, headers=sans)
        assert (refus.status_code, refus.json()["code"]) == (401, "SESSION_EXPIREE"), chemin
    racine = str(api.base_url).partition("/api/")[0]
    with httpx.Client(base_url=racine, cookies={"session": "x" * 43}) as web:
        renvoi = web.get(f"/stockage/{piece_id}/fichier")
        assert (renvoi.status_code, renvoi.headers["Location"].partition("?")[0]) == (
            303,
            "/connexion",
        )


@pytest.mark.exigence("STO-03")
def test_ce_qui_sort_ne_peut_rien_faire_dans_un_navigateur(api: httpx.Client, banc: Any) -> None:
    piece_id = banc.deposer(kit.un_pdf_actif(), nom="actif.pdf").piece_id
    for chemin, genre in (("fichier", "attachment; "), ("apercu", "inline; ")):
        sorti = api.get(f"/pieces/{piece_id}/{chemin}")
        assert sorti.status_code == 200
        assert sorti.headers["Content-Disposition"].startswith(genre)
        assert sorti.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox;")
        assert sorti.headers["X-Content-Type-Options"] == "nosniff"
        assert sorti.headers["Cache-Control"] == "no-store"
        assert sorti.headers["Referrer-Policy"] == "no-referrer"
    assert sorti.headers["Content-Type"] == "image/png"
    assert b"JavaScript" not in sorti.content
