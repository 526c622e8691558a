"""Clients that prove themselves by a key or by a certificate; keys that turn; log-outs told."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from chassis import db
from espacecitoyen.identite.v1 import identite_service_pb2 as compte_pb
from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from services.identite.adapters import signature
from services.identite.adapters.deconnexion import PostierHttp
from services.identite.adapters.signature import Trousseau, nouvelle_cle
from services.identite.use_cases.oidc import ReglesOidc, TravailOidc
from tests.kit.identite import une_config
from tests.kit.identity import token
from tests.kit.oidc import Partie, inscrire, lire_jeton, une_personne

pytestmark = pytest.mark.integration

EMETTEUR = "http://127.0.0.1:8080"


def un_certificat(nom: str) -> bytes:
    """A self-signed certificate, as DER."""
    cle = ec.generate_private_key(ec.SECP256R1())
    sujet = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, nom),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Loisirs"),
        ]
    )
    debut = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(sujet)
        .issuer_name(sujet)
        .public_key(cle.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(debut)
        .not_valid_after(debut + timedelta(days=800))
        .sign(cle, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def une_assertion(cle: ECKey, partie: Partie, maintenant: datetime, **champs: object) -> str:
    """What a client signs to prove itself, changed by ``champs``."""
    secondes = int(maintenant.timestamp())
    dit = {
        "iss": partie.client_id,
        "sub": partie.client_id,
        "aud": f"{EMETTEUR}/oidc/jeton",
        "jti": str(uuid4()),
        "iat": secondes,
        "exp": secondes + 60,
    }
    entete = {"alg": "ES256", "kid": cle.kid}
    return jwt.encode(entete, dit | champs, cle, algorithms=["ES256"])


@pytest.mark.exigence("IDN-19")
def test_a_signed_assertion_proves_a_client_once(identite):
    cle = ECKey.generate_key("P-256", {"kid": "un"})
    jwks = json.dumps({"keys": [cle.as_dict(private=False)]})
    partie = inscrire(identite, methode="private_key_jwt", jwks=jwks)
    assert partie.secret == ""
    jeton, _ = une_personne(identite)
    code, verificateur = partie.code(jeton)
    maintenant = identite.horloge()
    autre = ECKey.generate_key("P-256", {"kid": "un"})
    for fausse in (
        "",
        "a.b.c",
        une_assertion(autre, partie, maintenant),
        une_assertion(cle, partie, maintenant, aud="https://ailleurs.exemple.ca"),
        une_assertion(cle, partie, maintenant, sub="autre"),
        une_assertion(cle, partie, maintenant - timedelta(minutes=5)),
        une_assertion(cle, partie, maintenant, exp=int(maintenant.timestamp()) + 86400),
        une_assertion(cle, partie, maintenant, jti=""),
        jwt.encode({"alg": "HS256"}, {"iss": partie.client_id}, _secret(), algorithms=["HS256"]),
    ):
        demande = partie.demande(code, verificateur, assertion=fausse)
        assert identite.refus("ObtenirJetonsOidc", demande).reason == "CLIENT_NON_AUTHENTIFIE"
    bonne = une_assertion(cle, partie, maintenant)
    jetons = identite.appeler(
        "ObtenirJetonsOidc", partie.demande(code, verificateur, assertion=bonne)
    )
    demande = partie.renouvellement(jetons.jeton_renouvellement)
    demande.preuve.assertion = bonne
    assert identite.refus("ObtenirJetonsOidc", demande).reason == "CLIENT_NON_AUTHENTIFIE"
    demande.preuve.assertion = une_assertion(cle, partie, maintenant, aud=EMETTEUR)
    assert identite.appeler("ObtenirJetonsOidc", demande).jeton_acces


def _secret():
    return OctKey.import_key(b"x" * 32)


@pytest.mark.parametrize("methode", ["tls_client_auth", "self_signed_tls_client_auth"])
def test_a_certificate_proves_a_client_and_binds_its_tokens(identite, methode):
    sien, autre = un_certificat("loisirs"), un_certificat("voleur")
    empreinte = base64.urlsafe_b64encode(hashlib.sha256(sien).digest()).rstrip(b"=").decode()
    public = ECKey.generate_key("P-256").as_dict(private=False)
    champs = (
        {"tls_sujet": x509.load_der_x509_certificate(sien).subject.rfc4514_string()}
        if methode == "tls_client_auth"
        else {"jwks": json.dumps({"keys": [{**public, "x5t#S256": empreinte}]})}
    )
    partie = inscrire(identite, methode=methode, **champs)
    jeton, _ = une_personne(identite)
    code, verificateur = partie.code(jeton)
    for faux in (b"", autre, b"pas un certificat"):
        demande = partie.demande(code, verificateur, certificat=faux)
        assert identite.refus("ObtenirJetonsOidc", demande).reason == "CLIENT_NON_AUTHENTIFIE"
    jetons = identite.appeler(
        "ObtenirJetonsOidc", partie.demande(code, verificateur, certificat=sien)
    )
    ressource = inscrire(identite, ressource=True)
    assert ressource.etat(jetons.jeton_acces)["cnf"] == {"x5t#S256": empreinte}
    assert partie.refus_infos(jetons.jeton_acces).reason == "JETON_ACCES_INVALIDE"
    infos = pb.GetInfosOidcRequest(jeton_acces=jetons.jeton_acces, certificat=sien)
    assert json.loads(identite.appeler("GetInfosOidc", infos).revendications)["sub"]


def test_a_public_client_needs_no_secret_and_may_not_introspect(identite):
    partie = inscrire(identite, methode="none", redirections=["http://127.0.0.1:8123/retour"])
    assert partie.secret == ""
    refus = identite.refus(
        "VerifierJetonOidc",
        pb.VerifierJetonOidcRequest(preuve=partie.preuve(methode="client_secret_basic"), jeton="x"),
    )
    assert refus.reason == "CLIENT_NON_AUTHENTIFIE"


def un_travail(identite):
    """The worker's part, on the same database and clock."""
    url = identite.engine.url.render_as_string(hide_password=False)
    regles = ReglesOidc.de(une_config(url))
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


def test_keys_are_published_before_they_sign_and_after(identite, monkeypatch):
    # identite reads its keys again at once instead of half a minute later.
    monkeypatch.setattr(signature, "_FRAICHEUR_S", -1.0)
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    premier = partie.connecter(jeton, portees=["openid", "offline_access"])
    kid = lire_jeton(identite, premier.jeton_identite)[0]["kid"]
    travail = un_travail(identite)
    assert travail.entretien(identite.horloge())["oidc_cle"] == 0

    identite.horloge.advance(days=89, seconds=1)
    assert travail.entretien(identite.horloge())["oidc_cle"] == 2
    kids = {cle["kid"] for cle in _publiees(identite)}
    assert len(kids) == 4
    assert kid in kids
    assert all("d" not in cle for cle in _publiees(identite))

    identite.horloge.advance(days=1)
    jeton, _ = _revenir(identite)
    neuf = partie.connecter(jeton, portees=["openid"])
    suivant = lire_jeton(identite, neuf.jeton_identite)[0]["kid"]
    assert suivant != kid
    assert suivant in kids

    # The former one still verifies what it signed, then goes.
    lire_jeton(identite, premier.jeton_identite)
    identite.horloge.advance(days=1, seconds=1)
    assert travail.entretien(identite.horloge())["oidc_cle"] == 2
    assert kid not in {cle["kid"] for cle in _publiees(identite)}


def _publiees(identite) -> list[dict[str, str]]:
    return list(json.loads(identite.appeler("GetClesOidc", pb.GetClesOidcRequest()).jwks)["keys"])


def _revenir(identite) -> tuple[str, str]:
    ouverte = identite.ouvrir()
    lue = identite.verifier(ouverte.jeton_session)
    return token(lue.compte_id, "citoyen", session=lue.session_id), ouverte.jeton_session


class _Client(BaseHTTPRequestHandler):
    """A client's back-channel: refuses once, then receives."""

    recus: list[str]
    reponses: list[int]

    def do_POST(self) -> None:
        corps = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.recus.append(parse_qs(corps)["logout_token"][0])
        self.send_response(self.reponses.pop(0))
        self.send_header("Location", "http://127.0.0.1:1/ailleurs")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def canal():
    """A client's back-channel that answers 500, then a redirect, then 200."""
    classe = type("Canal", (_Client,), {"recus": [], "reponses": [500, 302, 200]})
    serveur = HTTPServer(("127.0.0.1", 0), classe)
    fil = threading.Thread(target=serveur.serve_forever, daemon=True)
    fil.start()
    yield f"http://127.0.0.1:{serveur.server_port}/fin", classe
    serveur.shutdown()
    fil.join(5)
    serveur.server_close()


@pytest.mark.exigence("IDN-19")
def test_a_client_is_told_that_the_session_ended_until_it_hears(identite, canal):
    url, classe = canal
    partie = inscrire(identite, deconnexion_url=url)
    inutilise = inscrire(identite, deconnexion_url=url)
    jeton, secret = une_personne(identite)
    jetons = partie.connecter(jeton)
    partie.connecter(jeton)
    inutilise.code(jeton)  # asked for, never exchanged: that client knows nothing of the session
    _, dit = lire_jeton(identite, jetons.jeton_identite)
    travail = un_travail(identite)
    assert travail.fins(identite.horloge()) == 0

    identite.appeler("FermerSession", compte_pb.FermerSessionRequest(jeton_session=secret))
    assert travail.fins(identite.horloge()) == 1
    assert travail.fins(identite.horloge()) == 0
    for attente in (5, 30):
        identite.horloge.advance(seconds=attente)
        assert travail.fins(identite.horloge()) == 1
    identite.horloge.advance(hours=2)
    assert travail.fins(identite.horloge()) == 0

    assert len(classe.recus) == 3
    entete, lu = lire_jeton(identite, classe.recus[-1])
    assert entete["typ"] == "logout+jwt"
    assert (lu["sub"], lu["sid"], lu["aud"]) == (dit["sub"], dit["sid"], partie.client_id)
    assert lu["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in lu
    (ligne,) = identite.lignes("SELECT essais, recue_le, prochain_le FROM oidc_deconnexion")
    assert (ligne.essais, ligne.recue_le is not None, ligne.prochain_le) == (3, True, None)


def test_a_session_that_reaches_its_end_is_told_too(identite, canal):
    url, classe = canal
    classe.reponses[:] = [200]
    partie = inscrire(identite, deconnexion_url=url)
    jeton, _ = une_personne(identite)
    jetons = partie.connecter(jeton)
    identite.horloge.advance(hours=12)
    assert un_travail(identite).fins(identite.horloge()) == 1
    assert len(classe.recus) == 1
    refus = identite.refus("ObtenirJetonsOidc", partie.renouvellement(jetons.jeton_renouvellement))
    assert refus.reason == "AUTORISATION_INVALIDE"


def test_a_client_that_never_answers_is_given_up(identite):
    partie = inscrire(identite, deconnexion_url="http://127.0.0.1:1/fin")
    jeton, secret = une_personne(identite)
    partie.connecter(jeton)
    identite.appeler("FermerSession", compte_pb.FermerSessionRequest(jeton_session=secret))
    travail = un_travail(identite)
    essais = 0
    for _ in range(10):
        essais += travail.fins(identite.horloge())
        identite.horloge.advance(hours=2)
    assert essais == 6
    (ligne,) = identite.lignes("SELECT essais, recue_le, prochain_le FROM oidc_deconnexion")
    assert (ligne.essais, ligne.recue_le, ligne.prochain_le) == (6, None, None)


def test_upkeep_deletes_what_ended_and_keeps_what_lives(identite):
    partie = inscrire(identite)
    jeton, _ = une_personne(identite)
    partie.connecter(jeton)
    travail = un_travail(identite)
    assert sum(travail.entretien(identite.horloge()).values()) == 0
    identite.horloge.advance(days=2)
    assert travail.entretien(identite.horloge())["oidc_jeton"] == 1
    identite.horloge.advance(days=60)
    fini = travail.entretien(identite.horloge())
    assert fini["oidc_jeton"] == 1
    assert fini["oidc_autorisation"] == 1
