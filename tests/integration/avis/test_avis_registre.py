"""The ledger takes events in: once each, in any order, sealed, and forgotten in time."""

from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

import pytest

from services.avis import domain, use_cases
from services.avis.domain import Gabarit
from tests.kit.avis import (
    CLE,
    MAINTENANT,
    annoncer,
    inscrire,
    ligne,
    prouver,
    termines,
    une_adresse,
)

pytestmark = [pytest.mark.integration, pytest.mark.exigence("AVI-07")]


# --- taking in ---------------------------------------------------------------------------------


def test_un_evenement_livre_deux_fois_ne_donne_qu_un_envoi(expedition, base):
    event_id, adresse = uuid4(), une_adresse()
    for _ in range(3):
        envois = inscrire(expedition.sessions, event_id=event_id, adresse=adresse)
        use_cases.envoyer_tous(expedition=expedition, envois=envois)
    assert [lettre.adresse for lettre in expedition.courriel.lettres] == [adresse]
    assert len(base.execute("SELECT 1 FROM envoi").fetchall()) == 1
    assert len(termines(base)) == 1


def test_deux_livraisons_simultanees_ne_donnent_qu_un_courriel(expedition):
    event_id, adresse, depart = uuid4(), une_adresse(), Barrier(6)

    def livrer():
        depart.wait()
        envois = inscrire(expedition.sessions, event_id=event_id, adresse=adresse)
        use_cases.envoyer_tous(expedition=expedition, envois=envois)

    fils = [Thread(target=livrer) for _ in range(6)]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join()
    assert len(expedition.courriel.lettres) == 1


def test_les_donnees_sont_scellees_au_repos(expedition, base):
    adresse = une_adresse("tres.reconnaissable")
    (envoi_id,) = inscrire(expedition.sessions, adresse=adresse)
    prouver(expedition.sessions, "compte", adresse)
    gardes = base.execute("SELECT row_to_json(e)::text AS tout FROM envoi e").fetchall()
    gardes += base.execute("SELECT row_to_json(p)::text AS tout FROM point_contact p").fetchall()
    for rangee in gardes:
        assert "reconnaissable" not in rangee["tout"]
        assert adresse.encode().hex() not in rangee["tout"]
    assert ligne(base, envoi_id)["etat"] == "A_ENVOYER"


@pytest.mark.parametrize(
    ("champ", "valeur", "erreur"),
    [
        ("gabarit", "publicite", domain.GabaritInconnu),
        ("langue", "de", domain.LangueInconnue),
        ("donnees", {"prenom": "Zoé", "jeton": "J"}, domain.AdresseInvalide),
        ("donnees", {"adresse": "zoe@ville.ca"}, domain.JetonManquant),
    ],
)
def test_un_evenement_illisible_n_ecrit_rien(expedition, base, champ, valeur, erreur):
    demande = {
        "gabarit": "activation",
        "langue": "fr",
        "donnees": {"adresse": "zoe@ville.ca", "jeton": "J"},
    }
    with pytest.raises(erreur):
        use_cases.inscrire_courriel(
            sessions=expedition.sessions,
            cle=CLE,
            event_id=uuid4(),
            compte_id="c",
            maintenant=MAINTENANT,
            **(demande | {champ: valeur}),
        )
    assert base.execute("SELECT 1 FROM envoi UNION ALL SELECT 1 FROM inbox").fetchall() == []


# --- contact points ----------------------------------------------------------------------------


def test_une_decision_arrivee_avant_l_adresse_l_attend_puis_part_une_fois(expedition, base):
    compte_id, adresse = str(uuid4()), une_adresse()
    assert annoncer(expedition.sessions, compte_id) == ()
    use_cases.balayer(expedition=expedition)
    assert expedition.courriel.lettres == []
    envois = prouver(expedition.sessions, compte_id, adresse, langue="en")
    use_cases.envoyer_tous(expedition=expedition, envois=envois)
    use_cases.balayer(expedition=expedition)
    (lettre,) = expedition.courriel.lettres
    assert lettre.adresse == adresse
    assert lettre.contenu.objet == "Your Carte citoyen is ready"
    assert ligne(base, envois[0])["etat"] == "ENVOYE"


def test_une_decision_et_son_adresse_arrivees_ensemble_ne_se_manquent_jamais(expedition):
    for _ in range(10):
        compte_id, adresse, depart = str(uuid4()), une_adresse(), Barrier(2)

        def decider(compte_id=compte_id, depart=depart):
            depart.wait()
            annoncer(expedition.sessions, compte_id)

        def valider(compte_id=compte_id, adresse=adresse, depart=depart):
            depart.wait()
            prouver(expedition.sessions, compte_id, adresse)

        fils = [Thread(target=decider), Thread(target=valider)]
        for fil in fils:
            fil.start()
        for fil in fils:
            fil.join()
    use_cases.balayer(expedition=expedition)
    assert len(expedition.courriel.lettres) == 10


def test_un_telephone_ne_libere_pas_un_courriel(expedition):
    compte_id = str(uuid4())
    annoncer(expedition.sessions, compte_id)
    assert prouver(expedition.sessions, compte_id, "450 434-1440", canal="texto") == ()


def test_une_adresse_appartient_au_dernier_compte_qui_l_a_prouvee(expedition, base):
    adresse = une_adresse()
    tard = MAINTENANT + timedelta(hours=1)
    prouver(expedition.sessions, "ancien", adresse)
    prouver(expedition.sessions, "nouveau", adresse.upper(), quand=tard)
    # The older proof comes again, late: it takes nothing back.
    prouver(expedition.sessions, "ancien", adresse)
    rows = base.execute("SELECT compte_id FROM point_contact").fetchall()
    assert [row["compte_id"] for row in rows] == ["nouveau"]


def test_un_telephone_fixe_peut_servir_a_deux_personnes(expedition, base):
    for compte_id in ("un", "deux"):
        prouver(expedition.sessions, compte_id, "450 434-1440", canal="telephone")
        prouver(expedition.sessions, compte_id, "450 434-1440", canal="texto")
    rows = base.execute("SELECT canal, count(*) AS n FROM point_contact GROUP BY canal").fetchall()
    assert {row["canal"]: row["n"] for row in rows} == {"telephone": 2, "texto": 1}


def test_un_courriel_va_a_l_adresse_la_plus_recente(expedition):
    compte_id, recente = str(uuid4()), une_adresse("recente")
    prouver(expedition.sessions, compte_id, recente, quand=MAINTENANT + timedelta(days=1))
    prouver(expedition.sessions, compte_id, une_adresse("ancienne"))
    envois = annoncer(expedition.sessions, compte_id)
    use_cases.envoyer_tous(expedition=expedition, envois=envois)
    assert [lettre.adresse for lettre in expedition.courriel.lettres] == [recente]


# --- forgetting --------------------------------------------------------------------------------


def test_les_donnees_puis_les_envois_finis_s_effacent_chacun_a_son_heure(expedition, base):
    (fini,) = inscrire(expedition.sessions)
    use_cases.envoyer(expedition=expedition, envoi_id=fini)
    (attend,) = inscrire(expedition.sessions)

    def oublier(donnees, envois):
        use_cases.oublier(
            sessions=expedition.sessions,
            donnees=timedelta(hours=donnees),
            envois=timedelta(hours=envois),
        )

    oublier(1, 2)
    assert ligne(base, fini)["donnees"] is not None
    base.execute("UPDATE envoi SET termine_le = now() - interval '90 min' WHERE id = %s", [fini])
    oublier(1, 2)
    assert ligne(base, fini)["donnees"] is None
    oublier(1, 1)
    assert ligne(base, fini) is None
    assert ligne(base, attend)["donnees"] is not None


# --- subscriptions -----------------------------------------------------------------------------


def abonner(sessions, compte_id, categories, canaux, event_id=None):
    use_cases.enregistrer_abonnement(
        sessions=sessions,
        event_id=event_id or uuid4(),
        compte_id=compte_id,
        langue="fr",
        categories=categories,
        canaux=canaux,
        active_le=MAINTENANT,
    )


@pytest.mark.exigence("AVI-02", "IDN-05")
def test_urgence_n_est_jamais_une_rangee(expedition, base):
    abonner(expedition.sessions, "c", ["urgence", "info_travaux"], ["courriel", "telephone"])
    rows = base.execute("SELECT categorie FROM abonnement").fetchall()
    assert [row["categorie"] for row in rows] == ["info_travaux"]
    rows = base.execute("SELECT canal FROM canal_choisi ORDER BY canal").fetchall()
    assert [row["canal"] for row in rows] == ["courriel", "telephone"]


def test_un_choix_ancien_qui_revient_ne_remplace_pas_le_choix_courant(expedition, base):
    abonner(expedition.sessions, "c", ["info_travaux"], ["courriel"])
    base.execute("DELETE FROM abonnement")
    abonner(expedition.sessions, "c", ["info_travaux"], ["courriel"])
    assert base.execute("SELECT 1 FROM abonnement").fetchall() == []


@pytest.mark.parametrize(
    ("categories", "canaux", "erreur"),
    [
        (["rumeurs"], ["courriel"], domain.CategorieInconnue),
        ([], ["pigeon"], domain.CanalInconnu),
    ],
)
def test_un_choix_inconnu_n_ecrit_rien(expedition, base, categories, canaux, erreur):
    with pytest.raises(erreur):
        abonner(expedition.sessions, "c", categories, canaux)
    assert base.execute("SELECT 1 FROM abonne UNION ALL SELECT 1 FROM inbox").fetchall() == []


def test_les_evenements_de_compte_livres_deux_fois_n_ont_qu_un_effet(expedition, base):
    event_id, adresse = uuid4(), une_adresse()
    for _ in range(2):
        abonner(expedition.sessions, "c", ["info_travaux"], ["courriel"], event_id=event_id)
    event_id = uuid4()
    for fois in range(2):
        envois = use_cases.enregistrer_coordonnees(
            sessions=expedition.sessions,
            cle=CLE,
            event_id=event_id,
            compte_id="c",
            canal="courriel",
            langue="fr",
            donnees={"adresse": adresse, "prenom": "Zoé"},
            verifie_le=MAINTENANT,
        )
        assert envois == (), fois
    event_id = uuid4()
    for _ in range(2):
        use_cases.inscrire_nouvelle(
            sessions=expedition.sessions,
            cle=CLE,
            event_id=event_id,
            compte_id="c",
            gabarit=Gabarit.CARTE_DEMANDEE,
            donnees={},
            maintenant=MAINTENANT,
        )
    for table in ("abonne", "point_contact", "envoi"):
        assert base.execute(f"SELECT count(*) AS n FROM {table}").fetchone() == {"n": 1}
