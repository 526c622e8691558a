"""Builders of identite: sample people, a running service, what it published."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, text

from chassis import db, discovery, seal
from chassis.grpc_client import Remote, RemoteError
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from espacecitoyen.identite.v1.acces_service_pb2_grpc import AccesServiceStub
from espacecitoyen.identite.v1.coordonnees_service_pb2_grpc import CoordonneesServiceStub
from espacecitoyen.identite.v1.facteurs_service_pb2_grpc import FacteursServiceStub
from espacecitoyen.identite.v1.identite_service_pb2_grpc import IdentiteServiceStub
from espacecitoyen.identite.v1.mandats_service_pb2_grpc import MandatsServiceStub
from espacecitoyen.identite.v1.oidc_service_pb2_grpc import OidcServiceStub
from services.identite import api, serve
from services.identite.api import compte
from services.identite.config import Config
from services.identite.domain import Saisie
from services.identite.domain.defi import UsageDefi, est_prouve
from services.identite.use_cases.defi import nouveau_defi
from tests.kit import grpc as kit_grpc
from tests.kit.clock import FixedClock
from tests.kit.identity import token

CLE = bytes(range(32))
CLE_TEXTE = base64.b64encode(CLE).decode()
MOT_DE_PASSE = "girafe-lente-et-boussole"
AUTRE_MOT_DE_PASSE = "brouette mauve sous pluie"


class Stubs:
    """The stubs of every face of identite as one: RPC names are unique over the process."""

    def __init__(self, channel: Any) -> None:
        for stub in (
            IdentiteServiceStub,
            AccesServiceStub,
            FacteursServiceStub,
            MandatsServiceStub,
            OidcServiceStub,
            CoordonneesServiceStub,
        ):
            vars(self).update(vars(stub(channel)))


def une_saisie(**champs: Any) -> Saisie:
    """An acceptable sign-up, changed by ``champs``."""
    saisie = Saisie(
        courriel="zoe.tremblay@exemple.ca",
        mot_de_passe=MOT_DE_PASSE,
        prenom="Zoé",
        nom="Tremblay",
        nom_utilisateur="zoe.t",
        date_naissance="1988-05-17",
        adresse_ligne="6, rue de l’Église",
        adresse_ville="Sainte-Thérèse",
        adresse_code_postal="j7e 3l1",
        telephone="450 434-4440",
        langue="fr",
        categories=("info_travaux", "vie_democratique"),
        canaux=("courriel", "texto"),
    )
    return replace(saisie, **champs)


def une_demande_de_compte(**champs: Any) -> pb.CreerCompteRequest:
    """The request of an acceptable sign-up, changed by ``champs`` of the contract."""
    saisie = une_saisie()
    valeurs: dict[str, Any] = {
        "request_id": str(uuid4()),
        "courriel": saisie.courriel,
        "mot_de_passe": saisie.mot_de_passe,
        "prenom": saisie.prenom,
        "nom": saisie.nom,
        "nom_utilisateur": saisie.nom_utilisateur,
        "date_naissance": saisie.date_naissance,
        "adresse": pb.Adresse(
            ligne=saisie.adresse_ligne,
            ville=saisie.adresse_ville,
            code_postal=saisie.adresse_code_postal,
        ),
        "telephone": saisie.telephone,
        "langue": saisie.langue,
        "categories": saisie.categories,
        "canaux": saisie.canaux,
    }
    return pb.CreerCompteRequest(**(valeurs | champs))


def une_config(
    database_url: str = "postgresql://personne@127.0.0.1:1/rien", **autres: Any
) -> Config:
    """Settings of the tests: production's, but for the database and the key."""
    # A proof of work that a test finds at once.
    autres.setdefault("defi_bits", 4)
    return Config(database_url=database_url, cle_scelle=CLE_TEXTE, **autres)


def prouver(jeton: str, bits: int) -> str:
    """The proof of work of a challenge, as a browser finds it."""
    return next(str(essai) for essai in itertools.count() if est_prouve(jeton, str(essai), bits))


@dataclass
class HacheurCompte:
    """Counts the calls of a hasher, and passes them on."""

    vrai: Any
    hachages: int = 0
    verifications: int = 0

    def hacher(self, mot_de_passe: str) -> str:
        self.hachages += 1
        return str(self.vrai.hacher(mot_de_passe))

    def verifier(self, empreinte: str | None, mot_de_passe: str) -> bool:
        self.verifications += 1
        return bool(self.vrai.verifier(empreinte, mot_de_passe))

    def perimee(self, empreinte: str) -> bool:
        return bool(self.vrai.perimee(empreinte))


@dataclass
class Identite:
    """A running identite: the calls of the gateway, and a look into its database."""

    remote: Remote[Any]
    engine: Engine
    servicer: compte.IdentiteServicer
    horloge: FixedClock
    hacheur: HacheurCompte
    # Where it answers gRPC.
    adresse: str = ""
    _anonyme: str = field(default_factory=lambda: token("", "anonyme"))

    def appeler(self, rpc: str, request: Any, *, jeton: str = "", prouve: bool = True) -> Any:
        """Call an RPC, by default with the token of nobody.

        Challenges of sign-up and log-in are answered as a browser does, unless not `prouve`.
        """
        if prouve and rpc == "CreerCompte" and not request.defi:
            self.repondre(request, UsageDefi.INSCRIPTION)
        try:
            return self._appeler(rpc, request, jeton)
        except RemoteError as error:
            if not prouve or error.reason != "DEFI_REQUIS" or rpc != "OuvrirSession":
                raise
        self.repondre(request, UsageDefi.CONNEXION)
        return self._appeler(rpc, request, jeton)

    def repondre(self, request: Any, usage: UsageDefi) -> None:
        """Put a fresh challenge and its proof of work into a request."""
        request.defi, defi = nouveau_defi(
            regles=self.servicer._regles, usage=usage, maintenant=self.horloge()
        )
        request.preuve = prouver(request.defi, defi.bits)

    def _appeler(self, rpc: str, request: Any, jeton: str) -> Any:
        return self.remote.call(
            lambda stub: getattr(stub, rpc), request, token=jeton or self._anonyme, deadline=10.0
        )

    def refus(self, rpc: str, request: Any, *, jeton: str = "", prouve: bool = True) -> RemoteError:
        """Call an RPC that must be refused, and give the refusal."""
        try:
            self.appeler(rpc, request, jeton=jeton, prouve=prouve)
        except RemoteError as error:
            return error
        raise AssertionError(f"{rpc} was accepted")

    def lignes(self, question: str, **valeurs: Any) -> list[Any]:
        """Rows of a question to the database."""
        with db.reader(self.engine).connect() as connection:
            return list(connection.execute(text(question), valeurs))

    def ecrire(self, ordre: str, **valeurs: Any) -> None:
        """Change the database behind the service's back."""
        with self.engine.begin() as connection:
            connection.execute(text(ordre), valeurs)

    def evenements(self, cle: str) -> list[dict[str, Any]]:
        """Bodies of the events with this routing key, in order."""
        rows = self.lignes("SELECT body FROM outbox WHERE routing_key = :cle ORDER BY id", cle=cle)
        return [json.loads(bytes(row.body)) for row in rows]

    def courriels(self, gabarit: str) -> list[dict[str, str]]:
        """What the mails of a template say, opened with avis' key: adresse, prenom, jeton."""
        return [
            seal.unseal(base64.b64decode(e["scelle"]), key=CLE, context="CourrielDemande")
            for e in self.evenements("courriel_demande.v1")
            if e["gabarit"] == gabarit
        ]

    def inscrire(self, **champs: Any) -> str:
        """Sign up; gives the secret of the activation link."""
        self.appeler("CreerCompte", une_demande_de_compte(**champs))
        return self.courriels("activation")[-1]["jeton"]

    def activer(self, jeton: str) -> str:
        """Use an activation link; gives the account's id."""
        demande = pb.ActiverCompteRequest(request_id=str(uuid4()), jeton=jeton)
        return str(self.appeler("ActiverCompte", demande).compte_id)

    def un_compte(self, **champs: Any) -> str:
        """An active account; gives its id."""
        return self.activer(self.inscrire(**champs))

    def ouvrir(self, **champs: Any) -> pb.OuvrirSessionResponse:
        """Log in as the sample person."""
        reponse: pb.OuvrirSessionResponse = self.appeler("OuvrirSession", une_connexion(**champs))
        return reponse

    def verifier(self, jeton: str) -> pb.VerifierSessionResponse:
        """Check a session."""
        reponse: pb.VerifierSessionResponse = self.appeler(
            "VerifierSession", pb.VerifierSessionRequest(jeton_session=jeton)
        )
        return reponse


def une_connexion(**champs: Any) -> pb.OuvrirSessionRequest:
    """The sample person's log-in, changed by ``champs``."""
    valeurs = {
        "identifiant": "zoe.tremblay@exemple.ca",
        "mot_de_passe": MOT_DE_PASSE,
        "adresse_ip": "203.0.113.7",
        "appareil": "Mozilla/5.0",
    }
    return pb.OuvrirSessionRequest(**(valeurs | champs))


@contextlib.contextmanager
def une_identite(database_url: str, **reglages: Any) -> Iterator[Identite]:
    """A whole identite on a real database, behind a real gRPC server."""
    engine = db.make_engine(database_url, name="essai-identite")
    horloge = FixedClock()
    config = une_config(database_url, **reglages)
    servicer = serve.servicer(config, engine)
    hacheur = HacheurCompte(servicer._hacheur)
    servicer._hacheur = hacheur
    servicer._horloge = horloge
    with kit_grpc.running(
        name="identite",
        register=lambda server: serve.register(
            server, servicer, config=config, engine=engine, horloge=horloge
        ),
        service=api.SERVICE,
        others=api.OTHERS,
        access=api.ACCESS,
        errors=api.ERRORS,
    ) as adresse:
        remote = Remote(
            "identite",
            stub=Stubs,
            addresses=discovery.StaticAddresses([adresse]),
        )
        try:
            yield Identite(
                remote=remote,
                engine=engine,
                servicer=servicer,
                horloge=horloge,
                hacheur=hacheur,
                adresse=adresse,
            )
        finally:
            remote.close()
            engine.dispose()
