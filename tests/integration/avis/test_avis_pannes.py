"""One mail, not none and not two, when the mail server is away or a worker is killed."""

import os
import select
import signal
import socket
import threading
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest

from deploy.places import free_ports
from tests.kit.avis import (
    environnement,
    ouvrier,
    publier,
    un_courriel_demande,
    une_adresse,
)
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.exigence("AVI-10")]

# A new worker starts in about 2 s; nobody is taken for dead in PostgreSQL's first 15 s.
ATTENTE_S = 40.0
VERROU_ESSAI = 4242


@pytest.fixture
def lance(avis_url, avis_amqp_url, mailbox, tmp_path):
    """Give a worker that lives as long as a block, by default on the real sink."""

    def lancer(**autres):
        sink = {"AVIS_SMTP_URL": mailbox.smtp_url, "AVIS_JOURNAL_SMTP": mailbox.api_url}
        environ = environnement(database_url=avis_url, amqp_url=avis_amqp_url, **(sink | autres))
        return ouvrier(tmp_path / "ouvrier.log", environ)

    return lancer


@pytest.fixture
def demande(avis_amqp_url):
    """Publish one mail request; gives the address and the event's id."""

    def publie():
        adresse = une_adresse()
        return adresse, publier(avis_amqp_url, un_courriel_demande(adresse=adresse))

    return publie


def etat(base, event_id, *attendus):
    """Wait until the mail of an event is in one of these states; gives its row."""
    return wait_until(
        lambda: base.execute(
            "SELECT * FROM envoi WHERE event_id = %s AND etat = ANY(%s)", [event_id, [*attendus]]
        ).fetchone(),
        timeout=ATTENTE_S,
        what=f"{attendus} of {event_id}",
    )


def essaye(base, event_id):
    question = "SELECT 1 FROM envoi WHERE event_id = %s AND essai >= 1"
    return base.execute(question, [event_id]).fetchone()


def tuer(processus):
    processus.send_signal(signal.SIGKILL)
    processus.wait()


class Passage:
    """A TCP relay to the sink that the test opens late, or that swallows what the sink answers."""

    def __init__(self, port, cible, *, avaler_la_fin=False):
        self.cible, self.avaler_la_fin = cible, avaler_la_fin
        self.avale = threading.Event()
        self._ecoute = socket.create_server(("127.0.0.1", port))
        self._fin_lecture, self._fin_ecriture = os.pipe()
        self._fils = [threading.Thread(target=self._accepter)]
        self._fils[0].start()

    def fermer(self):
        os.write(self._fin_ecriture, b".")
        for fil in self._fils:
            fil.join(10)
        self._ecoute.close()
        os.close(self._fin_lecture)
        os.close(self._fin_ecriture)

    def _accepter(self):
        prises: list[Any] = [self._ecoute, self._fin_lecture]
        while self._fin_lecture not in select.select(prises, [], [])[0]:
            client, _ = self._ecoute.accept()
            fil = threading.Thread(target=self._porter, args=(client,))
            self._fils.append(fil)
            fil.start()

    def _porter(self, client):
        corps_fini = False
        with client, socket.create_connection(self.cible) as sink:
            while True:
                prets = select.select([client, sink, self._fin_lecture], [], [])[0]
                if self._fin_lecture in prets:
                    return
                for prise in prets:
                    octets = _lire(prise)
                    if not octets:
                        return
                    corps_fini |= prise is client and octets.endswith(b"\r\n.\r\n")
                    if prise is sink and corps_fini and self.avaler_la_fin:
                        self.avale.set()
                    else:
                        (sink if prise is client else client).sendall(octets)


def _lire(prise):
    try:
        return prise.recv(65536)
    except ConnectionResetError:
        return b""


@contextmanager
def passage(port, mailbox, **autres):
    hote, port_sink = mailbox.smtp_url.removeprefix("smtp://").split(":")
    ouvert = Passage(port, (hote, int(port_sink)), **autres)
    try:
        yield ouvert
    finally:
        ouvert.fermer()


def test_un_serveur_absent_douze_secondes_ne_perd_et_ne_double_rien(lance, demande, mailbox, base):
    port = free_ports(1)
    with lance(AVIS_SMTP_URL=f"smtp://127.0.0.1:{port}"):
        demandes = [demande() for _ in range(5)]
        for _, event_id in demandes:
            wait_until(partial(essaye, base, event_id), timeout=ATTENTE_S, what="a first try")
        # Twelve seconds of absence, measured by the database that schedules the retries.
        base.execute("SELECT pg_sleep(12)")
        assert all(mailbox.messages(to=adresse) == [] for adresse, _ in demandes)
        with passage(port, mailbox):
            for adresse, event_id in demandes:
                row = etat(base, event_id, "ENVOYE")
                assert row["essai"] >= 2
                assert len(mailbox.messages(to=adresse)) == 1
    assert base.execute("SELECT 1 FROM envoi WHERE etat = 'REFUSE'").fetchone() is None


def test_un_ouvrier_tue_apres_le_250_et_avant_le_commit(lance, demande, mailbox, base, avis_url):
    """The commit of ENVOYE is held by a lock of the test; the mail is already in the mailbox."""
    with psycopg.connect(
        avis_url.replace("postgresql+psycopg:", "postgresql:"), autocommit=True
    ) as verrou:
        verrou.execute("SELECT pg_advisory_lock(%s)", [VERROU_ESSAI])
        base.execute(
            "CREATE FUNCTION essai_attendre() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" PERFORM pg_advisory_xact_lock({VERROU_ESSAI}); RETURN NEW; END $$"
        )
        base.execute(
            "CREATE TRIGGER essai_attendre BEFORE UPDATE ON envoi FOR EACH ROW"
            " WHEN (NEW.etat = 'ENVOYE') EXECUTE FUNCTION essai_attendre()"
        )
        try:
            with lance() as premier:
                adresse, event_id = demande()
                mailbox.wait_for(to=adresse, timeout=ATTENTE_S)
                wait_until(
                    lambda: base.execute(
                        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'avis-work'"
                        " AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
                    ).fetchone(),
                    what="the commit held by the lock",
                )
                tuer(premier)
            assert etat(base, event_id, "EN_COURS")["essai"] == 1
        finally:
            base.execute("DROP TRIGGER essai_attendre ON envoi")
            base.execute("DROP FUNCTION essai_attendre()")
    with lance():
        row = etat(base, event_id, "ENVOYE")
    assert row["essai"] == 1, "the journal knew it: it was not sent again"
    assert len(mailbox.messages(to=adresse)) == 1


def test_un_ouvrier_tue_avant_de_lire_le_250(lance, demande, mailbox, base):
    """The sink has stored the mail; its answer never reaches the worker."""
    port = free_ports(1)
    with (
        passage(port, mailbox, avaler_la_fin=True) as coupe,
        lance(AVIS_SMTP_URL=f"smtp://127.0.0.1:{port}") as premier,
    ):
        adresse, event_id = demande()
        assert coupe.avale.wait(ATTENTE_S)
        tuer(premier)
    assert etat(base, event_id, "EN_COURS")["essai"] == 1
    with lance():
        row = etat(base, event_id, "ENVOYE")
    assert row["essai"] == 1
    assert len(mailbox.messages(to=adresse)) == 1


def test_un_ouvrier_tue_avant_d_avoir_rien_donne(lance, demande, mailbox, base):
    """It connected and said nothing: the journal knows nothing, the mail leaves again."""
    port = free_ports(1)
    with (
        socket.create_server(("127.0.0.1", port)) as muet,
        lance(AVIS_SMTP_URL=f"smtp://127.0.0.1:{port}") as premier,
    ):
        adresse, event_id = demande()
        connexion, _ = muet.accept()
        tuer(premier)
        connexion.close()
    assert etat(base, event_id, "EN_COURS")["essai"] == 1
    with lance():
        row = etat(base, event_id, "ENVOYE")
    assert row["essai"] == 2
    assert len(mailbox.messages(to=adresse)) == 1


def test_dix_ouvriers_tues_de_suite_ne_perdent_et_ne_doublent_rien(
    lance, demande, mailbox, base, avis_amqp_url
):
    demandes = []
    for _ in range(10):
        with lance() as processus:
            demandes += [demande() for _ in range(3)]
            etat(base, demandes[-1][1], "A_ENVOYER", "EN_COURS", "ENVOYE")
            tuer(processus)
    with lance():
        for adresse, event_id in demandes:
            etat(base, event_id, "ENVOYE")
            assert len(mailbox.messages(to=adresse)) == 1
    assert _en_attente(avis_amqp_url, "avis.mort") == 0


def test_deux_ouvriers_ensemble_ne_donnent_qu_un_courriel(lance, demande, mailbox, base):
    with lance(), lance():
        demandes = [demande() for _ in range(20)]
        for adresse, event_id in demandes:
            etat(base, event_id, "ENVOYE")
            assert len(mailbox.messages(to=adresse)) == 1


def test_une_base_absente_pendant_l_envoi_devient_un_doute_leve(lance, demande, mailbox, base):
    """The mail is accepted, then every session of the worker is cut before it can say so."""
    port = free_ports(1)
    with (
        passage(port, mailbox, avaler_la_fin=True) as coupe,
        lance(AVIS_SMTP_URL=f"smtp://127.0.0.1:{port}", AVIS_SMTP_DELAI_S="3"),
    ):
        adresse, event_id = demande()
        assert coupe.avale.wait(ATTENTE_S)
        base.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name IN ('avis-work', 'avis-presence')"
            " AND datname = current_database()"
        )
        row = etat(base, event_id, "ENVOYE")
    assert row["essai"] == 1
    assert len(mailbox.messages(to=adresse)) == 1


def _en_attente(amqp_url, queue):
    import pika  # noqa: PLC0415 - here alone

    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connexion:
        return connexion.channel().queue_declare(queue, passive=True).method.message_count
