"""What staff decide and the citizen replaces; whatever the acts, one open card per person."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cartes.domain import (
    CARTE_OUVERTE,
    AccesRefuse,
    Carte,
    CarteDejaDemandee,
    DecisionPiece,
    Demande,
    DemandeDejaDecidee,
    DonneesInvalides,
    MemePieceDeuxFois,
    MotifRefus,
    PieceDejaRefusee,
    PieceNonRefusee,
    RolePiece,
    StatutCarte,
    StatutDemande,
    StatutPieceJustificative,
    VersionPerimee,
    composer_numero,
    jour_local,
)
from tests.kit.cartes import MAINTENANT, ZONE, une_demande

pytestmark = pytest.mark.unit

JOUR = date(2026, 3, 14)
ACCEPTER = [DecisionPiece(role, acceptee=True) for role in RolePiece]


def refuser(role: RolePiece, motif: MotifRefus = MotifRefus.ILLISIBLE) -> list[DecisionPiece]:
    return [
        DecisionPiece(r, acceptee=r is not role, motif=motif if r is role else None)
        for r in RolePiece
    ]


def decider(demande: Demande, decisions, version=None, agent="agent-1") -> None:
    demande.decider(
        decisions, agent_id=agent, version=version or demande.version, maintenant=MAINTENANT
    )


def etat(demande: Demande) -> StatutDemande:
    """Return the state as it is now, which a type checker would remember from before the act."""
    return demande.statut


# --- decision ------------------------------------------------------------------------------------


@pytest.mark.exigence("CAR-04")
def test_tout_accepte_approuve() -> None:
    _, demande = une_demande()
    decider(demande, ACCEPTER)
    assert etat(demande) is StatutDemande.APPROUVEE
    assert demande.version == 2
    assert demande.decidee_le == MAINTENANT


@pytest.mark.exigence("CAR-04")
def test_une_preuve_refusee_rend_la_demande_incomplete_et_se_remplace_seule() -> None:
    _, demande = une_demande()
    decider(demande, refuser(RolePiece.RESIDENCE))
    assert etat(demande) is StatutDemande.INCOMPLETE
    with pytest.raises(PieceNonRefusee):
        demande.remplacer(RolePiece.IDENTITE, "autre", maintenant=MAINTENANT)
    with pytest.raises(PieceDejaRefusee):
        demande.remplacer(RolePiece.RESIDENCE, "piece-r", maintenant=MAINTENANT)
    with pytest.raises(MemePieceDeuxFois):
        demande.remplacer(RolePiece.RESIDENCE, "piece-i", maintenant=MAINTENANT)
    assert demande.remplacer(RolePiece.RESIDENCE, "neuve", maintenant=MAINTENANT) == "piece-r"
    assert etat(demande) is StatutDemande.DEPOSEE
    assert demande.piece(RolePiece.IDENTITE).statut is StatutPieceJustificative.ACCEPTEE
    assert demande.piece(RolePiece.RESIDENCE).statut is StatutPieceJustificative.A_VERIFIER
    # Only the new proof waits: deciding the accepted one again is refused.
    with pytest.raises(DonneesInvalides) as faits:
        decider(demande, ACCEPTER)
    assert faits.value.fields == {"decisions.IDENTITE": "NON_ATTENDU"}
    decider(demande, [DecisionPiece(RolePiece.RESIDENCE, acceptee=True)])
    assert etat(demande) is StatutDemande.APPROUVEE


def test_deux_preuves_refusees_attendent_les_deux_remplacements() -> None:
    _, demande = une_demande()
    decider(
        demande,
        [DecisionPiece(r, acceptee=False, motif=MotifRefus.ILLISIBLE) for r in RolePiece],
    )
    demande.remplacer(RolePiece.IDENTITE, "i2", maintenant=MAINTENANT)
    assert etat(demande) is StatutDemande.INCOMPLETE
    demande.remplacer(RolePiece.RESIDENCE, "r2", maintenant=MAINTENANT)
    assert etat(demande) is StatutDemande.DEPOSEE


@pytest.mark.exigence("CAR-04")
def test_le_second_agent_apprend_quand_et_pas_qui() -> None:
    _, demande = une_demande()
    decider(demande, ACCEPTER)
    with pytest.raises(VersionPerimee) as faits:
        decider(demande, ACCEPTER, version=1, agent="agent-2")
    assert faits.value.details() == {"version": "2", "modifiee_le": "2026-03-14T15:00:00Z"}
    with pytest.raises(DemandeDejaDecidee) as deja:
        decider(demande, ACCEPTER, agent="agent-2")
    assert deja.value.details() == {"decidee_le": "2026-03-14T15:00:00Z"}


@pytest.mark.exigence("CAR-04")
def test_agent_ne_decide_pas_de_sa_propre_demande() -> None:
    _, demande = une_demande(compte_id="agent-1")
    with pytest.raises(AccesRefuse):
        decider(demande, ACCEPTER)


@pytest.mark.parametrize(
    ("decisions", "fautes"),
    [
        ([], {"decisions.IDENTITE": "REQUIS", "decisions.RESIDENCE": "REQUIS"}),
        ([*ACCEPTER, ACCEPTER[0]], {"decisions.IDENTITE": "DOUBLE"}),
        (ACCEPTER[:1], {"decisions.RESIDENCE": "REQUIS"}),
        (
            [ACCEPTER[0], DecisionPiece(RolePiece.RESIDENCE, acceptee=False)],
            {"decisions.RESIDENCE.motif": "REQUIS"},
        ),
        (
            refuser(RolePiece.RESIDENCE, MotifRefus.AUTRE),
            {"decisions.RESIDENCE.precision": "REQUIS"},
        ),
        (
            [
                ACCEPTER[0],
                DecisionPiece(
                    RolePiece.RESIDENCE,
                    acceptee=False,
                    motif=MotifRefus.AUTRE,
                    precision="x" * 501,
                ),
            ],
            {"decisions.RESIDENCE.precision": "TROP_LONG"},
        ),
        (
            [
                ACCEPTER[0],
                DecisionPiece(RolePiece.RESIDENCE, acceptee=True, motif=MotifRefus.EXPIREE),
            ],
            {"decisions.RESIDENCE.motif": "NON_ATTENDU"},
        ),
    ],
)
def test_decisions_mal_formees_ne_changent_rien(decisions, fautes) -> None:
    _, demande = une_demande()
    with pytest.raises(DonneesInvalides) as faits:
        decider(demande, decisions)
    assert faits.value.fields == fautes
    assert demande.version == 1
    assert etat(demande) is StatutDemande.DEPOSEE


# --- one card per person -------------------------------------------------------------------------


@pytest.mark.exigence("CAR-01")
def test_seconde_demande_pendant_l_attente() -> None:
    carte, _ = une_demande()
    with pytest.raises(CarteDejaDemandee):
        une_demande([carte])


@pytest.mark.exigence("CAR-01")
def test_une_carte_echue_laisse_la_place() -> None:
    carte, _ = une_demande()
    carte.approuver(numero="20042000001230", maintenant=MAINTENANT, zone=ZONE)
    une_demande([carte], maintenant=datetime(2028, 3, 15, 12, tzinfo=UTC))
    assert carte.statut is StatutCarte.EXPIREE
    assert carte.numero == "20042000001230"


def test_une_carte_ne_s_approuve_qu_une_fois() -> None:
    carte, _ = une_demande()
    carte.approuver(numero="20042000001230", maintenant=MAINTENANT, zone=ZONE)
    with pytest.raises(DemandeDejaDecidee):
        carte.approuver(numero="20042000001248", maintenant=MAINTENANT, zone=ZONE)


ACTES = st.lists(
    st.one_of(
        st.just("demander"),
        st.just("accepter"),
        st.sampled_from(["refuser IDENTITE", "refuser RESIDENCE", "refuser tout"]),
        st.sampled_from(["remplacer IDENTITE", "remplacer RESIDENCE"]),
        st.integers(1, 900),
    ),
    max_size=30,
)


class Dossier:
    """One person's cards and requests, driven by acts in any order."""

    def __init__(self) -> None:
        self.maintenant = MAINTENANT
        self.cartes: list[Carte] = []
        self.demandes: list[Demande] = []

    def jouer(self, acte: str | int) -> None:
        if isinstance(acte, int):
            self.maintenant += timedelta(days=acte)
            return
        verbe, _, objet = acte.partition(" ")
        if verbe == "demander":
            carte, demande = une_demande(self.cartes, maintenant=self.maintenant)
            self.cartes.append(carte)
            self.demandes.append(demande)
        for rang, demande in enumerate(self.demandes):
            # What the rules refuse on one request must not spare the next one.
            with suppress(DemandeDejaDecidee, PieceNonRefusee):
                self._agir(verbe, objet, rang, demande)

    def _agir(self, verbe: str, objet: str, rang: int, demande: Demande) -> None:
        if verbe == "accepter":
            self._decider(rang, demande, "")
        elif verbe == "refuser":
            self._decider(rang, demande, objet)
        elif verbe == "remplacer":
            demande.remplacer(
                RolePiece(objet), f"piece-{demande.version}", maintenant=self.maintenant
            )

    def _decider(self, rang: int, demande: Demande, objet: str) -> None:
        attendues = [
            p.role for p in demande.pieces if p.statut is StatutPieceJustificative.A_VERIFIER
        ]
        refusees = {role for role in attendues if objet in {role.value, "tout"}}
        demande.decider(
            [
                DecisionPiece(
                    role,
                    acceptee=role not in refusees,
                    motif=MotifRefus.ILLISIBLE if role in refusees else None,
                )
                for role in attendues
            ],
            agent_id="agent",
            version=demande.version,
            maintenant=self.maintenant,
        )
        if demande.statut is StatutDemande.APPROUVEE:
            self.cartes[rang].approuver(
                numero=composer_numero("0042", rang + 1), maintenant=self.maintenant, zone=ZONE
            )


@pytest.mark.exigence("CAR-01")
@settings(max_examples=300, deadline=None)  # a busy machine is not a fault of the rule
@given(ACTES)
def test_aucune_suite_d_actes_ne_donne_deux_cartes_ouvertes(actes) -> None:
    dossier = Dossier()
    for acte in actes:
        with suppress(CarteDejaDemandee):
            dossier.jouer(acte)
        jour = jour_local(dossier.maintenant, ZONE)
        ouvertes = [c for c in dossier.cartes if c.statut_au(jour) in CARTE_OUVERTE]
        actives = [c for c in ouvertes if c.statut_au(jour) is StatutCarte.ACTIVE]
        assert len(ouvertes) <= 1
        assert all(c.numero and c.echeance and c.echeance >= jour for c in actives)
    for carte, demande in zip(dossier.cartes, dossier.demandes, strict=True):
        assert (carte.numero is not None) == (demande.statut is StatutDemande.APPROUVEE)
