"""Log-in, claim and links of imported accounts, over gRPC on the real database."""

from __future__ import annotations

import statistics
import time
from uuid import uuid4

import pytest

from chassis.grpc_client import Remote
from espacecitoyen.identite.v1 import identite_service_pb2 as pb
from espacecitoyen.identite.v1 import ponts_service_pb2 as ponts
from espacecitoyen.identite.v1.ponts_service_pb2_grpc import PontsServiceStub
from services.identite.domain.ponts import Source
from tests.kit.identite import AUTRE_MOT_DE_PASSE, MOT_DE_PASSE, une_connexion, une_identite
from tests.kit.identity import token
from tests.kit.ponts import (
    ANCIEN_MOT_DE_PASSE,
    CLE_PONTS_TEXTE,
    ecrire,
    empreinte_aspnet,
    empreinte_bcrypt,
    empreinte_django,
    empreinte_pbkdf2,
    empreinte_sha512,
    importer_fichier,
    un_compte_de_loisirs,
    un_compte_de_taxes,
    un_contact,
)

pytestmark = [pytest.mark.integration]

AGENT = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0099"


@pytest.fixture
def identite(database_url, clean_database):
    """An identite that may open old hashes, and whose refusals take little."""
    del clean_database
    url = database_url("identite")
    with une_identite(url, cle_ponts=CLE_PONTS_TEXTE, refus_heritage_s=0.3) as service:
        yield service


@pytest.fixture
def appeler(identite):
    """Call the bridges as somebody."""
    remote = Remote("identite", stub=PontsServiceStub, addresses=identite.remote._addresses)

    def appel(rpc, request, *, sujet, role="citoyen"):
        return remote.call(
            lambda s: getattr(s, rpc), request, token=token(sujet, role), deadline=10.0
        )

    yield appel
    remote.close()


def importer(identite, tmp_path, *lignes, source=Source.TAXES):
    return importer_fichier(identite, ecrire(tmp_path / f"{uuid4()}.csv", source, lignes), source)


def ancienne(**champs):
    return {"mot_de_passe": ANCIEN_MOT_DE_PASSE} | champs


@pytest.mark.exigence("IDN-08")
@pytest.mark.parametrize(
    "empreinte",
    [empreinte_bcrypt, empreinte_django, empreinte_pbkdf2, empreinte_sha512, empreinte_aspnet],
)
def test_the_same_credentials_log_in_by_e_mail_and_by_user_name(identite, tmp_path, empreinte):
    importer(identite, tmp_path, un_compte_de_taxes(empreinte=empreinte()))
    premiere = identite.ouvrir(**ancienne(identifiant="Zoe.Tremblay@exemple.ca"))
    assert premiere.premiere_connexion
    assert identite.verifier(premiere.jeton_session).prenom == "Zoé"
    (compte,) = identite.lignes("SELECT mot_de_passe FROM compte")
    assert compte.mot_de_passe.startswith("$argon2id$")
    seconde = identite.ouvrir(**ancienne(identifiant="ZOE.T"))
    assert not seconde.premiere_connexion


@pytest.mark.exigence("IDN-08")
@pytest.mark.parametrize("mot_de_passe", [MOT_DE_PASSE, "", "x" * 300, "\0", "érable"])
def test_a_wrong_old_password_is_refused_like_any(identite, tmp_path, mot_de_passe):
    importer(identite, tmp_path, un_compte_de_taxes())
    refus = identite.refus("OuvrirSession", une_connexion(mot_de_passe=mot_de_passe))
    inconnu = identite.refus(
        "OuvrirSession", une_connexion(mot_de_passe=mot_de_passe, identifiant="x@exemple.ca")
    )
    assert (refus.reason, refus.metadata) == (inconnu.reason, inconnu.metadata)
    assert refus.reason == "IDENTIFIANTS_INVALIDES"


@pytest.mark.exigence("IDN-08")
def test_an_account_without_hash_opens_with_no_password_at_all(identite, tmp_path):
    importer(identite, tmp_path, un_compte_de_taxes(actif="non"))
    leurre = "un mot de passe que personne ne peut saisir\0"
    for essai in (ANCIEN_MOT_DE_PASSE, "", "$aucun$", leurre):
        refus = identite.refus("OuvrirSession", une_connexion(mot_de_passe=essai))
        assert refus.reason == "IDENTIFIANTS_INVALIDES"


@pytest.mark.exigence("IDN-08")
def test_a_refusal_takes_the_same_time_for_every_kind_of_account(identite, tmp_path):
    identite.un_compte(courriel="nouveau@exemple.ca", nom_utilisateur="")
    importer(
        identite,
        tmp_path,
        un_compte_de_taxes(empreinte=empreinte_bcrypt()),
        un_compte_de_taxes(reference="2", courriel="sans@exemple.ca", nom_utilisateur="",
                           empreinte=""),
    )  # fmt: skip
    identite.servicer._hacheur.vrai._presentes._lu = None
    durees = {}
    for vise in ("zoe.tremblay@exemple.ca", "sans@exemple.ca", "nouveau@exemple.ca", "x@x.ca"):
        mesures = []
        for essai in range(2):
            debut = time.monotonic()
            identite.refus(
                "OuvrirSession",
                une_connexion(identifiant=vise, mot_de_passe="faux", adresse_ip=f"192.0.2.{essai}"),
            )
            mesures.append(time.monotonic() - debut)
        durees[vise] = statistics.median(mesures)
    assert min(durees.values()) >= 0.3
    assert max(durees.values()) - min(durees.values()) < 0.25, durees


@pytest.mark.exigence("IDN-08", "IDN-13")
@pytest.mark.parametrize("champs", [{"actif": "non"}, {"empreinte": ""}, {}])
def test_an_imported_account_is_claimed_by_forgotten_password(identite, tmp_path, champs):
    importer(identite, tmp_path, un_compte_de_taxes(**champs))
    identite.appeler(
        "DemanderReinitialisation",
        pb.DemanderReinitialisationRequest(
            request_id=str(uuid4()), courriel="zoe.tremblay@exemple.ca"
        ),
    )
    (courriel,) = identite.courriels("reinitialisation")
    identite.appeler(
        "ReinitialiserMotDePasse",
        pb.ReinitialiserMotDePasseRequest(
            request_id=str(uuid4()), jeton=courriel["jeton"], mot_de_passe=AUTRE_MOT_DE_PASSE
        ),
    )
    # The link proved the mailbox: notices and links by e-mail may begin.
    assert len(identite.evenements("coordonnees_validees.v1")) == 1
    assert identite.ouvrir(mot_de_passe=AUTRE_MOT_DE_PASSE).premiere_connexion
    if champs:
        return
    refus = identite.refus("OuvrirSession", une_connexion(**ancienne()))
    assert refus.reason == "IDENTIFIANTS_INVALIDES"


@pytest.mark.exigence("IDN-08")
def test_the_first_log_in_asks_to_prove_the_mailbox_and_opens_the_number(identite, tmp_path):
    importer(identite, tmp_path, un_compte_de_taxes())
    identite.ouvrir(**ancienne())
    (courriel,) = identite.courriels("activation")
    (point,) = identite.lignes("SELECT valeur FROM coordonnee")
    assert point.valeur == "+14504344440"
    assert identite.activer(courriel["jeton"])
    (compte,) = identite.lignes("SELECT active_le FROM compte")
    assert compte.active_le is not None
    assert len(identite.evenements("compte_active.v1")) == 1


@pytest.mark.exigence("IDN-09")
def test_recreation_is_linked_once_the_mailbox_is_proved_and_its_owner_is_here(
    identite, tmp_path, appeler
):
    importer(identite, tmp_path, un_compte_de_loisirs(), source=Source.LOISIRS)
    importer(identite, tmp_path, un_compte_de_taxes())
    identite.ouvrir(**ancienne())
    (compte,) = identite.lignes("SELECT id FROM compte")
    lies = appeler("ListComptesLies", ponts.ListComptesLiesRequest(), sujet=str(compte.id))
    assert lies.courriel_a_confirmer
    assert [c.source for c in lies.comptes] == ["taxes"]
    identite.activer(identite.courriels("activation")[0]["jeton"])
    lies = appeler("ListComptesLies", ponts.ListComptesLiesRequest(), sujet=str(compte.id))
    assert [(c.source, c.etat) for c in lies.comptes] == [("loisirs", "LIE"), ("taxes", "LIE")]
    # Where there is also a tax account, its rule wins.
    assert lies.regle == "taxes"
    (evenement,) = identite.evenements("liaison_changee.v1")
    assert (evenement["source"], evenement["etat"]) == ("loisirs", "LIE")


@pytest.mark.exigence("IDN-09")
@pytest.mark.parametrize(("lier", "etat"), [(True, "LIE"), (False, "REFUSE")])
def test_another_person_waits_for_staff_who_give_a_reason(identite, tmp_path, appeler, lier, etat):
    autre = un_compte_de_loisirs(prenom="Luc", date_naissance="1960-01-01")
    importer(identite, tmp_path, autre, source=Source.LOISIRS)
    compte_id = identite.un_compte()
    lies = appeler("ListComptesLies", ponts.ListComptesLiesRequest(), sujet=compte_id)
    assert [(c.source, c.etat) for c in lies.comptes] == [("loisirs", "A_DECIDER")]
    file = appeler("ListLiaisons", ponts.ListLiaisonsRequest(), sujet=AGENT, role="agent_comptes")
    (liaison,) = file.liaisons
    assert list(liaison.ecarts) == ["prenom", "date_naissance"]
    assert (liaison.la_bas.prenom, liaison.ici.prenom) == ("Luc", "Zoé")
    decision = {"request_id": str(uuid4()), "liaison_id": liaison.liaison_id, "lier": lier}
    with pytest.raises(Exception, match="DONNEES_INVALIDES"):
        appeler(
            "DeciderLiaison",
            ponts.DeciderLiaisonRequest(**decision, motif=" "),
            sujet=AGENT,
            role="agent_comptes",
        )
    demande = ponts.DeciderLiaisonRequest(**decision, motif="Pièce d’identité vue au comptoir")
    for _ in range(2):
        appeler("DeciderLiaison", demande, sujet=AGENT, role="agent_comptes")
    (trace,) = identite.lignes("SELECT * FROM decision_liaison WHERE par = :a", a=AGENT)
    assert (trace.avant, trace.apres) == ("A_DECIDER", etat)
    with pytest.raises(Exception, match="LIAISON_DEJA_DECIDEE"):
        appeler(
            "DeciderLiaison",
            ponts.DeciderLiaisonRequest(
                request_id=str(uuid4()), liaison_id=liaison.liaison_id, motif="encore"
            ),
            sujet=AGENT,
            role="agent_comptes",
        )


@pytest.mark.exigence("IDN-09")
def test_a_link_is_undone_by_its_owner_alone_and_not_made_again(identite, tmp_path, appeler):
    importer(identite, tmp_path, un_compte_de_loisirs(), source=Source.LOISIRS)
    compte_id = identite.un_compte()
    autre = identite.un_compte(courriel="autre@exemple.ca", nom_utilisateur="")
    (lie,) = appeler("ListComptesLies", ponts.ListComptesLiesRequest(), sujet=compte_id).comptes
    demande = ponts.DelierCompteRequest(request_id=str(uuid4()), liaison_id=lie.liaison_id)
    with pytest.raises(Exception, match="LIAISON_INCONNUE"):
        appeler("DelierCompte", demande, sujet=autre)
    appeler("DelierCompte", demande, sujet=compte_id)
    (lie,) = appeler("ListComptesLies", ponts.ListComptesLiesRequest(), sujet=compte_id).comptes
    assert lie.etat == "DELIE"


@pytest.mark.exigence("IDN-10")
def test_an_emergency_contact_is_merged_when_its_owner_proves_it(identite, tmp_path):
    importer(
        identite,
        tmp_path,
        un_contact(canal="courriel", coordonnee="Zoe.Tremblay@exemple.ca"),
        un_contact(reference="2"),
        source=Source.URGENCES,
    )
    compte_id = identite.un_compte()
    contacts = identite.lignes("SELECT canal, compte_id FROM contact_urgence ORDER BY canal")
    assert [(c.canal, str(c.compte_id)) for c in contacts] == [
        ("courriel", compte_id),
        ("telephone", "None"),
    ]
    (fusion,) = identite.evenements("contact_fusionne.v1")
    assert fusion["compte_id"] == compte_id


@pytest.mark.exigence("IDN-09")
@pytest.mark.parametrize("rpc", ["ListLiaisons", "DeciderLiaison"])
def test_citizens_decide_about_nobody(identite, appeler, rpc):
    compte_id = identite.un_compte()
    requete = getattr(ponts, f"{rpc}Request")()
    with pytest.raises(Exception, match=r"ACCES_REFUSE|PERMISSION"):
        appeler(rpc, requete, sujet=compte_id)
