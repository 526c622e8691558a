"""Debian's mod_auth_openidc in front of a page: logs in, refreshes, logs out both ways (IDN-19)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chassis import db
from deploy.places import free_ports
from espacecitoyen.identite.v1 import identite_service_pb2 as compte_pb
from services.identite.adapters.deconnexion import PostierHttp
from services.identite.adapters.signature import Trousseau, nouvelle_cle
from services.identite.use_cases.oidc import ReglesOidc, TravailOidc
from tests.kit.apache import un_apache
from tests.kit.identite import une_config
from tests.kit.oidc import inscrire, une_personne
from tests.kit.oidc_portail import consentir, un_portail

pytestmark = pytest.mark.integration


@pytest.fixture
def portail(database_url, clean_database):
    """The provider over HTTP."""
    del clean_database
    with un_portail(database_url("identite")) as service:
        yield service


@pytest.fixture
def apache(portail, tmp_path):
    """A page that mod_auth_openidc protects, registered as a client of the provider."""
    port = free_ports(1)
    base = f"http://127.0.0.1:{port}"
    partie = inscrire(
        portail.identite,
        redirections=[f"{base}/protege/retour"],
        redirections_fin=[f"{base}/"],
        deconnexion_url=f"{base}/protege/retour?logout=backchannel",
    )
    with un_apache(
        tmp_path, port, issuer=portail.base, client_id=partie.client_id, secret=partie.secret
    ) as adresse:
        yield adresse, partie


@contextlib.contextmanager
def entrer(portail, apache: str, secret: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Open the protected page in a browser: consent at the provider, come back."""
    with (
        httpx.Client(base_url=apache, follow_redirects=False, trust_env=False) as chez_lui,
        portail.navigateur(secret) as chez_nous,
    ):
        _entrer(chez_lui, chez_nous)
        yield chez_lui, chez_nous


def _entrer(chez_lui: httpx.Client, chez_nous: httpx.Client) -> None:
    depart = chez_lui.get("/protege/")
    assert depart.status_code == 302
    retour = consentir(chez_nous, depart.headers["Location"])
    entree = chez_lui.get(retour)
    assert entree.status_code == 302, entree.text
    page = chez_lui.get(entree.headers["Location"])
    assert "Réservé" in page.text


def infos(chez_lui: httpx.Client, **parametres: str) -> dict[str, Any]:
    """What mod_auth_openidc says of its session."""
    reponse = chez_lui.get("/protege/retour", params={"info": "json", **parametres})
    return dict(reponse.json()) if reponse.status_code == 200 else {}


@pytest.mark.exigence("IDN-19")
def test_mod_auth_openidc_logs_in_refreshes_and_logs_out(portail, apache):
    adresse, partie = apache
    _, secret = une_personne(portail.identite)
    with entrer(portail, adresse, secret) as (chez_lui, chez_nous):
        dit = infos(chez_lui)
        assert dit["userinfo"]["email"] == "zoe.tremblay@exemple.ca"
        assert dit["id_token"]["aud"] == partie.client_id

        # Its own refresh: the tokens turn, and the former refresh token has served.
        neuf = infos(chez_lui, access_token_refresh_interval="0")
        assert neuf["access_token"] != dit["access_token"]
        assert neuf["refresh_token"] != dit["refresh_token"]

        sortie = chez_lui.get("/protege/retour", params={"logout": f"{adresse}/"})
        assert sortie.headers["Location"].startswith(f"{portail.base}/oidc/deconnexion?")
        fin = chez_nous.get(sortie.headers["Location"])
        assert fin.headers["Location"].startswith(f"{adresse}/")
        assert chez_lui.get("/protege/").status_code == 302
    refus = portail.identite.refus(
        "VerifierSession", compte_pb.VerifierSessionRequest(jeton_session=secret)
    )
    assert refus.reason == "SESSION_EXPIREE"


def test_mod_auth_openidc_hears_that_the_session_ended(portail, apache):
    adresse, _ = apache
    _, secret = une_personne(portail.identite)
    with entrer(portail, adresse, secret) as (chez_lui, _):
        assert "Réservé" in chez_lui.get("/protege/").text
        portail.identite.appeler(
            "FermerSession", compte_pb.FermerSessionRequest(jeton_session=secret)
        )
        assert un_travail(portail).fins(portail.identite.horloge()) == 1
        (ligne,) = portail.identite.lignes("SELECT recue_le FROM oidc_deconnexion")
        assert ligne.recue_le is not None
        assert chez_lui.get("/protege/").status_code == 302


def un_travail(portail) -> TravailOidc:
    """The worker's part, on the same database and clock."""
    identite = portail.identite
    url = identite.engine.url.render_as_string(hide_password=False)
    regles = ReglesOidc.de(une_config(url, url_publique=portail.base))
    return TravailOidc(
        sessions=db.make_sessions(identite.engine),
        regles=regles,
        signataire=Trousseau(
            lecture=db.reader(identite.engine),
            cle=regles.cle,
            remplir=lambda: None,
            horloge=identite.horloge,
        ),
        fabrique=nouvelle_cle,
        postier=PostierHttp(),
    )
