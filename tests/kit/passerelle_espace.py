"""What the fake storage of the gateway's tests answers beside documents: uploads, uses, reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from espacecitoyen.stockage.v1 import televersement_service_pb2 as televersement

PIECE = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0003"
DOSSIER = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0006"
LECTEUR = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0002"
TELEVERSEMENT = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0007"


def un_televersement(**changes: Any) -> televersement.Televersement:
    upload = televersement.Televersement(
        televersement_id=TELEVERSEMENT,
        nom_fichier="passeport.jpg",
        taille_octets=8,
        expire_le="2026-11-23T15:00:00+00:00",
    )
    for name, value in changes.items():
        setattr(upload, name, value)
    return upload


def recevoir_segment(
    requests: Iterator[televersement.AjouterSegmentRequest],
) -> televersement.AjouterSegmentResponse:
    """Count the bytes of a segment from its position on."""
    received = next(requests).entete.position + sum(len(item.bloc) for item in requests)
    return televersement.AjouterSegmentResponse(
        televersement=un_televersement(recus_octets=received)
    )


def une_utilisation() -> stockage.Utilisation:
    return stockage.Utilisation(
        service="cartes",
        dossier_id=DOSSIER,
        piece_id=PIECE,
        version=1,
        retenue_le="2026-11-22T15:00:00Z",
    )


def une_lecture() -> stockage.Consultation:
    return stockage.Consultation(
        lue_le="2026-11-22T16:00:00Z",
        qualite=stockage.QUALITE_LECTEUR_PERSONNEL,
        lecteur_id=LECTEUR,
        motif="validation_carte",
        dossier_id=DOSSIER,
        variante=stockage.VARIANTE_PIECE_APERCU,
        version=1,
    )


ESPACE: dict[str, Any] = {
    "ListVersions": stockage.ListVersionsResponse(
        versions=[stockage.Piece(piece_id=PIECE, version=1, versions=1, courante=True)]
    ),
    "ListUtilisations": stockage.ListUtilisationsResponse(utilisations=[une_utilisation()]),
    "ListConsultations": stockage.ListConsultationsResponse(consultations=[une_lecture()]),
    "CreerTeleversement": televersement.CreerTeleversementResponse(
        televersement=un_televersement()
    ),
    "AjouterSegment": recevoir_segment,
    "GetTeleversement": televersement.GetTeleversementResponse(televersement=un_televersement()),
    "TerminerTeleversement": televersement.TerminerTeleversementResponse(
        televersement=un_televersement(recus_octets=8, piece_id=PIECE)
    ),
    "AbandonnerTeleversement": televersement.AbandonnerTeleversementResponse(),
}
