"""``session``: milliseconds that the session check adds to a request."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bench import identite
from bench.ligne import Ligne
from chassis import discovery, grpc_server
from chassis.grpc_client import Remote
from chassis.identity import TokenMinter, TokenVerifier
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from espacecitoyen.identite.v1.identite_service_pb2_grpc import IdentiteServiceStub
from services.identite.api import compte


def mesurer(*, petit: bool, noms: frozenset[str]) -> Sequence[Ligne]:  # noqa: ARG001 - one row
    """Measure the row."""
    rondes, appels = (1, 50) if petit else (21, 300)
    cle = Ed25519PrivateKey.generate()
    prive = cle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = cle.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    jeton = TokenMinter(prive).mint(subject="", roles=["anonyme"])
    with identite.banc(personnes=1) as banc:
        session = banc.ouvrir(banc.courriels[0]).jeton
        serveur = grpc_server.start(
            name="identite",
            listen="127.0.0.1:0",
            register=lambda server: compte.register(server, banc.servicer),
            service=compte.SERVICE,
            access=compte.ACCESS,
            errors=compte.ERRORS,
            verifier=TokenVerifier(public),
            healthy=lambda: True,
            workers=8,
        )
        remote = Remote(
            "identite",
            stub=IdentiteServiceStub,
            addresses=discovery.StaticAddresses([serveur.address]),
        )
        demande = pb.VerifierSessionRequest(jeton_session=session)

        def une_ronde() -> float:
            durees = []
            for _ in range(appels):
                debut = time.perf_counter()
                remote.call(lambda s: s.VerifierSession, demande, token=jeton)
                durees.append(time.perf_counter() - debut)
            return statistics.median(durees) * 1000

        try:
            une_ronde()  # warm
            valeurs = [une_ronde() for _ in range(rondes)]
        finally:
            remote.close()
            serveur.stop(1.0)
    valeur = statistics.median(valeurs)
    return [
        Ligne(
            nom="session", valeur=valeur, unite="ms", reference=None, ratio=valeur, but=0.5,
            plancher=1.0, moins_est_mieux=True, rondes=tuple((v, None) for v in valeurs),
        )
    ]  # fmt: skip
