"""Processes of the chassis tests: a worker with or without a relay, and relays that die.

The handler does what the event's `carte_id` says: `ok…` has its effect; `poison` raises;
`temporaire:2:…` fails twice, then has its effect; `lent:…` takes 2 s.
"""

from chassis import green  # noqa: F401, I001  (before any other import: it patches the process)

import os
import signal
import sys
import threading

import eventlet
from chassis import inbox, outbox, telemetry
from chassis.consumer import Event, TemporaryFailure, run, subscribe, timer
from chassis.db import make_engine, make_sessions
from chassis.relay import Relay
from espacecitoyen.cartes.v1.evenements_pb2 import CarteDemandee, PieceRemplacee
from sqlalchemy import text

DATABASE_URL = os.environ["ESSAI_DATABASE_URL"]
AMQP_URL = os.environ["ESSAI_AMQP_URL"]
SESSIONS = make_sessions(make_engine(DATABASE_URL, name="essai"))


class EssaiEvents:
    name = "essai"

    @subscribe("cartes", CarteDemandee, consumer="essai")
    def sur_carte_demandee(self, event: Event[CarteDemandee]) -> None:
        word, _, rest = event.message.carte_id.partition(":")
        with SESSIONS.begin() as session:
            session.execute(
                text("INSERT INTO essai (event_id, a) VALUES (:id, clock_timestamp())"),
                {"id": event.id},
            )
        if word == "poison":
            raise ValueError(event.message.carte_id)
        if word == "temporaire" and _tries(event) <= int(rest.partition(":")[0]):
            raise TemporaryFailure
        if word == "lent":
            eventlet.sleep(2)
        with SESSIONS.begin() as session:
            if inbox.already_seen(session, event_id=event.id, consumer="essai"):
                return
            _effect(session, event, event.message.carte_id)
            if word == "meurt" and _tries(event) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            if word == "chaine":
                outbox.append(session, PieceRemplacee(carte_id="suite"), aggregate="x")
        if word == "tue" and _tries(event) == 1:
            # Between the effect and the acknowledgement.
            os.kill(os.getpid(), signal.SIGKILL)

    @subscribe("cartes", PieceRemplacee, consumer="essai")
    def sur_piece_remplacee(self, event: Event[PieceRemplacee]) -> None:
        with SESSIONS.begin() as session:
            _effect(session, event, f"piece {event.message.carte_id}")

    @timer(0.3)
    def battement(self) -> None:
        with SESSIONS.begin() as session:
            session.execute(text("INSERT INTO essai (a) VALUES (clock_timestamp())"))
        raise ValueError("a timer survives its failures")


def _tries(event: Event[CarteDemandee]) -> int:
    with SESSIONS() as session:
        query = text("SELECT count(*) FROM essai WHERE event_id = :id")
        return int(session.execute(query, {"id": event.id}).scalar_one())


def _effect(session, event, texte: str) -> None:
    session.execute(
        text("INSERT INTO effet (event_id, texte) VALUES (:id, :texte)"),
        {"id": event.id, "texte": texte},
    )


class DyingRelay(Relay):
    """Dies as kill -9 would, after the broker's confirms and before the rows are marked."""

    @staticmethod
    def _mark(_database, _confirmed) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def main(act: str) -> int:
    telemetry.setup(f"essai-{act}", endpoint=os.environ.get("ESSAI_OTLP", ""))
    if act == "worker":
        return run(EssaiEvents, amqp_url=AMQP_URL)
    if act == "worker-relay":
        relay = Relay(DATABASE_URL, AMQP_URL, "essai")
        return run(EssaiEvents, amqp_url=AMQP_URL, relay=relay.run)
    kind = DyingRelay if act == "relay-dies" else Relay
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    kind(DATABASE_URL, AMQP_URL, act).run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
