"""Events that avis hears, a stand-in for each outside system, and the worker as a real process."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pika
from google.protobuf.json_format import MessageToJson

from chassis.outbox import address
from chassis.seal import seal
from espacecitoyen.cartes.v1.evenements_pb2 import (
    CarteApprouvee,
    CarteDemandee,
    DemandeIncomplete,
    PieceRefusee,
)
from espacecitoyen.identite.v1.evenements_pb2 import (
    CompteActive,
    CoordonneesValidees,
    CourrielDemande,
)
from services.avis import use_cases
from services.avis.adapters.redaction import RedactionJinja
from services.avis.domain import Gabarit
from services.avis.use_cases import Expedition, Reponse
from tests.kit.identity import PUBLIC_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from chassis.db import Sessions
    from services.avis.domain import Lettre

ROOT = Path(__file__).resolve().parents[2]
CLE = bytes(range(32))
CLE_IDENTITE = bytes(range(32, 64))
CLE_CARTES = bytes(range(64, 96))
URL_PUBLIQUE = "http://portail.example:8080"
DOMAINE = "ville.example"
EXPEDITEUR = f"Espace citoyen <espace-citoyen@{DOMAINE}>"
MAINTENANT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def une_adresse(prenom: str = "zoe") -> str:
    """An address that no other test has: the mailbox is shared."""
    return f"{prenom}.{uuid4().hex[:12]}@citoyens.example"


def un_courriel_demande(
    *, adresse: str, gabarit: str = "activation", langue: str = "fr", **donnees: str
) -> CourrielDemande:
    contenu = {"adresse": adresse, "prenom": "Zoé", "jeton": "jeton-secret", **donnees}
    return CourrielDemande(
        compte_id=str(uuid4()),
        gabarit=gabarit,
        langue=langue,
        scelle=seal(contenu, key=CLE_IDENTITE, context="CourrielDemande"),
    )


def des_coordonnees(
    *, compte_id: str, adresse: str, langue: str = "fr", canal: str = "courriel"
) -> CoordonneesValidees:
    contenu = {"adresse": adresse, "prenom": "Zoé"}
    return CoordonneesValidees(
        compte_id=compte_id,
        canal=canal,
        langue=langue,
        scelle=seal(contenu, key=CLE_IDENTITE, context="CoordonneesValidees"),
    )


def un_compte_active(*, compte_id: str, **choix: Any) -> CompteActive:
    return CompteActive(compte_id=compte_id, langue=choix.pop("langue", "fr"), **choix)


def une_carte_demandee(*, compte_id: str) -> CarteDemandee:
    return CarteDemandee(carte_id=str(uuid4()), demande_id=str(uuid4()), compte_id=compte_id)


def une_carte_approuvee(*, compte_id: str, jeton: str = "jeton-carte") -> CarteApprouvee:
    return CarteApprouvee(
        carte_id=str(uuid4()),
        demande_id=str(uuid4()),
        compte_id=compte_id,
        echeance="2028-03-01",
        scelle=seal({"jeton": jeton}, key=CLE_CARTES, context="CarteApprouvee"),
    )


def une_demande_incomplete(*, compte_id: str, **motifs: str) -> DemandeIncomplete:
    """``une_demande_incomplete(compte_id=…, RESIDENCE="EXPIREE")``."""
    return DemandeIncomplete(
        carte_id=str(uuid4()),
        demande_id=str(uuid4()),
        compte_id=compte_id,
        pieces=[PieceRefusee(role=role, motif=motif) for role, motif in motifs.items()],
    )


def publier(
    amqp_url: str, message: Message, *, event_id: UUID | None = None, traceparent: str = ""
) -> UUID:
    """Publish an event as a relay does, confirmed by the broker."""
    identifiant = event_id or uuid4()
    service, event = address(message.DESCRIPTOR)
    proprietes = pika.BasicProperties(
        content_type="application/json",
        delivery_mode=2,
        headers={"traceparent": traceparent} if traceparent else {},
        message_id=str(identifiant),
        type=event,
        app_id=service,
        timestamp=int(datetime.now(UTC).timestamp()),
    )
    connexion = pika.BlockingConnection(pika.URLParameters(amqp_url))
    try:
        canal = connexion.channel()
        canal.confirm_delivery()
        corps = MessageToJson(message, preserving_proto_field_name=True).encode()
        canal.basic_publish(f"{service}.events", event, corps, proprietes, mandatory=True)
    finally:
        connexion.close()
    return identifiant


@dataclass
class CourrielEssai:
    """A mail server that answers what the test says; keeps what it was given."""

    reponses: list[Exception | int] = field(default_factory=list)
    lettres: list[Lettre] = field(default_factory=list)
    pendant: Callable[[], None] = lambda: None

    def envoyer(self, lettre: Lettre) -> int:
        self.lettres.append(lettre)
        self.pendant()
        reponse = self.reponses.pop(0) if self.reponses else 250
        if isinstance(reponse, Exception):
            raise reponse
        return reponse


@dataclass
class JournalEssai:
    """A journal that answers what the test says; keeps what it was asked."""

    reponses: list[Exception | Reponse] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def chercher(self, message_id: str) -> Reponse:
        self.questions.append(message_id)
        reponse = self.reponses.pop(0) if self.reponses else Reponse.ABSENT
        if isinstance(reponse, Exception):
            raise reponse
        return reponse


def une_expedition(*, sessions: Sessions, presence: Any, **autres: Any) -> Expedition:
    """What sending needs, on a real database, between outside systems of the test."""
    valeurs: dict[str, Any] = {
        "sessions": sessions,
        "cle": CLE,
        "redaction": RedactionJinja(url_publique=URL_PUBLIQUE, ville="Ville de Sainte-Thérèse"),
        "courriel": CourrielEssai(),
        "journal": JournalEssai(),
        "presence": presence,
        "domaine": DOMAINE,
        "repos": timedelta(0),
        "essais_max": 5,
    }
    return Expedition(**(valeurs | autres))


def inscrire(
    sessions: Sessions,
    *,
    event_id: UUID | None = None,
    adresse: str | None = None,
    gabarit: str = "activation",
) -> tuple[UUID, ...]:
    """Note an asked mail."""
    return use_cases.inscrire_courriel(
        sessions=sessions,
        cle=CLE,
        event_id=event_id or uuid4(),
        compte_id=str(uuid4()),
        gabarit=gabarit,
        langue="fr",
        donnees={"adresse": adresse or une_adresse(), "prenom": "Zoé", "jeton": "J"},
        maintenant=MAINTENANT,
    )


def annoncer(sessions: Sessions, compte_id: str) -> tuple[UUID, ...]:
    """Note a decision."""
    return use_cases.inscrire_nouvelle(
        sessions=sessions,
        cle=CLE,
        event_id=uuid4(),
        compte_id=compte_id,
        gabarit=Gabarit.CARTE_APPROUVEE,
        donnees={"jeton": "J", "echeance": "2028-03-01"},
        maintenant=MAINTENANT,
    )


def prouver(
    sessions: Sessions,
    compte_id: str,
    adresse: str,
    *,
    langue: str = "fr",
    canal: str = "courriel",
    quand: datetime = MAINTENANT,
) -> tuple[UUID, ...]:
    """Store a proved contact point."""
    return use_cases.enregistrer_coordonnees(
        sessions=sessions,
        cle=CLE,
        event_id=uuid4(),
        compte_id=compte_id,
        canal=canal,
        langue=langue,
        donnees={"adresse": adresse, "prenom": "Zoé"},
        verifie_le=quand,
    )


def ligne(base: Any, envoi_id: UUID) -> dict[str, Any]:
    """The row of a mail."""
    row: dict[str, Any] = base.execute("SELECT * FROM envoi WHERE id = %s", [envoi_id]).fetchone()
    return row


def termines(base: Any) -> list[bytes]:
    """The events told so far."""
    rows = base.execute("SELECT body FROM outbox WHERE routing_key = 'envoi_termine.v1'")
    return [bytes(row["body"]) for row in rows]


def avancer(base: Any, envoi_id: UUID) -> None:
    """Let the delay of a retry pass."""
    base.execute("UPDATE envoi SET pret_le = now() WHERE id = %s", [envoi_id])


def environnement(*, database_url: str, amqp_url: str, **autres: str) -> dict[str, str]:
    """The environment of a process of avis; more settings by their names."""
    return {
        **{nom: valeur for nom, valeur in os.environ.items() if nom in {"PATH", "HOME", "LANG"}},
        "PYTHONPATH": f"{ROOT}:{ROOT / 'protos' / 'gen'}",
        "AVIS_DATABASE_URL": database_url,
        "ESPACE_AMQP_URL": amqp_url,
        "ESPACE_TOKEN_PUBLIC_KEY": PUBLIC_KEY.decode(),
        "AVIS_CLE": base64.b64encode(CLE).decode(),
        "AVIS_CLE_SCELLE_IDENTITE": base64.b64encode(CLE_IDENTITE).decode(),
        "AVIS_CLE_SCELLE_CARTES": base64.b64encode(CLE_CARTES).decode(),
        "AVIS_EXPEDITEUR": EXPEDITEUR,
        "AVIS_URL_PUBLIQUE": URL_PUBLIQUE,
        "AVIS_DOUTE_S": "1",
        **autres,
    }


@contextlib.contextmanager
def ouvrier(
    journal: Path, environ: dict[str, str], module: str = "services.avis.work"
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker as a process of its own until the block ends; its log goes to a file."""
    with journal.open("ab") as sortie:
        processus = subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, env=environ, stdout=sortie, stderr=sortie
        )
    try:
        yield processus
    finally:
        if processus.poll() is None:
            processus.send_signal(signal.SIGTERM)
            try:
                processus.wait(timeout=15)
            except subprocess.TimeoutExpired:
                processus.kill()
                processus.wait()
