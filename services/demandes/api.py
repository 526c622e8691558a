"""The RPCs of demandes: one list."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence

import grpc
from sqlalchemy import Engine

from chassis.db import plain
from chassis.grpc_server import ErrorRow
from espacecitoyen.demandes.v1 import demandes_service_pb2 as pb
from espacecitoyen.demandes.v1 import demandes_service_pb2_grpc
from services.demandes import domain, persistence
from services.demandes.domain import TypePublie
from services.demandes.persistence import Position

SERVICE = "espacecitoyen.demandes.v1.DemandesService"

# The catalogue is public: what needs an account says so by its padlock.
ACCESS: Mapping[str, frozenset[str]] = {"ListTypesDemande": frozenset({"*"})}

_INVALIDE = ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "DONNEES_INVALIDES")

# CatalogueInvalide comes from the operator's command; it is here so that no exception lacks a row.
ERRORS: Mapping[type[Exception], ErrorRow] = {
    domain.RechercheInvalide: _INVALIDE,
    domain.TaillePageInvalide: _INVALIDE,
    domain.JetonPageInvalide: _INVALIDE,
    domain.CatalogueInvalide: ErrorRow(grpc.StatusCode.INVALID_ARGUMENT, "CATALOGUE_INVALIDE"),
}


class DemandesServicer(demandes_service_pb2_grpc.DemandesServiceServicer):
    """Answers what the home and the catalogue page ask."""

    def __init__(self, *, lecture: Engine) -> None:
        self._lecture = lecture

    def ListTypesDemande(  # noqa: N802  (the contract names it)
        self, request: pb.ListTypesDemandeRequest, context: grpc.ServicerContext
    ) -> pb.ListTypesDemandeResponse:
        """List the published types, theme then title, a page at a time."""
        del context
        mots = domain.mots_cherches(request.recherche)
        if not 0 <= request.page_size <= domain.PAGE_MAX:
            raise domain.TaillePageInvalide
        taille = request.page_size or domain.PAGE_PAR_DEFAUT
        apres = _lire_jeton(request.page_token, mots) if request.page_token else None
        with plain(self._lecture) as cursor:
            lignes = persistence.lire_types(cursor, mots=mots, apres=apres, limite=taille + 1)
        suite = _ecrire_jeton(lignes[taille - 1][1], mots) if len(lignes) > taille else ""
        return pb.ListTypesDemandeResponse(
            types=[_type(publie) for publie, _ in lignes[:taille]], next_page_token=suite
        )


def _type(publie: TypePublie) -> pb.TypeDemande:
    type_demande, theme = publie.type_demande, publie.theme
    return pb.TypeDemande(
        code=type_demande.code,
        theme=theme.code,
        theme_fr=theme.titre_fr,
        theme_en=theme.titre_en,
        titre_fr=type_demande.titre_fr,
        titre_en=type_demande.titre_en,
        description_fr=type_demande.description_fr,
        description_en=type_demande.description_en,
        compte_requis=type_demande.compte_requis,
    )


def _empreinte(mots: Sequence[str]) -> str:
    """Tie a page token to its keywords; it guards against mistakes, not against people."""
    return hashlib.sha256(" ".join(mots).encode()).hexdigest()[:8]


def _ecrire_jeton(position: Position, mots: Sequence[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([_empreinte(mots), *position]).encode()).decode()


def _lire_jeton(jeton: str, mots: Sequence[str]) -> Position:
    try:
        empreinte, rang, theme, tri, code = json.loads(base64.urlsafe_b64decode(jeton.encode()))
    except (binascii.Error, ValueError, TypeError):
        raise domain.JetonPageInvalide from None
    textes = (theme, tri, code)
    if (
        empreinte != _empreinte(mots)
        or type(rang) is not int
        or not all(isinstance(texte, str) for texte in textes)
        or any("\x00" in texte for texte in textes)
    ):
        raise domain.JetonPageInvalide
    return (rang, theme, tri, code)


def register(server: grpc.Server, servicer: DemandesServicer) -> None:
    """Add the servicer to a server."""
    demandes_service_pb2_grpc.add_DemandesServiceServicer_to_server(servicer, server)
