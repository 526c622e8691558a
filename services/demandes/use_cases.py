"""What demandes does: keep the city's catalogue, tell what enters it."""

from dataclasses import dataclass
from datetime import datetime

from chassis import outbox
from chassis.db import Sessions
from espacecitoyen.demandes.v1.evenements_pb2 import TypeDemandePublie
from services.demandes import domain, persistence
from services.demandes.domain import Catalogue


@dataclass(frozen=True, kw_only=True)
class Chargement:
    """What a load changed: codes newly published and codes withdrawn."""

    publies: tuple[str, ...]
    retires: tuple[str, ...]


def charger_catalogue(
    *, sessions: Sessions, catalogue: Catalogue, maintenant: datetime
) -> Chargement:
    """Make the published catalogue equal to a file, in one transaction; repeating changes nothing.

    Args:
        sessions: of this service's database.
        catalogue: all themes and types of the city; a type that is absent is withdrawn.
        maintenant: aware UTC time.
    Returns: what changed; each newly published type is also told as an event.
    Raises: CatalogueInvalide.
    """
    domain.verifier(catalogue)
    themes = {theme.code: theme for theme in catalogue.themes}
    with sessions.begin() as session:
        persistence.verrouiller_catalogue(session)
        for theme in catalogue.themes:
            persistence.ecrire_theme(session, theme)
        publies = tuple(
            type_demande.code
            for type_demande in catalogue.types
            if persistence.ecrire_type(
                session, type_demande, theme=themes[type_demande.theme], maintenant=maintenant
            )
        )
        for code in publies:
            outbox.append(session, TypeDemandePublie(code=code), aggregate=code)
        retires = persistence.retirer_types(
            session,
            gardes=[type_demande.code for type_demande in catalogue.types],
            maintenant=maintenant,
        )
    return Chargement(publies=publies, retires=tuple(retires))
