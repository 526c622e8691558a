"""What other services are told of imports and links, always through the outbox."""

import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import outbox, seal
from espacecitoyen.identite.v1.evenements_pb2 import (
    ContactFusionne,
    ContactsImportes,
    ImportationAnnulee,
    LiaisonChangee,
)
from services.identite.use_cases.ponts.lecture import LigneLue
from services.identite.use_cases.ports import Regles

# About 60 kB: a message that every broker takes, and two thousand of them for a million people.
_LOT: Final = 500


def annoncer(
    session: Session, importation_id: UUID, lignes: Sequence[LigneLue], *, regles: Regles
) -> None:
    """Publish `ContactsImportes`: where Urgence reaches people who proved nothing here yet."""
    for debut in range(0, len(lignes), _LOT):
        lot = lignes[debut : debut + _LOT]
        clair = {str(ligne.id): json.dumps(ligne.annonce, ensure_ascii=False) for ligne in lot}
        outbox.append(
            session,
            ContactsImportes(
                importation_id=str(importation_id),
                nombre=len(lot),
                scelle=seal.seal(clair, key=regles.cle, context="ContactsImportes"),
            ),
            aggregate=str(importation_id),
        )


def annoncer_retrait(session: Session, importation_id: UUID) -> None:
    """Publish that what an import brought, and nobody proved since, is gone."""
    aggregate = str(importation_id)
    outbox.append(session, ImportationAnnulee(importation_id=aggregate), aggregate=aggregate)


def annoncer_fusion(session: Session, contact_id: UUID, compte_id: UUID) -> None:
    """Publish that an account now speaks for an imported contact (IDN-10)."""
    outbox.append(
        session,
        ContactFusionne(contact_id=str(contact_id), compte_id=str(compte_id)),
        aggregate=str(compte_id),
    )


def annoncer_liaison(
    session: Session, liaison_id: UUID, compte_id: UUID, *, source: str, etat: str, par: str
) -> None:
    """Publish that a link was made, refused or undone, and by whom."""
    outbox.append(
        session,
        LiaisonChangee(
            liaison_id=str(liaison_id),
            compte_id=str(compte_id),
            source=source,
            etat=etat,
            acteur_id=par,
        ),
        aggregate=str(compte_id),
    )
