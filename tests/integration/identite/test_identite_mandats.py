"""Acting for somebody else, and staff roles, over gRPC on the real database (IDN-21)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from uuid import uuid4

import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import identite_service_pb2 as identite_pb
from espacecitoyen.identite.v1 import mandats_service_pb2 as pb
from tests.kit.identite import une_identite
from tests.kit.identity import token

pytestmark = [pytest.mark.integration, pytest.mark.exigence("IDN-21")]

MERE, FILLE, TIERS = "mere@exemple.ca", "fille@exemple.ca", "tiers@exemple.ca"


@pytest.fixture
def identite(database_url, clean_database):
    """Staff need no second factor here: these tests are about something else."""
    del clean_database
    with une_identite(database_url("identite"), second_facteur_personnel=False) as service:
        yield service


def personne(identite, courriel, *roles):
    """An account with a session; staff through their own door."""
    compte_id = identite.un_compte(
        courriel=courriel, nom_utilisateur=courriel.partition("@")[0], prenom=courriel[0].upper()
    )
    if roles:
        identite.ecrire(
            "UPDATE compte SET roles = :roles WHERE id = :id",
            roles=["citoyen", *roles],
            id=compte_id,
        )
    return entrer(identite, courriel, agent=bool(roles))


def entrer(identite, courriel, *, agent=False):
    secret = identite.ouvrir(identifiant=courriel, agent=agent).jeton_session
    return relire(identite, secret)


def relire(identite, secret):
    """What the gateway would mint for this session now."""
    vue = identite.verifier(secret)
    autrui = vue.agit_pour.compte_id if vue.HasField("agit_pour") else ""
    return SimpleNamespace(
        secret=secret,
        compte_id=vue.compte_id,
        vue=vue,
        jeton=token(vue.compte_id, *vue.roles, session=vue.session_id, acting_for=autrui),
        propre=token(vue.compte_id, *vue.roles_propres, session=vue.session_id),
    )


def proposer(identite, mandant, courriel=FILLE, portee=("cartes",), fin="2026-12-31"):
    demande = pb.ProposerMandatRequest(
        request_id=str(uuid4()), courriel=courriel, portee=portee, fin=fin
    )
    return identite.appeler("ProposerMandat", demande, jeton=mandant.propre).mandat_id


def repondre(mandat_id, *, accepte=True):
    return pb.RepondreMandatRequest(request_id=str(uuid4()), mandat_id=mandat_id, accepte=accepte)


def agir(mandat_id):
    return pb.AgirPourRequest(request_id=str(uuid4()), mandat_id=mandat_id)


def terminer(mandat_id):
    return pb.TerminerMandatRequest(request_id=str(uuid4()), mandat_id=mandat_id)


@pytest.fixture
def famille(identite):
    """A mother, her daughter, and the mandate of the cards that the daughter accepted."""
    mere, fille = personne(identite, MERE), personne(identite, FILLE)
    mandat_id = proposer(identite, mere)
    identite.appeler("RepondreMandat", repondre(mandat_id), jeton=fille.propre)
    return SimpleNamespace(mere=mere, fille=fille, mandat_id=mandat_id)


def listes(identite, qui):
    lue = identite.appeler("ListMandats", pb.ListMandatsRequest(), jeton=qui.propre)
    return list(lue.donnes), list(lue.recus), list(lue.invitations)


def test_both_sides_agree_before_anything_opens(identite):
    mere, fille = personne(identite, MERE), personne(identite, FILLE)
    mandat_id = proposer(identite, mere, portee=("cartes", "avis"))
    (donne,), _, _ = listes(identite, mere)
    assert (donne.autre, donne.statut) == (FILLE, pb.STATUT_MANDAT_PROPOSE)
    _, _, (invitation,) = listes(identite, fille)
    assert (invitation.autre, list(invitation.portee)) == ("M Tremblay", ["avis", "cartes"])
    assert len(identite.courriels("mandat_propose")) == 1
    refus = identite.refus("AgirPour", agir(mandat_id), jeton=fille.propre)
    assert refus.reason == "MANDAT_INTROUVABLE"
    identite.appeler("RepondreMandat", repondre(mandat_id), jeton=fille.propre)
    (donne,), _, _ = listes(identite, mere)
    assert (donne.autre, donne.statut) == ("F Tremblay", pb.STATUT_MANDAT_ACTIF)
    assert len(identite.courriels("mandat_change")) == 1


def test_an_address_without_an_account_cannot_be_told_from_another(identite):
    mere = personne(identite, MERE)
    assert proposer(identite, mere, courriel="personne@exemple.ca")
    (donne,), _, _ = listes(identite, mere)
    assert (donne.autre, donne.statut) == ("personne@exemple.ca", pb.STATUT_MANDAT_PROPOSE)
    assert identite.courriels("mandat_propose") == []
    # Who comes later with that mailbox finds it.
    _, _, invitations = listes(identite, personne(identite, "personne@exemple.ca"))
    assert len(invitations) == 1


def test_a_session_that_acts_bears_whom_and_nothing_of_its_own(identite, famille):
    identite.appeler("AgirPour", agir(famille.mandat_id), jeton=famille.fille.propre)
    fille = relire(identite, famille.fille.secret)
    assert list(fille.vue.roles) == ["mandat_cartes"]
    assert list(fille.vue.roles_propres) == ["citoyen"]
    assert fille.vue.compte_id == famille.fille.compte_id
    assert fille.vue.agit_pour.compte_id == famille.mere.compte_id
    assert (fille.vue.agit_pour.prenom, fille.vue.agit_pour.genre) == ("M", "mandat")
    # Neither account nor security of either side through the token that acts.
    for rpc, demande in (
        ("GetProfil", identite_pb.GetProfilRequest()),
        ("ListMandats", pb.ListMandatsRequest()),
        ("ProposerMandat", pb.ProposerMandatRequest()),
    ):
        assert identite.refus(rpc, demande, jeton=fille.jeton).reason == "ACCES_REFUSE"
    cesser = pb.CesserAgirRequest(request_id=str(uuid4()))
    identite.appeler("CesserAgir", cesser, jeton=fille.propre)
    assert list(relire(identite, famille.fille.secret).vue.roles) == ["citoyen"]
    assert [e["acte"] for e in identite.evenements("mandat_change.v1")] == [
        "propose", "accepte", "commence", "cesse",
    ]  # fmt: skip


@pytest.mark.parametrize("qui", ["mere", "fille"])
def test_either_side_ends_it_at_once(identite, famille, qui):
    identite.appeler("AgirPour", agir(famille.mandat_id), jeton=famille.fille.propre)
    cote = getattr(famille, qui)
    identite.appeler("TerminerMandat", terminer(famille.mandat_id), jeton=cote.propre)
    assert list(relire(identite, famille.fille.secret).vue.roles) == ["citoyen"]
    refus = identite.refus("AgirPour", agir(famille.mandat_id), jeton=famille.fille.propre)
    assert refus.reason == "MANDAT_TERMINE"
    # One to the giver when it was accepted, one to each side at its end.
    assert len(identite.courriels("mandat_change")) == 3


def test_the_last_day_counts_whole_in_the_city(identite):
    mere, fille = personne(identite, MERE), personne(identite, FILLE)
    mandat_id = proposer(identite, mere, fin="2026-03-02")
    identite.appeler("RepondreMandat", repondre(mandat_id), jeton=fille.propre)
    identite.appeler("AgirPour", agir(mandat_id), jeton=fille.propre)
    # 15:00 UTC is 10:00 in the city; the day ends 14 hours later.
    for _ in range(28):
        identite.horloge.advance(minutes=25)
        assert list(identite.verifier(fille.secret).roles) == ["mandat_cartes"]
        if identite.horloge().hour == 2:
            break
    fille = entrer(identite, FILLE)
    assert identite.appeler("AgirPour", agir(mandat_id), jeton=fille.propre) is not None
    identite.horloge.advance(hours=5 - identite.horloge().hour, minutes=-identite.horloge().minute)
    fille = entrer(identite, FILLE)
    assert (
        identite.refus("AgirPour", agir(mandat_id), jeton=fille.propre).reason == "MANDAT_TERMINE"
    )


def test_an_invitation_ends_after_fourteen_days(identite):
    mere, fille = personne(identite, MERE), personne(identite, FILLE)
    mandat_id = proposer(identite, mere)
    identite.horloge.advance(days=14)
    fille = entrer(identite, FILLE)
    assert listes(identite, fille)[2] == []
    refus = identite.refus("RepondreMandat", repondre(mandat_id), jeton=fille.propre)
    assert refus.reason == "MANDAT_TERMINE"


def test_a_stranger_sees_and_does_nothing(identite, famille):
    tiers = personne(identite, TIERS)
    autre = proposer(identite, famille.mere)
    assert listes(identite, tiers) == ([], [], [])
    for rpc, demande in (
        ("RepondreMandat", repondre(autre)),
        ("TerminerMandat", terminer(famille.mandat_id)),
        ("AgirPour", agir(famille.mandat_id)),
        ("AgirPour", agir("pas-un-id")),
    ):
        assert identite.refus(rpc, demande, jeton=tiers.propre).reason == "MANDAT_INTROUVABLE"


@pytest.mark.parametrize(
    ("champs", "refuse"),
    [
        ({"courriel": MERE}, {"courriel": "MANDATAIRE_SOI_MEME"}),
        ({"courriel": "rien"}, {"courriel": "COURRIEL_INVALIDE"}),
        ({"portee": ()}, {"portee": "CHAMP_REQUIS"}),
        ({"portee": ("securite",)}, {"portee": "PORTEE_INCONNUE"}),
        ({"fin": "2026-03-01"}, {"fin": "FIN_HORS_LIMITES"}),
        ({"fin": "2099-01-01"}, {"fin": "FIN_HORS_LIMITES"}),
        ({"fin": "demain"}, {"fin": "DATE_INVALIDE"}),
    ],
)
def test_a_proposal_is_judged_field_by_field(identite, champs, refuse):
    mere = personne(identite, MERE)
    with pytest.raises(RemoteError) as vu:
        proposer(identite, mere, **champs)
    assert vu.value.fields == refuse


def test_accepting_and_ending_at_once_never_leaves_a_mandate_half_open(identite):
    mere, fille = personne(identite, MERE), personne(identite, FILLE)
    for _ in range(4):
        mandat_id = proposer(identite, mere)
        actes = (
            ("RepondreMandat", repondre(mandat_id), fille),
            ("TerminerMandat", terminer(mandat_id), mere),
        )

        def jouer(acte):
            rpc, demande, qui = acte
            try:
                identite.appeler(rpc, demande, jeton=qui.propre)
            except RemoteError as error:
                return error.reason
            return ""

        with ThreadPoolExecutor(2) as fils:
            issues = list(fils.map(jouer, actes))
        assert issues[0] in {"", "MANDAT_TERMINE", "MANDAT_INTROUVABLE"}
        assert issues[1] == ""
        (ligne,) = identite.lignes("SELECT termine_le FROM mandat WHERE id = :id", id=mandat_id)
        assert ligne.termine_le is not None


# The desk


def test_staff_at_the_desk_are_shown_as_such_for_an_hour(identite):
    mere = personne(identite, MERE)
    agente = personne(identite, "agente@exemple.ca", "agent_guichet")
    demande = pb.AgirAuGuichetRequest(
        request_id=str(uuid4()), compte_id=mere.compte_id, motif="Venue avec son permis"
    )
    assert identite.refus("AgirAuGuichet", demande, jeton=mere.propre).reason == "ACCES_REFUSE"
    identite.appeler("AgirAuGuichet", demande, jeton=agente.propre)
    agente = relire(identite, agente.secret)
    assert list(agente.vue.roles) == ["agent_guichet"]
    assert (agente.vue.agit_pour.genre, agente.vue.agit_pour.compte_id) == (
        "guichet",
        mere.compte_id,
    )
    # It is no mandate of the citizen's, and gives the agent none.
    assert listes(identite, mere)[0] == []
    (evenement,) = identite.evenements("mandat_change.v1")
    assert (evenement["genre"], evenement["acteur_id"]) == ("guichet", agente.compte_id)
    for _ in range(5):
        identite.horloge.advance(minutes=12)
        vue = identite.verifier(agente.secret)
    assert not vue.HasField("agit_pour")


# Roles


def changer(courriel, role, *, donner=True, motif="Arrivée à l’équipe des cartes"):
    return pb.ChangerRoleRequest(
        request_id=str(uuid4()), courriel=courriel, role=role, donner=donner, motif=motif
    )


@pytest.fixture
def admins(identite):
    return [personne(identite, f"admin{rang}@exemple.ca", "admin") for rang in range(3)]


def test_a_role_is_given_with_its_reason_and_taken_at_once(identite, admins):
    personne(identite, MERE)
    identite.appeler("ChangerRole", changer(MERE, "agent_cartes"), jeton=admins[0].propre)
    agente = entrer(identite, MERE, agent=True)
    assert list(agente.vue.roles) == ["agent_cartes"]
    assert list(agente.vue.permissions) == ["cartes.traiter"]
    identite.horloge.advance(seconds=1)
    identite.appeler(
        "ChangerRole", changer(MERE, "agent_cartes", donner=False), jeton=admins[1].propre
    )
    refus = identite.refus(
        "VerifierSession", identite_pb.VerifierSessionRequest(jeton_session=agente.secret)
    )
    assert refus.reason == "SESSION_EXPIREE"
    lue = identite.appeler("GetMatrice", pb.GetMatriceRequest(), jeton=admins[0].propre)
    assert [(c.role, c.donne, c.par) for c in lue.changements] == [
        ("agent_cartes", False, admins[1].compte_id),
        ("agent_cartes", True, admins[0].compte_id),
    ]
    assert {m.courriel for m in lue.personnel} == {f"admin{rang}@exemple.ca" for rang in range(3)}
    assert len(identite.evenements("role_change.v1")) == 2


def test_nobody_changes_their_own_roles(identite, admins):
    for role, donner in (("agent_cartes", True), ("admin", False)):
        demande = changer("admin0@exemple.ca", role, donner=donner)
        refus = identite.refus("ChangerRole", demande, jeton=admins[0].propre)
        assert refus.reason == "ATTRIBUTION_INTERDITE"


def test_two_administrators_remain_even_in_a_race(identite, admins):
    def retirer(paire):
        par, vise = paire
        demande = changer(f"admin{vise}@exemple.ca", "admin", donner=False)
        try:
            identite.appeler("ChangerRole", demande, jeton=admins[par].propre)
        except RemoteError as error:
            return error.reason
        return ""

    with ThreadPoolExecutor(3) as fils:
        issues = sorted(fils.map(retirer, [(0, 1), (1, 2), (2, 0)]))
    assert issues == ["", "DERNIERS_ADMINS", "DERNIERS_ADMINS"]


@pytest.mark.parametrize(
    ("champs", "raison"),
    [
        ({"role": "citoyen"}, "DONNEES_INVALIDES"),
        ({"role": "roi"}, "DONNEES_INVALIDES"),
        ({"motif": "parce que"}, "DONNEES_INVALIDES"),
        ({"courriel": "inconnu@exemple.ca"}, "COMPTE_INTROUVABLE"),
    ],
)
def test_a_change_of_role_is_judged(identite, admins, champs, raison):
    personne(identite, MERE)
    demande = changer(**({"courriel": MERE, "role": "agent_cartes"} | champs))
    assert identite.refus("ChangerRole", demande, jeton=admins[0].propre).reason == raison


def test_a_change_of_role_needs_a_recent_proof(identite, admins):
    personne(identite, MERE)
    identite.horloge.advance(minutes=14)
    identite.verifier(admins[0].secret)
    identite.horloge.advance(minutes=10)
    refus = identite.refus("ChangerRole", changer(MERE, "admin"), jeton=admins[0].propre)
    assert refus.reason == "PREUVE_REQUISE"
