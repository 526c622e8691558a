"""Contact points in tests: a person with a session, what was sent to their numbers, staff."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from chassis import seal
from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import coordonnee_pb2 as points
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from tests.kit.identite import CLE, Identite
from tests.kit.identity import token

CELLULAIRE = "+14505550123"


def messages(identite: Identite, gabarit: str = "code") -> list[dict[str, str]]:
    """SMS and calls asked for, opened with avis' key, with their channel and language."""
    return [
        {
            **seal.unseal(base64.b64decode(e["scelle"]), key=CLE, context="MessageDemande"),
            "canal": e["canal"],
            "langue": e["langue"],
        }
        for e in identite.evenements("message_demande.v1")
        if e["gabarit"] == gabarit
    ]


@dataclass
class Personne:
    """Somebody with an account and one session."""

    identite: Identite
    compte_id: str
    session: str

    @property
    def jeton(self) -> str:
        """Their token."""
        return token(self.compte_id, "citoyen", session=self.session)

    def appeler(self, rpc: str, request: Any) -> Any:
        """Call an RPC as this person."""
        return self.identite.appeler(rpc, request, jeton=self.jeton)

    def refus(self, rpc: str, request: Any) -> RemoteError:
        """Call an RPC that must be refused."""
        return self.identite.refus(rpc, request, jeton=self.jeton)

    def profil(self) -> pb.MonProfil:
        """Their profile whole."""
        lu: pb.MonProfil = self.appeler("GetMonProfil", pb.GetMonProfilRequest()).mon_profil
        return lu

    def ajouter(self, numero: str, **champs: Any) -> points.Coordonnee:
        """Add a number, a cellular unless told otherwise."""
        demande = une_coordonnee(numero=numero, **champs)
        une: points.Coordonnee = self.appeler("AjouterCoordonnee", demande).coordonnee
        return une

    def code(self, coordonnee_id: str, canal: int = pb.CANAL_CODE_TEXTO, **champs: Any) -> str:
        """Ask for a code, and give its digits as the number receives them."""
        demande = une_demande_de_code(coordonnee_id=coordonnee_id, canal=canal, **champs)
        self.appeler("DemanderCode", demande)
        return messages(self.identite)[-1]["code"]

    def valider(self, coordonnee_id: str, code: str) -> points.Coordonnee:
        """Type a code."""
        demande = une_validation(coordonnee_id=coordonnee_id, code=code)
        une: points.Coordonnee = self.appeler("ValiderCoordonnee", demande).coordonnee
        return une

    def prouver(self, numero: str = CELLULAIRE, canal: int = pb.CANAL_CODE_TEXTO) -> str:
        """Add a number and prove it; gives its id."""
        une = self.ajouter(numero)
        self.valider(une.coordonnee_id, self.code(une.coordonnee_id, canal))
        return une.coordonnee_id


def une_personne(
    identite: Identite, courriel: str = "zoe.tremblay@exemple.ca", **champs: Any
) -> Personne:
    """An active account without any phone number, and one session of it."""
    valeurs: dict[str, Any] = {"nom_utilisateur": "", "telephone": "", "canaux": ("courriel",)}
    compte_id = identite.un_compte(courriel=courriel, **(valeurs | champs))
    return Personne(identite, compte_id, f"session-{uuid4()}")


def une_coordonnee(**champs: Any) -> pb.AjouterCoordonneeRequest:
    """A number to add."""
    valeurs: dict[str, Any] = {
        "request_id": str(uuid4()),
        "numero": CELLULAIRE,
        "genre": points.GENRE_COORDONNEE_CELLULAIRE,
    }
    return pb.AjouterCoordonneeRequest(**(valeurs | champs))


def une_demande_de_code(**champs: Any) -> pb.DemanderCodeRequest:
    """A code by SMS."""
    valeurs: dict[str, Any] = {
        "request_id": str(uuid4()),
        "canal": pb.CANAL_CODE_TEXTO,
        "adresse_ip": "203.0.113.7",
    }
    return pb.DemanderCodeRequest(**(valeurs | champs))


def une_validation(**champs: Any) -> pb.ValiderCoordonneeRequest:
    """A code that is typed."""
    return pb.ValiderCoordonneeRequest(**({"request_id": str(uuid4())} | champs))


def une_modification(profil: pb.MonProfil, **champs: Any) -> pb.ModifierProfilRequest:
    """The profile as it is, changed by ``champs``."""
    valeurs: dict[str, Any] = {
        "request_id": str(uuid4()),
        "version": profil.version,
        "adresse": profil.profil.adresse,
        "langue": profil.profil.langue,
        "categories": list(profil.categories),
        "canaux": list(profil.canaux),
        "moyen_prefere": profil.profil.moyen_prefere,
    }
    return pb.ModifierProfilRequest(**(valeurs | champs))
