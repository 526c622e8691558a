"""``jeton``: refresh tokens turned at the token endpoint, against a bare signature and one read."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import grpc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, Response
from google.protobuf.empty_pb2 import Empty
from sqlalchemy import Engine, text

from bench import ligne, rien, terrain
from bench.ligne import Ligne
from chassis import db, grpc_server, migrations
from chassis.db import plain
from chassis.discovery import StaticAddresses
from chassis.grpc_client import Remote
from chassis.identity import TokenVerifier
from deploy import demo_keys
from deploy.components.postgresql import PostgreSQL
from deploy.places import LOOPBACK
from passerelle import clients
from passerelle.app import create_app
from passerelle.config import Config as ConfigPasserelle
from passerelle.security import without_cookies
from services.identite import api, serve
from services.identite.config import Config
from services.identite.domain.oidc_client import ClientOidc
from services.identite.use_cases import Regles
from services.identite.use_cases.courriels import empreinte
from services.identite.use_cases.oidc import enregistrer_client

_RETOUR: Final = "https://banc.exemple.ca/retour"
_LIRE: Final = "SELECT expire_le FROM oidc_jeton WHERE empreinte = %s"
_MESSAGE: Final = b"x" * 400  # about what an ID token's header and claims weigh


@dataclass
class _Banc:
    """Both sides behind one gateway: `/oidc/jeton` and `/oidc/nu`."""

    app: Flask
    entete: str
    jeton: str

    def tourner(self) -> None:
        """Turn the refresh token once."""
        reponse = self.app.test_client().post(
            "/oidc/jeton",
            data={"grant_type": "refresh_token", "refresh_token": self.jeton},
            headers={"Authorization": self.entete},
        )
        assert reponse.status_code == 200, reponse.text
        self.jeton = json.loads(reponse.text)["refresh_token"]

    def nu(self) -> None:
        """Sign and read once."""
        reponse = self.app.test_client().post(
            "/oidc/nu",
            data={"grant_type": "refresh_token", "refresh_token": self.jeton},
            headers={"Authorization": self.entete},
        )
        assert reponse.status_code == 200, reponse.text


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:  # noqa: ARG001 - one row
    """Measure the row."""
    rondes, fois = (1, 30) if petit else (7, 400)
    with tempfile.TemporaryDirectory() as folder, _banc(Path(folder)) as banc:
        for _ in range(20):
            banc.tourner()
            banc.nu()
        pairs, ours, baseline, ratio = ligne.compare(
            lambda: _rate(banc.tourner, fois), lambda: _rate(banc.nu, fois), rounds=rondes
        )
    return [
        Ligne(
            nom="jeton", valeur=ours, unite="jetons/s", reference=baseline, ratio=ratio,
            but=0.6, plancher=0.5, rondes=pairs,
        )
    ]  # fmt: skip


def _rate(acte: Callable[[], None], fois: int) -> float:
    """Acts per second of processor time of this process, both hops and both sides included."""
    began = time.process_time()
    for _ in range(fois):
        acte()
    return fois / (time.process_time() - began)


@contextmanager
def _banc(folder: Path) -> Iterator[_Banc]:
    """A database, identite behind its gRPC server, the gateway's application, one log-in."""
    postgresql = PostgreSQL(
        folder / "postgresql", terrain.ports(1), owners=("identite",),
        log=folder / "postgresql.log",
    )  # fmt: skip
    postgresql.start()
    try:
        postgresql.wait_ready()
        url = postgresql.url("identite")
        migrations.upgrade("services.identite", url)
        keys = demo_keys.prepare(folder / "cles")
        config = Config(
            database_url=url,
            cle_scelle=base64.b64encode(os.urandom(32)).decode(),
        )
        engine = db.make_engine(url, name="bench")
        jeton = _connecter(engine, config)
        with _serveur(config, engine, keys.token_public.read_bytes()) as adresse:
            yield _composer(adresse, keys.token_private.read_text(), jeton)
        engine.dispose()
    finally:
        postgresql.stop()


def _connecter(engine: Engine, config: Config) -> tuple[str, str, str]:
    """One client and one log-in; gives client, secret and refresh token."""
    sessions, maintenant = db.make_sessions(engine), datetime.now(UTC)
    client_id, secret = enregistrer_client(
        sessions=sessions,
        regles=Regles.de(config),
        request_id=str(uuid4()),
        par="commande",
        client=ClientOidc(
            client_id="",
            nom_fr="Banc",
            nom_en="Bench",
            redirections=(_RETOUR,),
            methode="client_secret_basic",
            portees=("openid", "email"),
        ),
        maintenant=maintenant,
    )
    valeurs = {
        "c": uuid4(), "s": uuid4(), "a": uuid4(), "m": maintenant, "client": client_id,
        "fin": maintenant + timedelta(hours=12), "e": os.urandom(32), "n": os.urandom(32),
        "j": empreinte("banc"),
    }  # fmt: skip
    with sessions.begin() as session:
        for ordre in _LIGNES:
            session.execute(text(ordre), valeurs)
    return client_id, secret, "banc"


_LIGNES: Final = (
    (
        "INSERT INTO compte (id, courriel, courriel_plie, prenom, nom, adresse_ligne,"
        " adresse_ville, adresse_code_postal, telephone, langue, categories, canaux,"
        " mot_de_passe, statut, roles, cree_le, mot_de_passe_change_le) VALUES (:c,"
        " 'a@exemple.ca', 'a@exemple.ca', 'A', 'B',"
        " '', '', '', '', 'fr', '{}', '{}', '', 'ACTIF', '{citoyen}', :m, :m)"
    ),
    (
        "INSERT INTO session_ouverte (empreinte, id, compte_id, roles, appareil, ouverte_le,"
        " vue_le, inactivite_s, fin_le) VALUES (:e, :s, :c, '{citoyen}', '', :m, :m, 1800, :fin)"
    ),
    (
        "INSERT INTO oidc_autorisation (id, client_id, compte_id, session_id, sujet, sid, portees,"
        " redirection, nonce, acr, defi, hors_ligne, connecte_le, ouverte_le, code_empreinte,"
        " code_expire_le) VALUES (:a, :client, :c, :s, 'sujet', 'sid', '{openid,email}', '', '',"
        " '', '', false, :m, :m, :n, :m)"
    ),
    (
        "INSERT INTO oidc_jeton (empreinte, autorisation_id, genre, portees, certificat, cree_le,"
        " expire_le) VALUES (:j, :a, 'renouvellement', '{openid,email}', '', :m, :fin)"
    ),
)


@contextmanager
def _serveur(config: Config, engine: Engine, publique: bytes) -> Iterator[str]:
    """Identite's gRPC server, with one RPC more: the bare signature and the read."""
    rien.describe()
    principal = serve.servicer(config, engine)

    def register(server: grpc.Server) -> None:
        serve.register(server, principal, config=config, engine=engine)
        handler: Any = grpc.unary_unary_rpc_method_handler(
            _nu(engine),
            request_deserializer=Empty.FromString,
            response_serializer=Empty.SerializeToString,
        )
        generic = grpc.method_handlers_generic_handler(rien.SERVICE, {"Rien": handler})
        server.add_generic_rpc_handlers((generic,))
        server.add_registered_method_handlers(rien.SERVICE, {"Rien": handler})

    server = grpc_server.start(
        name="identite",
        listen=f"{LOOPBACK}:0",
        register=register,
        service=api.SERVICE,
        others=(*api.OTHERS, rien.SERVICE),
        access={**api.ACCESS, "Rien": frozenset({"*"})},
        errors=api.ERRORS,
        verifier=TokenVerifier(publique),
        healthy=lambda: True,
    )
    try:
        yield server.address
    finally:
        server.stop(1.0)


def _nu(engine: Engine) -> Callable[[Empty, grpc.ServicerContext], Empty]:
    cle, lecture = ec.generate_private_key(ec.SECP256R1()), db.reader(engine)
    digest = empreinte("banc")

    def nu(_request: Empty, _context: grpc.ServicerContext) -> Empty:
        cle.sign(_MESSAGE, ec.ECDSA(hashes.SHA256()))
        with plain(lecture) as cursor:
            cursor.execute(_LIRE, (digest,)).fetchone()
        return Empty()

    return nu


def _composer(adresse: str, privee: str, connexion: tuple[str, str, str]) -> _Banc:
    adresses = dict.fromkeys(("cartes", "demandes", "avis", "stockage"), f"{LOOPBACK}:9")
    app = create_app(
        ConfigPasserelle(
            token_private_key=privee,
            secret="s" * 40,
            url_publique="http://localhost",
            adresses={**adresses, "identite": adresse},
        )
    )
    remote = Remote("rien", stub=rien.RienStub, addresses=StaticAddresses([adresse]))

    @without_cookies
    def nu() -> Response:
        services = clients.current()
        remote.call(lambda s: s.Rien, Empty(), token=services.anonymous_token())
        return Response(json.dumps({}), mimetype="application/json")

    app.add_url_rule("/oidc/nu", "nu", nu, methods=["POST"])
    client_id, secret, jeton = connexion
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return _Banc(app, f"Basic {basic}", jeton)
