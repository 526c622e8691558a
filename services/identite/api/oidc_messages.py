"""Messages of OpenID Connect to the words of the domain, and back."""

from espacecitoyen.identite.v1 import oidc_service_pb2 as pb
from services.identite.domain.oidc_client import ClientOidc, Preuve


def preuve_lue(preuve: pb.PreuveClient) -> Preuve:
    """Read what a client sent to prove who it is."""
    return Preuve(
        client_id=preuve.client_id,
        methode=preuve.methode,
        secret=preuve.secret,
        assertion=preuve.assertion,
        certificat=preuve.certificat,
    )


def client_saisi(client: pb.ClientOidc) -> ClientOidc:
    """Read what staff typed about a client."""
    return ClientOidc(
        client_id="",
        nom_fr=client.nom_fr.strip(),
        nom_en=client.nom_en.strip(),
        redirections=tuple(client.redirections),
        redirections_fin=tuple(client.redirections_fin),
        deconnexion_url=client.deconnexion_url,
        methode=client.methode,
        portees=tuple(client.portees),
        algorithme=client.algorithme,
        premiere_main=client.premiere_main,
        ressource=client.ressource,
        jwks=client.jwks,
        tls_sujet=client.tls_sujet.strip(),
    )


def client_dit(client: ClientOidc) -> pb.ClientOidc:
    """Say a client, without its secret."""
    return pb.ClientOidc(
        client_id=client.client_id,
        nom_fr=client.nom_fr,
        nom_en=client.nom_en,
        redirections=client.redirections,
        redirections_fin=client.redirections_fin,
        deconnexion_url=client.deconnexion_url,
        methode=client.methode,
        portees=client.portees,
        algorithme=client.algorithme,
        premiere_main=client.premiere_main,
        ressource=client.ressource,
        jwks=client.jwks,
        tls_sujet=client.tls_sujet,
        desactive=client.desactive,
        cree_le=client.cree_le.isoformat() if client.cree_le else "",
    )
