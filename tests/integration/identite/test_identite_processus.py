"""The two processes and the operator commands, as an installation runs them."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import Any

import pika
import pytest
from click.testing import CliRunner

from chassis import discovery, seal
from chassis.grpc_client import Remote, RemoteError
from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from services.identite.commandes import identite as commandes
from tests.kit.identite import (
    AUTRE_MOT_DE_PASSE,
    CLE,
    CLE_TEXTE,
    MOT_DE_PASSE,
    Stubs,
    prouver,
    une_connexion,
    une_demande_de_compte,
)
from tests.kit.identity import PUBLIC_KEY, token
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration


def un_port() -> int:
    for port in range(21100, 21200):
        with socket.socket() as essai:
            try:
                essai.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port from 21100 to 21199")


@contextmanager
def un_processus(module, reglages, journal):
    """Run one of the roots; it must stop by itself, with status 0, when told to."""
    with journal.open("wb") as sortie:
        processus = subprocess.Popen(
            [sys.executable, "-m", module],
            env={**os.environ, **reglages},
            stdout=sortie,
            stderr=sortie,
        )
        try:
            yield processus
            processus.send_signal(signal.SIGTERM)
            assert processus.wait(20) == 0, journal.read_text()[-2000:]
        finally:
            if processus.poll() is None:
                processus.kill()
                processus.wait()


@pytest.fixture
def reglages(database_url, clean_database):
    """Environment of the processes."""
    del clean_database
    return {
        "IDENTITE_DATABASE_URL": database_url("identite"),
        "IDENTITE_CLE_SCELLE": CLE_TEXTE,
        "IDENTITE_ENTRETIEN_INTERVALLE_S": "0.2",
        "ESPACE_TOKEN_PUBLIC_KEY": PUBLIC_KEY.decode(),
    }


@pytest.mark.exigence("IDN-04")
def test_a_sign_up_reaches_the_broker(reglages, amqp_url, tmp_path):
    adresse = f"127.0.0.1:{un_port()}"
    reglages |= {"ESPACE_AMQP_URL": amqp_url, "IDENTITE_LISTEN": adresse}
    broker = pika.BlockingConnection(pika.URLParameters(amqp_url))
    canal = broker.channel()
    # A queue of the test beside those of avis.
    file = canal.queue_declare("", exclusive=True).method.queue
    canal.queue_bind(file, "identite.events", "#")
    remote = Remote("identite", stub=Stubs, addresses=discovery.StaticAddresses([adresse]))
    reglages |= {"IDENTITE_DEFI_BITS": "4"}

    def demander(rpc: str, message: object) -> Any:
        return remote.call(
            lambda stub: getattr(stub, rpc), message, token=token("", "anonyme"), deadline=5.0
        )

    def inscrire() -> bool:
        try:
            usage = acces.ObtenirDefiRequest(usage=acces.USAGE_DEFI_INSCRIPTION)
            defi = demander("ObtenirDefi", usage)
            demande.defi, demande.preuve = defi.jeton, prouver(defi.jeton, defi.bits)
            demander("CreerCompte", demande)
        except RemoteError as error:
            assert error.reason in {"", "INDISPONIBLE"}, error.reason  # noqa: PT017
            return False
        return True

    def recevoir():
        _, proprietes, corps = canal.basic_get(file, auto_ack=True)
        return (proprietes, json.loads(corps)) if corps else None

    serve = un_processus("services.identite.serve", reglages, tmp_path / "serve.log")
    work = un_processus("services.identite.work", reglages, tmp_path / "work.log")
    demande = une_demande_de_compte()
    try:
        with serve, work:
            wait_until(inscrire, timeout=30, what="identite answers")
            proprietes, evenement = wait_until(recevoir, timeout=30, what="the event")
            clair = seal.unseal(
                base64.b64decode(evenement["scelle"]), key=CLE, context="CourrielDemande"
            )
            assert (evenement["gabarit"], clair["prenom"]) == ("activation", "Zoé")
            assert proprietes.message_id
            remote.close()
    finally:
        broker.close()
    for journal in tmp_path.glob("*.log"):
        lignes = journal.read_text()
        for secret in ("Zoé", "Tremblay", "exemple.ca", MOT_DE_PASSE, clair["jeton"]):
            assert secret not in lignes, journal.name
        assert '"level": "ERROR"' not in lignes, journal.name


def test_the_worker_cleans_up_by_itself(reglages, identite, amqp_url, tmp_path):
    identite.ecrire("INSERT INTO nom_reserve VALUES ('vieux', '2020-01-01')")
    reglages |= {"ESPACE_AMQP_URL": amqp_url}
    with un_processus("services.identite.work", reglages, tmp_path / "work.log"):
        wait_until(
            lambda: not identite.lignes("SELECT 1 FROM nom_reserve"), timeout=30, what="upkeep"
        )


def test_the_roots_name_what_is_missing(tmp_path):
    del tmp_path
    environnement = {
        k: v for k, v in os.environ.items() if not k.startswith(("IDENTITE", "ESPACE"))
    }
    for racine in ("serve", "work"):
        fini = subprocess.run(
            [sys.executable, "-m", f"services.identite.{racine}"],
            env=environnement, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert fini.returncode == 2
        assert "IDENTITE_DATABASE_URL" in fini.stderr
        assert "IDENTITE_CLE_SCELLE" in fini.stderr


PERSONNE = ["--courriel", "Ana@exemple.ca", "--prenom", "Ana", "--nom", "Roy"]


def lancer(reglages, *arguments, entree=""):
    return CliRunner(env=reglages).invoke(commandes, list(arguments), input=entree)


def test_an_agent_is_created_once_and_logs_in(reglages, identite):
    commande = ["creer-agent", *PERSONNE, "--role", "agent_cartes"]
    for _ in range(2):
        fini = lancer(reglages, *commande, entree=f"{MOT_DE_PASSE}\n")
        assert fini.exit_code == 0, fini.output
        assert MOT_DE_PASSE not in fini.output
    ouverte = identite.ouvrir(identifiant="ana@exemple.ca", agent=True)
    # Until a second factor is there, the staff door opens on enrolling one and nothing else (R04).
    assert list(identite.verifier(ouverte.jeton_session).roles) == ["enrolement"]
    assert list(ouverte.profil.roles) == ["citoyen", "agent_cartes"]
    assert len(identite.evenements("compte_active.v1")) == 1


def test_a_generated_password_is_printed_once_and_works(reglages, identite):
    premier = lancer(reglages, "creer-agent", *PERSONNE, "--role", "admin")
    assert premier.exit_code == 0, premier.output
    mot_de_passe = premier.output.split("password ")[1].strip()
    identite.ouvrir(identifiant="ana@exemple.ca", mot_de_passe=mot_de_passe, agent=True)
    second = lancer(reglages, "creer-agent", *PERSONNE, "--role", "admin")
    assert "password is unchanged" in second.output
    identite.ouvrir(identifiant="ana@exemple.ca", mot_de_passe=mot_de_passe, agent=True)


@pytest.mark.exigence("IDN-05")
def test_a_sample_citizen_is_active_at_once_with_the_events_of_a_sign_up(reglages, identite):
    fini = lancer(
        reglages, "creer-citoyen", *PERSONNE, "--nom-utilisateur", "ana", "--adresse", "1, rue A",
        "--ville", "Sainte-Thérèse", "--code-postal", "J7E 1A1", "--categorie", "info_travaux",
        entree=MOT_DE_PASSE,
    )  # fmt: skip
    assert fini.exit_code == 0, fini.output
    assert identite.ouvrir(identifiant="ana").profil.adresse.code_postal == "J7E1A1"
    (active,) = identite.evenements("compte_active.v1")
    assert active["categories"] == ["info_travaux"]
    (valide,) = identite.evenements("coordonnees_validees.v1")
    clair = seal.unseal(base64.b64decode(valide["scelle"]), key=CLE, context="CoordonneesValidees")
    assert clair == {"adresse": "Ana@exemple.ca", "prenom": "Ana"}
    assert identite.evenements("courriel_demande.v1") == []


def test_a_stranger_who_signed_up_with_an_agents_address_gets_nothing(reglages, identite):
    lien = identite.inscrire(courriel="ana@exemple.ca")
    fini = lancer(
        reglages, "creer-agent", *PERSONNE, "--role", "agent_cartes", entree=AUTRE_MOT_DE_PASSE
    )
    assert fini.exit_code == 0, fini.output
    for agent in (True, False):
        stranger = une_connexion(identifiant="ana@exemple.ca", agent=agent)
        assert identite.refus("OuvrirSession", stranger).reason == "IDENTIFIANTS_INVALIDES"
    ouverte = identite.ouvrir(
        identifiant="ana@exemple.ca", mot_de_passe=AUTRE_MOT_DE_PASSE, agent=True
    )
    assert ouverte.profil.prenom == "Ana"
    with pytest.raises(RemoteError, match="LIEN_DEJA_UTILISE"):
        identite.activer(lien)


def test_an_operator_is_told_what_is_wrong(reglages, identite):
    fini = lancer(reglages, "creer-citoyen", *PERSONNE, entree="court\n")
    assert fini.exit_code == 1
    assert "MOT_DE_PASSE_TROP_COURT" in fini.output
    identite.un_compte()
    fini = lancer(
        reglages, "creer-citoyen", *PERSONNE, "--nom-utilisateur", "zoe.t",
        entree=AUTRE_MOT_DE_PASSE,
    )  # fmt: skip
    assert fini.exit_code == 1
    assert "ana.roy" in fini.output
    assert identite.refus("OuvrirSession", une_connexion(identifiant="ana@exemple.ca"))
