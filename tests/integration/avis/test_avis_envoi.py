"""Sending: one mail whatever the mail server says, and doubts settled by its journal."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import OperationalError

from services.avis import use_cases
from services.avis.use_cases import (
    CourrielDefinitif,
    CourrielIncertain,
    CourrielTemporaire,
    JournalIndisponible,
    Reponse,
)
from tests.kit.avis import (
    DOMAINE,
    MAINTENANT,
    CourrielEssai,
    JournalEssai,
    annoncer,
    avancer,
    inscrire,
    ligne,
    prouver,
    termines,
    une_adresse,
)

pytestmark = [pytest.mark.integration, pytest.mark.exigence("AVI-07")]


# --- sending -----------------------------------------------------------------------------------


def test_un_envoi_est_reclame_avant_le_premier_octet_et_sans_session_ouverte(expedition, base):
    (envoi_id,) = inscrire(expedition.sessions)
    vus: list[Any] = []

    def pendant():
        vus.append(ligne(base, envoi_id))
        ouvertes = base.execute(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'essai-avis'"
            " AND state LIKE 'idle in transaction%'"
        ).fetchone()
        vus.append(ouvertes["n"])

    expedition.courriel.pendant = pendant
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    assert vus[0]["etat"] == "EN_COURS"
    assert vus[0]["pris_par"] == expedition.presence.numero
    assert vus[1] == 0
    finale = ligne(base, envoi_id)
    assert (finale["etat"], finale["essai"], finale["code_smtp"]) == ("ENVOYE", 1, 250)
    assert b'"statut":"ENVOYE"' in termines(base)[0]


def test_le_message_id_et_la_date_sont_les_memes_a_chaque_essai(expedition, base):
    expedition.courriel.reponses[:] = [CourrielTemporaire(451), 250]
    (envoi_id,) = inscrire(expedition.sessions)
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    avancer(base, envoi_id)
    use_cases.balayer(expedition=expedition)
    premiere, seconde = expedition.courriel.lettres
    assert premiere == seconde
    assert premiere.message_id == f"<{envoi_id}@{DOMAINE}>"
    assert premiere.date == MAINTENANT


def test_un_refus_temporaire_remet_l_envoi_en_ligne_plus_tard(expedition, base):
    expedition.courriel.reponses[:] = [CourrielTemporaire(None)]
    (envoi_id,) = inscrire(expedition.sessions)
    assert use_cases.envoyer(expedition=expedition, envoi_id=envoi_id) is False
    row = ligne(base, envoi_id)
    assert row["etat"] == "A_ENVOYER"
    assert row["pris_par"] is None
    use_cases.balayer(expedition=expedition)
    assert len(expedition.courriel.lettres) == 1, "the delay has not passed"
    avancer(base, envoi_id)
    use_cases.balayer(expedition=expedition)
    assert ligne(base, envoi_id)["etat"] == "ENVOYE"


def test_un_serveur_absent_arrete_la_ronde_mais_une_boite_occupee_non(expedition):
    envois = [inscrire(expedition.sessions)[0] for _ in range(3)]
    expedition.courriel.reponses[:] = [CourrielTemporaire(450), CourrielTemporaire(None)]
    use_cases.envoyer_tous(expedition=expedition, envois=envois)
    assert len(expedition.courriel.lettres) == 2


def test_un_refus_definitif_est_final_et_se_dit(expedition, base):
    expedition.courriel.reponses[:] = [CourrielDefinitif(550)]
    (envoi_id,) = inscrire(expedition.sessions)
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    use_cases.balayer(expedition=expedition)
    row = ligne(base, envoi_id)
    assert (row["etat"], row["code_smtp"]) == ("REFUSE", 550)
    assert len(expedition.courriel.lettres) == 1
    assert b'"statut":"REFUSE"' in termines(base)[0]


def test_apres_trop_d_essais_un_envoi_est_abandonne(expedition, base):
    expedition = replace(expedition, essais_max=3)
    expedition.courriel.reponses[:] = [CourrielTemporaire(None)] * 3
    (envoi_id,) = inscrire(expedition.sessions)
    for _ in range(4):
        avancer(base, envoi_id)
        use_cases.balayer(expedition=expedition)
    assert ligne(base, envoi_id)["etat"] == "REFUSE"
    assert len(expedition.courriel.lettres) == 3


def test_un_envoi_impossible_a_ecrire_n_arrete_pas_les_autres(expedition, base):
    (casse,) = inscrire(expedition.sessions)
    (bon,) = inscrire(expedition.sessions)
    base.execute("UPDATE envoi SET donnees = '\\x00' WHERE id = %s", [casse])
    use_cases.balayer(expedition=expedition)
    assert ligne(base, bon)["etat"] == "ENVOYE"
    assert ligne(base, casse)["etat"] == "A_ENVOYER"
    use_cases.balayer(expedition=expedition)
    assert len(expedition.courriel.lettres) == 1


# --- doubts ------------------------------------------------------------------------------------


@pytest.mark.exigence("AVI-10")
@pytest.mark.parametrize(("reponse", "lettres"), [(Reponse.RECU, 1), (Reponse.ABSENT, 2)])
def test_une_reponse_perdue_est_demandee_au_journal(expedition, base, reponse, lettres):
    expedition.courriel.reponses[:] = [CourrielIncertain()]
    expedition.journal.reponses[:] = [reponse]
    (envoi_id,) = inscrire(expedition.sessions)
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    assert ligne(base, envoi_id)["etat"] == "EN_COURS"
    use_cases.balayer(expedition=expedition)
    avancer(base, envoi_id)
    use_cases.balayer(expedition=expedition)
    assert expedition.journal.questions == [f"<{envoi_id}@{DOMAINE}>"]
    assert ligne(base, envoi_id)["etat"] == "ENVOYE"
    assert len(expedition.courriel.lettres) == lettres


def test_un_journal_muet_laisse_le_doute_et_l_on_redemande(expedition, base):
    expedition.courriel.reponses[:] = [CourrielIncertain()]
    expedition.journal.reponses[:] = [JournalIndisponible(), Reponse.RECU]
    (envoi_id,) = inscrire(expedition.sessions)
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    use_cases.balayer(expedition=expedition)
    assert ligne(base, envoi_id)["etat"] == "EN_COURS"
    use_cases.balayer(expedition=expedition)
    assert ligne(base, envoi_id)["etat"] == "ENVOYE"
    assert len(expedition.courriel.lettres) == 1


def test_sans_journal_un_courriel_attendu_repart_mais_pas_sans_fin(expedition, base):
    expedition.courriel.reponses[:] = [CourrielIncertain() for _ in range(5)]
    expedition.journal.reponses[:] = [Reponse.INCONNU] * 5
    (envoi_id,) = inscrire(expedition.sessions)
    for _ in range(6):
        avancer(base, envoi_id)
        use_cases.balayer(expedition=expedition)
        use_cases.balayer(expedition=expedition)
    assert len(expedition.courriel.lettres) == 3
    assert len({lettre.message_id for lettre in expedition.courriel.lettres}) == 1
    assert ligne(base, envoi_id)["etat"] == "REFUSE"


def prendre_par(expedition, presence, envoi_id):
    """Die in the middle: claim as another sender, and say nothing more."""

    class MortSubiteError(BaseException):
        pass

    def mourir():
        raise MortSubiteError

    autre = replace(
        expedition,
        presence=presence,
        courriel=CourrielEssai(pendant=mourir),
        journal=JournalEssai(),
    )
    with pytest.raises(MortSubiteError):
        use_cases.envoyer(expedition=autre, envoi_id=envoi_id)


@pytest.mark.exigence("AVI-10")
def test_un_envoi_tenu_par_un_vivant_ne_se_prend_pas(expedition, base, autre_presence):
    (envoi_id,) = inscrire(expedition.sessions)
    prendre_par(expedition, autre_presence, envoi_id)
    expedition.journal.reponses[:] = [Reponse.RECU]
    use_cases.balayer(expedition=expedition)
    assert expedition.journal.questions == []
    assert ligne(base, envoi_id)["pris_par"] == autre_presence.numero
    autre_presence.fermer()
    depuis_demarrage(base)
    use_cases.balayer(expedition=expedition)
    assert ligne(base, envoi_id)["etat"] == "ENVOYE"
    assert expedition.courriel.lettres == []


def depuis_demarrage(base):
    """Nobody is taken for dead in the first 15 s of PostgreSQL: let them pass."""
    base.execute(
        "SELECT pg_sleep(greatest(0, 15.1 - extract(epoch FROM"
        " now() - pg_postmaster_start_time())))"
    )


def test_un_verrou_perdu_se_reprend(expedition, base):
    presence = expedition.presence
    presence.assurer()
    base.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'essai-presence' AND datname = current_database()"
    )
    presence.assurer()
    tenu = base.execute("SELECT pg_try_advisory_lock(%s) AS libre", [presence.numero]).fetchone()
    assert tenu["libre"] is False


def test_sans_verrou_rien_ne_part(expedition, base):
    (envoi_id,) = inscrire(expedition.sessions)

    class SansBase:
        numero = 1
        en_vol: ClassVar[set[UUID]] = set()

        def assurer(self):
            raise OperationalError("", {}, Exception())

    perdue = replace(expedition, presence=SansBase())
    with pytest.raises(OperationalError):
        use_cases.envoyer(expedition=perdue, envoi_id=envoi_id)
    assert expedition.courriel.lettres == []
    assert ligne(base, envoi_id)["essai"] == 0


def test_une_reprise_ne_defait_pas_un_essai_plus_recent(expedition, base):
    (envoi_id,) = inscrire(expedition.sessions)
    expedition.courriel.reponses[:] = [CourrielTemporaire(451), CourrielIncertain()]
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    avancer(base, envoi_id)
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    # The sweeper read the claim of try 1 and was slow; try 2 is under way meanwhile.
    use_cases.lever_doute(
        expedition=expedition, envoi_id=envoi_id, par=expedition.presence.numero, essai=1
    )
    row = ligne(base, envoi_id)
    assert (row["etat"], row["essai"]) == ("EN_COURS", 2)


def test_un_envoi_dont_le_compte_a_perdu_son_adresse_attend_la_suivante(expedition, base):
    compte_id, perdue, nouvelle = str(uuid4()), une_adresse(), une_adresse("nouvelle")
    prouver(expedition.sessions, compte_id, perdue)
    (envoi_id,) = annoncer(expedition.sessions, compte_id)
    prouver(expedition.sessions, str(uuid4()), perdue, quand=MAINTENANT + timedelta(hours=1))
    use_cases.balayer(expedition=expedition)
    assert expedition.courriel.lettres == []
    assert ligne(base, envoi_id)["pret_le"] is None
    use_cases.envoyer_tous(
        expedition=expedition, envois=prouver(expedition.sessions, compte_id, nouvelle)
    )
    assert [lettre.adresse for lettre in expedition.courriel.lettres] == [nouvelle]


def test_la_ronde_laisse_tranquille_ce_que_ce_processus_donne_en_ce_moment(expedition, base):
    (envoi_id,) = inscrire(expedition.sessions)

    def pendant():
        use_cases.balayer(expedition=expedition)
        use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)

    expedition.courriel.pendant = pendant
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    assert len(expedition.courriel.lettres) == 1
    assert expedition.journal.questions == []
    assert ligne(base, envoi_id)["etat"] == "ENVOYE"


def test_un_envoi_fini_ou_inconnu_ne_repart_pas(expedition):
    (envoi_id,) = inscrire(expedition.sessions)
    for identifiant in (envoi_id, envoi_id, uuid4()):
        use_cases.envoyer(expedition=expedition, envoi_id=identifiant)
    assert len(expedition.courriel.lettres) == 1


def test_celui_qui_a_perdu_son_envoi_n_en_ecrit_pas_la_fin(expedition, base, autre_presence):
    (envoi_id,) = inscrire(expedition.sessions)
    expedition.courriel.pendant = lambda: base.execute(
        "UPDATE envoi SET pris_par = %s WHERE id = %s", [autre_presence.numero, envoi_id]
    )
    use_cases.envoyer(expedition=expedition, envoi_id=envoi_id)
    assert ligne(base, envoi_id)["etat"] == "EN_COURS"
    assert termines(base) == []
