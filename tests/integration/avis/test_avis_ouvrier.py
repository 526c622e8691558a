"""The worker as a real process: events of RabbitMQ in, mails in the mailbox out."""

from uuid import uuid4

import pytest

from espacecitoyen.stockage.v1.evenements_pb2 import GelPose, PieceBientotExpiree
from tests.kit.avis import (
    URL_PUBLIQUE,
    des_coordonnees,
    environnement,
    ouvrier,
    publier,
    un_compte_active,
    un_courriel_demande,
    une_adresse,
    une_carte_approuvee,
    une_carte_demandee,
    une_demande_incomplete,
)
from tests.kit.wait import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.exigence("AVI-07")]


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """Where the worker writes its spans."""
    return tmp_path_factory.mktemp("otlp") / "traces.jsonl"


@pytest.fixture(scope="module", autouse=True)
def processus(avis_url, avis_amqp_url, mailbox, tmp_path_factory, traces):
    environ = environnement(
        database_url=avis_url,
        amqp_url=avis_amqp_url,
        AVIS_SMTP_URL=mailbox.smtp_url,
        AVIS_JOURNAL_SMTP=mailbox.api_url,
        ESPACE_OTLP=f"file:{traces}",
    )
    journal = tmp_path_factory.mktemp("avis") / "ouvrier.log"
    with ouvrier(journal, environ) as processus:
        yield processus
    assert "Traceback" not in journal.read_text()
    assert processus.returncode == 0


@pytest.fixture
def publie(avis_amqp_url):
    return lambda message, **autres: publier(avis_amqp_url, message, **autres)


def un_seul(mailbox, base, adresse):
    """The mail that reached an address, once nothing more is on its way to anybody."""
    mailbox.wait_for(to=adresse)
    wait_until(
        lambda: (
            base.execute(
                "SELECT 1 FROM envoi WHERE etat IN ('A_ENVOYER', 'EN_COURS')"
                " AND pret_le IS NOT NULL"
            ).fetchone()
            is None
        ),
        # A doubtful mail waits 15 s after a start of PostgreSQL before it is asked about.
        timeout=60,
        what="an empty ledger",
    )
    mails = mailbox.messages(to=adresse)
    assert len(mails) == 1, [mail["subject"] for mail in mails]
    return mails[0]


@pytest.mark.parametrize(
    ("gabarit", "langue", "objet", "lien"),
    [
        ("activation", "fr", "Activez votre compte Espace citoyen", "/activation/jeton-secret"),
        ("activation", "en", "Activate your Espace citoyen account", "/activation/jeton-secret"),
        ("reinitialisation", "fr", "Choisissez un nouveau mot de passe", "/mot-de-passe/jeton-s"),
        ("deja_inscrit", "fr", "Vous avez déjà un compte Espace citoyen", "/mot-de-passe/jeton-s"),
        ("mot_de_passe_change", "en", "Your password was changed", "/"),
    ],
)
def test_un_courriel_demande_arrive_une_fois_dans_sa_langue(
    publie, mailbox, base, gabarit, langue, objet, lien
):
    adresse = une_adresse()
    publie(un_courriel_demande(adresse=adresse, gabarit=gabarit, langue=langue))
    mail = un_seul(mailbox, base, adresse)
    assert mail["subject"] == objet
    assert f"{URL_PUBLIQUE}{lien}" in mail["text"]
    assert f"{URL_PUBLIQUE}{lien}" in mail["html"]


@pytest.mark.parametrize("langue", ["fr", "en"])
def test_les_nouvelles_d_une_carte_vont_au_courriel_prouve(publie, mailbox, langue):
    compte_id, adresse = str(uuid4()), une_adresse()
    publie(des_coordonnees(compte_id=compte_id, adresse=adresse, langue=langue))
    publie(une_carte_demandee(compte_id=compte_id))
    mailbox.wait_for(to=adresse, count=1)
    publie(une_demande_incomplete(compte_id=compte_id, RESIDENCE="EXPIREE"))
    mailbox.wait_for(to=adresse, count=2)
    publie(une_carte_approuvee(compte_id=compte_id))
    recue, incomplete, approuvee = mailbox.wait_for(to=adresse, count=3)
    francais = langue == "fr"
    assert ("demande" if francais else "request") in recue["subject"]
    assert (
        "Preuve de résidence\u00a0: le document est expiré"
        if francais
        else "Proof of residence: the document has expired"
    ) in incomplete["text"]
    assert f"{URL_PUBLIQUE}/cartes" in incomplete["html"]
    for suite in ("", "/apple", "/google"):
        assert f'{URL_PUBLIQUE}/portefeuille/jeton-carte{suite}"' in approuvee["html"]
    echeance = "1er\u00a0mars\u00a02028" if francais else "March\u00a01,\u00a02028"
    assert echeance in approuvee["html"]


def test_chaque_evenement_livre_deux_fois_ne_donne_qu_un_courriel(publie, mailbox, base):
    compte_id, adresse, autre = str(uuid4()), une_adresse(), une_adresse()
    evenements = [
        (un_courriel_demande(adresse=autre), uuid4()),
        (des_coordonnees(compte_id=compte_id, adresse=adresse), uuid4()),
        (une_carte_approuvee(compte_id=compte_id), uuid4()),
    ]
    for message, event_id in [*evenements, *reversed(evenements), *evenements]:
        publie(message, event_id=event_id)
    un_seul(mailbox, base, autre)
    un_seul(mailbox, base, adresse)


def test_une_decision_avant_le_compte_attend_l_adresse_et_part_une_fois(publie, mailbox, base):
    compte_id, adresse = str(uuid4()), une_adresse()
    event_id = publie(une_carte_approuvee(compte_id=compte_id))
    row = wait_until(
        lambda: base.execute("SELECT * FROM envoi WHERE event_id = %s", [event_id]).fetchone(),
        what="the waiting mail",
    )
    assert (row["etat"], row["pret_le"]) == ("A_ENVOYER", None)
    publie(un_compte_active(compte_id=compte_id, categories=["info_travaux"], canaux=["courriel"]))
    publie(des_coordonnees(compte_id=compte_id, adresse=adresse, langue="en"))
    assert un_seul(mailbox, base, adresse)["subject"] == "Your Carte citoyen is ready"


def test_le_relais_dit_la_fin_de_chaque_envoi(publie, mailbox, base):
    adresse = une_adresse()
    publie(un_courriel_demande(adresse=adresse))
    mail = un_seul(mailbox, base, adresse)
    envoi_id = mail["headers"]["message-id"].strip("<>").split("@")[0]
    row = wait_until(
        lambda: base.execute(
            "SELECT * FROM outbox WHERE aggregate = %s AND published_at IS NOT NULL", [envoi_id]
        ).fetchone(),
        what="the published event",
    )
    assert row["routing_key"] == "envoi_termine.v1"


def test_la_trace_de_l_evenement_va_jusqu_a_la_reponse_smtp(publie, mailbox, base, traces):
    trace, adresse = uuid4().hex, une_adresse()
    publie(un_courriel_demande(adresse=adresse), traceparent=f"00-{trace}-{uuid4().hex[:16]}-01")
    un_seul(mailbox, base, adresse)

    def smtp():
        lignes = traces.read_text().splitlines() if traces.exists() else []
        return [ligne for ligne in lignes if trace in ligne and "avis.smtp" in ligne]

    (ligne,) = wait_until(smtp, what="the span of the SMTP call")
    assert "smtp.code" in ligne
    assert adresse not in traces.read_text()


def test_un_sceau_brise_va_aux_lettres_mortes_et_les_autres_passent(
    publie, mailbox, base, avis_amqp_url
):
    casse = un_courriel_demande(adresse=une_adresse())
    casse.scelle = casse.scelle[:-1] + b"\x00"
    casse_id = publie(casse)
    adresse = une_adresse()
    publie(un_courriel_demande(adresse=adresse))
    un_seul(mailbox, base, adresse)
    assert casse_id in wait_until(lambda: mortes(avis_amqp_url), what="the dead letter")
    row = base.execute("SELECT 1 FROM envoi WHERE event_id = %s", [casse_id]).fetchone()
    assert row is None


def mortes(amqp_url):
    """Ids of the dead letters of avis, taken out of their queue."""
    from uuid import UUID  # noqa: PLC0415

    import pika  # noqa: PLC0415

    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connexion:
        canal = connexion.channel()
        ids = []
        while (prise := canal.basic_get("avis.mort", auto_ack=True))[0] is not None:
            ids.append(UUID(prise[1].message_id))
    return ids


def test_la_fin_d_un_document_et_une_conservation_obligatoire_sont_dites_une_fois(publie, mailbox):
    compte_id, adresse = str(uuid4()), une_adresse()
    publie(des_coordonnees(compte_id=compte_id, adresse=adresse, langue="fr"))
    fin = PieceBientotExpiree(
        piece_id=str(uuid4()), compte_id=compte_id, genre="IDENTITE", valide_jusqu_au="2026-04-20"
    )
    event_id = uuid4()
    publie(fin, event_id=event_id)
    publie(fin, event_id=event_id)
    (rappel,) = mailbox.wait_for(to=adresse, count=1)
    assert "pièce d’identité" in rappel["text"]
    assert "20\u00a0avril\u00a02026" in rappel["text"]
    # An inquiry may ask for silence: the next one is the first that is told.
    publie(GelPose(gel_id=str(uuid4()), compte_id=compte_id, sans_avis=True))
    publie(GelPose(gel_id=str(uuid4()), compte_id=compte_id))
    _, gel = mailbox.wait_for(to=adresse, count=2)
    assert "Conservation obligatoire" in gel["subject"]
