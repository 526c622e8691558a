"""SMTP as it is spoken: to the real sink, and to a server that fails where the test says."""

import email
import email.policy
import socket
import threading
from contextlib import contextmanager
from typing import ClassVar
from uuid import uuid4

import pytest

from deploy.places import free_ports
from services.avis.adapters.courriel import CourrielSmtp
from services.avis.adapters.journal import JournalMaildev, JournalNul
from services.avis.domain import Langue, Lettre, Texte
from services.avis.use_cases import (
    CourrielDefinitif,
    CourrielIncertain,
    CourrielTemporaire,
    JournalIndisponible,
    Reponse,
)
from tests.kit.avis import DOMAINE, EXPEDITEUR, MAINTENANT, une_adresse

pytestmark = [pytest.mark.integration, pytest.mark.exigence("AVI-07")]

COUPE = "coupe"


def une_lettre(adresse=None, *, langue=Langue.FR, texte="Bonjour Zoé,\n.point\n..deux\nfin\n"):
    return Lettre(
        message_id=f"<{uuid4()}@{DOMAINE}>",
        adresse=adresse or une_adresse(),
        langue=langue,
        date=MAINTENANT,
        contenu=Texte(objet="Votre carte est prête\u00a0!", texte=texte, html="<p>Zoé</p>"),
    )


def un_client(url, delai_s=5.0):
    return CourrielSmtp(url=url, expediteur=EXPEDITEUR, delai_s=delai_s)


class Conversation:
    """One conversation with a client: a reply per step, COUPE to hang up there, None for silence.

    Steps: accueil, then the commands, then corps for the answer to the body.
    """

    ATTENDUES: ClassVar[dict[str, str]] = {"accueil": "220 essai", "DATA": "354 go"}

    def __init__(self, reponses):
        self.reponses, self.recus = {**self.ATTENDUES, **reponses}, []

    def tenir(self, ecoute):
        connexion, _ = ecoute.accept()
        with connexion, connexion.makefile("rwb", buffering=0) as flux:
            vivante = self.repondre(flux, "accueil")
            while vivante and (ligne := flux.readline()):
                verbe = ligne.decode().strip().partition(" ")[0].upper()
                self.recus.append(ligne.decode().strip())
                vivante = self.repondre(flux, verbe)
                if vivante and verbe == "DATA" and self.reponses["DATA"].startswith("354"):
                    self.recus.append(self.lire_corps(flux))
                    vivante = self.repondre(flux, "corps")

    def lire_corps(self, flux):
        corps = b""
        while not corps.endswith(b"\r\n.\r\n"):
            corps += flux.readline()
        return corps

    def repondre(self, flux, etape):
        reponse = self.reponses.get(etape, "250 ok")
        if reponse is not None and reponse != COUPE:
            flux.write(f"{reponse}\r\n".encode())
        return reponse != COUPE


@contextmanager
def serveur(**reponses):
    port, conversation = free_ports(1), Conversation(reponses)
    with socket.create_server(("127.0.0.1", port)) as ecoute:
        fil = threading.Thread(target=conversation.tenir, args=(ecoute,), daemon=True)
        fil.start()
        yield f"smtp://127.0.0.1:{port}", conversation.recus
        fil.join(5)


def test_un_courriel_arrive_entier_avec_ses_entetes(mailbox):
    lettre = une_lettre(langue=Langue.EN)
    assert un_client(mailbox.smtp_url).envoyer(lettre) == 250
    (mail,) = mailbox.wait_for(to=lettre.adresse)
    recu = email.message_from_bytes(mailbox.source(mail), policy=email.policy.default)
    assert recu["Message-ID"] == lettre.message_id
    assert recu["From"] == EXPEDITEUR
    assert recu["To"] == lettre.adresse
    assert recu["Subject"] == lettre.contenu.objet
    assert recu["Date"].datetime == MAINTENANT
    assert recu["Content-Language"] == "en-CA"
    assert recu["Auto-Submitted"] == "auto-generated"
    texte, html = recu.iter_parts()
    assert texte.get_content_type() == "text/plain"
    assert texte.get_content().replace("\r\n", "\n") == lettre.contenu.texte
    assert html.get_content_type() == "text/html"
    assert html.get_content().strip() == lettre.contenu.html


def test_une_adresse_accentuee_passe_par_smtputf8(mailbox):
    lettre = une_lettre(f"zoé.{uuid4().hex[:8]}@citoyens.example")
    assert un_client(mailbox.smtp_url).envoyer(lettre) == 250
    assert mailbox.wait_for(to=lettre.adresse)


def test_une_adresse_accentuee_est_refusee_par_un_serveur_qui_ne_sait_pas():
    with serveur() as (url, _), pytest.raises(CourrielDefinitif) as refus:
        un_client(url).envoyer(une_lettre("zoé@ville.example"))
    assert refus.value.code == 553


@pytest.mark.parametrize("etape", ["MAIL", "RCPT", "DATA", "corps"])
@pytest.mark.parametrize(
    ("reponse", "erreur", "code"),
    [("451 plus tard", CourrielTemporaire, 451), ("550 jamais", CourrielDefinitif, 550)],
)
def test_chaque_refus_dit_s_il_est_temporaire(etape, reponse, erreur, code):
    with serveur(**{etape: reponse}) as (url, _), pytest.raises(erreur) as refus:
        un_client(url).envoyer(une_lettre())
    assert refus.value.code == code


@pytest.mark.parametrize("accueil", ["421 fermé", "554 pas de service"])
def test_un_serveur_qui_n_accueille_pas_n_est_pas_un_refus_du_courriel(accueil):
    with serveur(accueil=accueil) as (url, _), pytest.raises(CourrielTemporaire):
        un_client(url).envoyer(une_lettre())


def test_un_serveur_absent_est_temporaire_et_sans_code():
    with pytest.raises(CourrielTemporaire) as refus:
        un_client(f"smtp://127.0.0.1:{free_ports(1)}").envoyer(une_lettre())
    assert refus.value.code is None


@pytest.mark.parametrize("etape", ["accueil", "MAIL", "RCPT", "DATA"])
def test_une_coupure_avant_le_corps_n_est_pas_un_doute(etape):
    with serveur(**{etape: COUPE}) as (url, _), pytest.raises(CourrielTemporaire):
        un_client(url).envoyer(une_lettre())


@pytest.mark.exigence("AVI-10")
def test_une_coupure_apres_le_corps_est_un_doute():
    with serveur(corps=COUPE) as (url, recus), pytest.raises(CourrielIncertain):
        un_client(url).envoyer(une_lettre())
    assert recus[-1].endswith(b"\r\n.\r\n")


@pytest.mark.exigence("AVI-10")
def test_une_reponse_qui_ne_vient_pas_a_temps_est_un_doute():
    with serveur(corps=None) as (url, _), pytest.raises(CourrielIncertain):
        un_client(url, delai_s=0.5).envoyer(une_lettre())


def test_les_points_en_debut_de_ligne_sont_doubles():
    with serveur() as (url, recus):
        un_client(url).envoyer(une_lettre(texte="un\n.\ndeux\n"))
    assert b"\r\nun\r\n..\r\ndeux\r\n" in recus[-1]
    assert recus[-1].count(b"\r\n.\r\n") == 1


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "smtp://", "127.0.0.1:25"])
def test_une_adresse_de_serveur_illisible_est_dite_au_demarrage(url):
    with pytest.raises(ValueError, match="smtp"):
        un_client(url)


# --- the journal -------------------------------------------------------------------------------


@pytest.mark.exigence("AVI-10")
def test_le_journal_connait_exactement_ce_que_le_serveur_a_pris(mailbox):
    lettre, journal = une_lettre(), JournalMaildev(url=mailbox.api_url)
    assert journal.chercher(lettre.message_id) is Reponse.ABSENT
    un_client(mailbox.smtp_url).envoyer(lettre)
    assert journal.chercher(lettre.message_id) is Reponse.RECU
    assert journal.chercher(lettre.message_id.replace("<", "<0")) is Reponse.ABSENT


def test_un_journal_absent_ou_qui_repond_autre_chose_laisse_le_doute():
    with pytest.raises(JournalIndisponible):
        JournalMaildev(url=f"http://127.0.0.1:{free_ports(1)}").chercher("<a@b>")
    with (
        serveur(accueil="HTTP/1.1 500 Non\r\n\r\n") as (url, _),
        pytest.raises(JournalIndisponible),
    ):
        JournalMaildev(url=url.replace("smtp", "http")).chercher("<a@b>")


def test_sans_journal_rien_n_est_su():
    assert JournalNul().chercher("<a@b>") is Reponse.INCONNU
