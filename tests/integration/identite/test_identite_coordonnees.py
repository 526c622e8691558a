"""Contact points on a real database: codes, limits, uniqueness, attacks (IDN-05 to 07, 11)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import coordonnee_pb2 as points
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2 as base
from tests.kit.coordonnees import (
    CELLULAIRE,
    Personne,
    messages,
    une_coordonnee,
    une_demande_de_code,
    une_modification,
    une_personne,
    une_validation,
)
from tests.kit.identity import token

pytestmark = pytest.mark.integration

FAUX = "000000"


def faux(code: str) -> str:
    return FAUX if code != FAUX else "111111"


@pytest.fixture
def zoe(identite) -> Personne:
    return une_personne(identite)


@pytest.mark.exigence("IDN-06")
def test_le_numero_de_l_inscription_attend_sa_preuve_et_rien_n_y_part(identite):
    zoe = une_personne(identite, telephone="450 555-0123", canaux=("courriel", "texto"))
    profil = zoe.profil()
    (une,) = profil.coordonnees
    assert (une.valeur, une.verifiee) == (CELLULAIRE, False)
    assert [c.coordonnee_id for c in profil.profil.a_verifier] == [une.coordonnee_id]
    accueil = zoe.appeler("GetProfil", base.GetProfilRequest()).profil
    assert [c.valeur for c in accueil.a_verifier] == [CELLULAIRE]
    assert messages(identite) == []
    # avis knows of no phone number before a proof: only the mailbox was announced (AVI-05).
    assert {e["canal"] for e in identite.evenements("coordonnees_validees.v1")} == {"courriel"}


@pytest.mark.exigence("IDN-06", "IDN-01")
def test_un_code_recu_par_texto_prouve_un_cellulaire(identite, zoe):
    une = zoe.ajouter("(450) 555-0123", genre=points.GENRE_COORDONNEE_FIXE)
    assert une.valeur == CELLULAIRE
    code = zoe.code(une.coordonnee_id)
    (message,) = messages(identite)
    assert message["numero"] == CELLULAIRE
    assert message["canal"] == "texto"
    prouvee = zoe.valider(une.coordonnee_id, f"{code[:3]} {code[3:]}")
    assert prouvee.verifiee
    assert prouvee.genre == points.GENRE_COORDONNEE_CELLULAIRE
    assert identite.evenements("coordonnees_validees.v1")[-1]["canal"] == "texto"
    assert zoe.profil().profil.telephone == CELLULAIRE
    # The code is nowhere in clear, nor as a plain hash.
    (ligne,) = identite.lignes("SELECT * FROM code_verification")
    assert code not in str(ligne)


@pytest.mark.exigence("IDN-06", "IDN-01")
def test_un_code_dicte_prouve_un_numero_que_plusieurs_peuvent_avoir(identite, zoe):
    noe = une_personne(identite, "noe@exemple.ca")
    for personne in (zoe, noe):
        une = personne.ajouter(CELLULAIRE)
        code = personne.code(une.coordonnee_id, pb.CANAL_CODE_APPEL)
        assert messages(identite)[-1]["canal"] == "telephone"
        assert personne.valider(une.coordonnee_id, code).genre == points.GENRE_COORDONNEE_FIXE
        identite.horloge.advance(minutes=1)


@pytest.mark.exigence("IDN-01")
def test_le_deuxieme_compte_apprend_que_le_cellulaire_est_pris(identite, zoe):
    zoe.prouver()
    identite.horloge.advance(minutes=1)
    noe = une_personne(identite, "noe@exemple.ca")
    une = noe.ajouter(CELLULAIRE)
    code = noe.code(une.coordonnee_id)
    demande = une_validation(coordonnee_id=une.coordonnee_id, code=code)
    assert noe.refus("ValiderCoordonnee", demande).reason == "CELLULAIRE_DEJA_PRIS"
    # The same request gives the same answer; the code has served.
    assert noe.refus("ValiderCoordonnee", demande).reason == "CELLULAIRE_DEJA_PRIS"
    encore = une_validation(coordonnee_id=une.coordonnee_id, code=code)
    assert noe.refus("ValiderCoordonnee", encore).reason == "CODE_EXPIRE"


@pytest.mark.exigence("IDN-01")
def test_de_deux_preuves_simultanees_d_un_cellulaire_une_seule_gagne(identite):
    for tour in range(5):
        numero = f"+1450555{200 + tour:04d}"
        deux = [une_personne(identite, f"p{tour}-{rang}@exemple.ca") for rang in range(2)]
        demandes = []
        for personne in deux:
            une = personne.ajouter(numero)
            code = personne.code(une.coordonnee_id, adresse_ip="")
            demandes.append(une_validation(coordonnee_id=une.coordonnee_id, code=code))
            identite.horloge.advance(seconds=31)

        def essayer(paire) -> str:
            personne, demande = paire
            try:
                personne.appeler("ValiderCoordonnee", demande)
            except RemoteError as error:
                return error.reason
            return "OK"

        with ThreadPoolExecutor(2) as fils:
            verdicts = sorted(fils.map(essayer, zip(deux, demandes, strict=True)))
        assert verdicts == ["CELLULAIRE_DEJA_PRIS", "OK"]


def test_cinq_essais_puis_plus_rien_meme_avec_le_bon_code(identite, zoe):
    une = zoe.ajouter(CELLULAIRE)
    code = zoe.code(une.coordonnee_id)
    restants = []
    for _ in range(5):
        demande = une_validation(coordonnee_id=une.coordonnee_id, code=faux(code))
        erreur = zoe.refus("ValiderCoordonnee", demande)
        assert erreur.reason == "CODE_INVALIDE"
        assert erreur.fields == {"code": "CODE_INVALIDE"}
        restants.append(erreur.metadata["essais_restants"])
    assert restants == ["4", "3", "2", "1", "0"]
    bonne = une_validation(coordonnee_id=une.coordonnee_id, code=code)
    assert zoe.refus("ValiderCoordonnee", bonne).reason == "CODE_EXPIRE"
    (ligne,) = identite.lignes("SELECT echecs, verifiee_le FROM coordonnee")
    assert (ligne.echecs, ligne.verifiee_le) == (5, None)


def test_des_essais_simultanes_ne_passent_pas_la_limite(zoe):
    une = zoe.ajouter(CELLULAIRE)
    code = zoe.code(une.coordonnee_id)

    def essayer(rang: int) -> str:
        autre = f"{(int(code) + rang + 1) % 10**6:06d}"
        demande = une_validation(coordonnee_id=une.coordonnee_id, code=autre)
        return zoe.refus("ValiderCoordonnee", demande).reason

    with ThreadPoolExecutor(8) as fils:
        raisons = list(fils.map(essayer, range(24)))
    assert raisons.count("CODE_INVALIDE") == 5
    assert raisons.count("CODE_EXPIRE") == 19


def test_un_essai_repete_avec_le_meme_request_id_ne_compte_qu_une_fois(zoe):
    une = zoe.ajouter(CELLULAIRE)
    code = zoe.code(une.coordonnee_id)
    demande = une_validation(coordonnee_id=une.coordonnee_id, code=faux(code))
    for _ in range(4):
        assert zoe.refus("ValiderCoordonnee", demande).metadata["essais_restants"] == "4"
    autre = une_validation(
        request_id=demande.request_id, coordonnee_id=une.coordonnee_id, code=code
    )
    assert zoe.refus("ValiderCoordonnee", autre).reason == "REQUEST_ID_REUTILISE"
    assert zoe.valider(une.coordonnee_id, code).verifiee


def test_un_code_ne_sert_qu_une_fois_pour_une_session_un_numero_dix_minutes(identite, zoe):
    une = zoe.ajouter(CELLULAIRE)
    autre = zoe.ajouter("450 555-0124")
    code = zoe.code(une.coordonnee_id)
    ailleurs = Personne(identite, zoe.compte_id, "une-autre-session")
    demande = une_validation(coordonnee_id=une.coordonnee_id, code=code)
    assert ailleurs.refus("ValiderCoordonnee", demande).reason == "CODE_EXPIRE"
    croisee = une_validation(coordonnee_id=autre.coordonnee_id, code=code)
    assert zoe.refus("ValiderCoordonnee", croisee).reason == "CODE_EXPIRE"
    identite.horloge.advance(minutes=10)
    tardive = une_validation(coordonnee_id=une.coordonnee_id, code=code)
    assert zoe.refus("ValiderCoordonnee", tardive).reason == "CODE_EXPIRE"
    nouveau = zoe.code(une.coordonnee_id)
    identite.horloge.advance(seconds=31)
    dernier = zoe.code(une.coordonnee_id)
    if nouveau != dernier:
        ancienne = une_validation(coordonnee_id=une.coordonnee_id, code=nouveau)
        assert zoe.refus("ValiderCoordonnee", ancienne).reason == "CODE_INVALIDE"
    assert zoe.valider(une.coordonnee_id, dernier).verifiee
    rejouee = une_validation(coordonnee_id=une.coordonnee_id, code=dernier)
    assert zoe.refus("ValiderCoordonnee", rejouee).reason == "COORDONNEE_DEJA_VERIFIEE"


def test_la_coordonnee_d_autrui_est_aussi_inconnue_qu_aucune(identite, zoe):
    une = zoe.ajouter(CELLULAIRE)
    code = zoe.code(une.coordonnee_id)
    noe = une_personne(identite, "noe@exemple.ca")
    for cible in (une.coordonnee_id, str(uuid4()), "n-importe-quoi", ""):
        for rpc, demande in (
            ("DemanderCode", une_demande_de_code(coordonnee_id=cible)),
            ("ValiderCoordonnee", une_validation(coordonnee_id=cible, code=code)),
            (
                "RetirerCoordonnee",
                pb.RetirerCoordonneeRequest(request_id=str(uuid4()), coordonnee_id=cible),
            ),
        ):
            assert noe.refus(rpc, demande).reason == "COORDONNEE_INTROUVABLE"
    remplace = une_coordonnee(numero="450 555-0199", remplace_id=une.coordonnee_id)
    assert noe.refus("AjouterCoordonnee", remplace).reason == "COORDONNEE_INTROUVABLE"
    assert zoe.valider(une.coordonnee_id, code).verifiee


def test_un_agent_ou_un_anonyme_n_entre_pas_par_cette_porte(identite, zoe):
    for jeton in (token("", "anonyme"), token(str(uuid4()), "agent_comptes")):
        refus = identite.refus("GetMonProfil", pb.GetMonProfilRequest(), jeton=jeton)
        assert refus.code.name == "PERMISSION_DENIED"
    refus = zoe.refus("GetCompte", pb.GetCompteRequest(compte_id=zoe.compte_id))
    assert refus.code.name == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("numero", "raison"),
    [
        ("", "DONNEES_INVALIDES"),
        ("450 555", "DONNEES_INVALIDES"),
        ("allo", "DONNEES_INVALIDES"),
        ("450 555-0123;ext=9", "DONNEES_INVALIDES"),
        ("\u0664\u0665\u0660 555 0123", "DONNEES_INVALIDES"),
        ("4" * 400, "DONNEES_INVALIDES"),
        ("<script>", "DONNEES_INVALIDES"),
        ("1 900 555-1234", "NUMERO_REFUSE"),
        ("+44 20 7946 0000", "NUMERO_REFUSE"),
        ("+1 876 555 0123", "NUMERO_REFUSE"),
    ],
)
def test_un_numero_inacceptable_est_refuse(zoe, numero, raison):
    assert zoe.refus("AjouterCoordonnee", une_coordonnee(numero=numero)).reason == raison


def test_le_meme_numero_ecrit_deux_fois_est_un_numero(zoe):
    zoe.ajouter("450-555-0123")
    refus = zoe.refus("AjouterCoordonnee", une_coordonnee(numero="+1 (450) 555 0123"))
    assert refus.reason == "COORDONNEE_DEJA_CONNUE"
    assert refus.fields == {"numero": "COORDONNEE_DEJA_CONNUE"}


def test_un_compte_ne_tient_pas_un_annuaire(zoe):
    for rang in range(4):
        zoe.ajouter(f"450 555-014{rang}")
    refus = zoe.refus("AjouterCoordonnee", une_coordonnee(numero="450 555-0150"))
    assert refus.reason == "TROP_DE_COORDONNEES"


@pytest.mark.exigence("IDN-06")
def test_l_ancien_numero_reste_jusqu_a_la_preuve_du_nouveau_et_en_est_averti(identite, zoe):
    ancien = zoe.prouver()
    identite.horloge.advance(minutes=1)
    nouveau = zoe.ajouter("450 555-0160", remplace_id=ancien)
    assert nouveau.remplace_id == ancien
    assert {c.coordonnee_id: c.verifiee for c in zoe.profil().coordonnees} == {
        ancien: True, nouveau.coordonnee_id: False,
    }  # fmt: skip
    assert identite.evenements("coordonnees_retirees.v1") == []
    avant = len(messages(identite, "coordonnees_changees"))
    zoe.valider(nouveau.coordonnee_id, zoe.code(nouveau.coordonnee_id))
    assert [c.valeur for c in zoe.profil().coordonnees] == ["+14505550160"]
    avertis = messages(identite, "coordonnees_changees")[avant:]
    assert CELLULAIRE in [m["numero"] for m in avertis]
    assert identite.courriels("coordonnees_changees")
    (retiree,) = identite.evenements("coordonnees_retirees.v1")
    assert retiree["canal"] == "texto"


@pytest.mark.exigence("IDN-11", "IDN-07", "IDN-05")
def test_modifier_son_profil_sur_la_version_lue(identite, zoe):
    zoe.prouver()
    profil = zoe.profil()
    demande = une_modification(
        profil,
        adresse=base.Adresse(
            ligne="12, rue Blainville", ville="Sainte-Thérèse", code_postal="j7e1a1"
        ),
        langue="en",
        categories=["culture_loisirs"],
        canaux=["courriel", "texto"],
        moyen_prefere="texto",
    )
    change = zoe.appeler("ModifierProfil", demande).mon_profil
    assert change.profil.adresse.code_postal == "J7E1A1"
    assert change.profil.moyen_prefere == "texto"
    assert change.version == profil.version + 1
    assert zoe.appeler("GetProfil", base.GetProfilRequest()).profil.moyen_prefere == "texto"
    evenement = identite.evenements("profil_modifie.v1")[-1]
    assert evenement["acteur_id"] == zoe.compte_id
    assert set(evenement["champs"]) == {
        "adresse_ligne", "langue", "categories", "canaux", "moyen_prefere", "adresse_code_postal",
    }  # fmt: skip
    assert "Blainville" not in str(evenement)
    # The same request again changes nothing; another one on the old version is told so.
    assert zoe.appeler("ModifierProfil", demande).mon_profil.version == change.version
    perime = une_modification(profil, langue="fr")
    assert zoe.refus("ModifierProfil", perime).reason == "VERSION_PERIMEE"


def test_deux_modifications_simultanees_de_la_meme_version_une_seule_passe(zoe):
    profil = zoe.profil()

    def modifier(langue: str) -> str:
        rue = base.Adresse(ligne=f"{langue} rue", ville="Laval", code_postal="H7A1A1")
        try:
            zoe.appeler("ModifierProfil", une_modification(profil, adresse=rue))
        except RemoteError as error:
            return error.reason
        return "OK"

    with ThreadPoolExecutor(4) as fils:
        verdicts = sorted(fils.map(modifier, ["1", "2", "3", "4"]))
    assert verdicts == ["OK", "VERSION_PERIMEE", "VERSION_PERIMEE", "VERSION_PERIMEE"]


@pytest.mark.exigence("IDN-11")
@pytest.mark.parametrize(
    ("champs", "fautes"),
    [
        ({"nom": "Autre"}, {"nom": "CHAMP_VERROUILLE"}),
        ({"prenom": "<b>"}, {"prenom": "PRENOM_INVALIDE"}),
        ({"date_naissance": "1990-01-01"}, {"date_naissance": "CHAMP_VERROUILLE"}),
        ({"moyen_prefere": "texto"}, {"moyen_prefere": "MOYEN_SANS_COORDONNEE"}),
        ({"moyen_prefere": "pigeon"}, {"moyen_prefere": "CANAL_INCONNU"}),
        ({"canaux": ["telephone"]}, {"canaux": "MOYEN_SANS_COORDONNEE"}),
        ({"langue": "it"}, {"langue": "LANGUE_INVALIDE"}),
        ({"adresse": base.Adresse(ligne="1, rue A")},
         {"adresse.ville": "CHAMP_REQUIS", "adresse.code_postal": "CHAMP_REQUIS"}),
    ],
)  # fmt: skip
def test_ce_que_la_personne_ne_peut_pas_changer_ou_ecrit_mal(zoe, champs, fautes):
    refus = zoe.refus("ModifierProfil", une_modification(zoe.profil(), **champs))
    assert refus.reason == "DONNEES_INVALIDES"
    assert refus.fields == fautes


def test_le_registre_dit_a_quoi_la_personne_consent_et_depuis_quand(identite, zoe):
    def registre() -> dict[str, bool]:
        lignes = identite.lignes("SELECT objet, retire_le, texte_version FROM consentement")
        assert {ligne.texte_version for ligne in lignes} == {"2026-11"}
        return {ligne.objet: ligne.retire_le is None for ligne in lignes}

    assert registre() == {"avis:info_travaux": True, "avis:vie_democratique": True}
    demande = une_modification(zoe.profil(), categories=["info_travaux", "culture_loisirs"])
    zoe.appeler("ModifierProfil", demande)
    assert registre() == {
        "avis:info_travaux": True, "avis:vie_democratique": False, "avis:culture_loisirs": True,
    }  # fmt: skip


def test_retirer_un_numero_prouve_le_dit_partout_et_rend_le_moyen_prefere(identite, zoe):
    cible = zoe.prouver()
    zoe.appeler("ModifierProfil", une_modification(zoe.profil(), moyen_prefere="texto"))
    zoe.appeler(
        "RetirerCoordonnee",
        pb.RetirerCoordonneeRequest(request_id=str(uuid4()), coordonnee_id=cible),
    )
    profil = zoe.profil()
    assert not profil.coordonnees
    assert (profil.profil.moyen_prefere, profil.profil.telephone) == ("courriel", "")
    assert [m["numero"] for m in messages(identite, "coordonnees_changees")][-1] == CELLULAIRE
    assert identite.evenements("coordonnees_retirees.v1")[0]["canal"] == "texto"
