"""What staff do for a person at the desk: find, read, correct (IDN-11); each read is audited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from chassis import idempotency, outbox
from chassis.db import Sessions
from espacecitoyen.identite.v1.evenements_pb2 import CompteCorrige
from services.identite import persistence
from services.identite.domain import (
    Compte,
    Courriel,
    DonneesInvalides,
    Verdicts,
    champs,
)
from services.identite.domain.coordonnees import (
    Coordonnee,
    CourrielDejaPris,
    Genre,
    VersionPerimee,
    exiger_autre_personne,
    lire_recherche,
    motif_ecrit,
)
from services.identite.persistence import coordonnees as table
from services.identite.persistence import recuperation as journal
from services.identite.use_cases import coordonnees_messages as messages
from services.identite.use_cases.coordonnees import (
    MonProfil,
    lire_mon_profil,
    titulaire,
)
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees
from services.identite.use_cases.courriels import empreinte, nouveau_secret

TROUVES_MAX: Final = 20


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """What staff see of one person."""

    profil: MonProfil
    corrections: Sequence[journal.Correction]


@dataclass(frozen=True, kw_only=True)
class CompteCorrect:
    """What staff typed, unjudged."""

    prenom: str
    nom: str
    courriel: str
    motif: str


@dataclass(frozen=True, kw_only=True)
class _Juge:
    prenom: str
    nom: str
    courriel: Courriel
    motif: str


def lister_comptes(
    *, sessions: Sessions, regles: ReglesCoordonnees, agent_id: UUID, recherche: str
) -> tuple[Sequence[journal.Trouve], bool]:
    """Find people; each one shown is written down as read.

    Returns: at most 20 people, and whether more match.
    Raises: DonneesInvalides.
    """
    texte = lire_recherche(recherche)
    try:
        numero = regles.numeros.e164(texte)
    except ValueError:
        numero = ""
    with sessions.begin() as session:
        trouves = journal.chercher(session, texte=texte, numero=numero, limite=TROUVES_MAX + 1)
        montres = trouves[:TROUVES_MAX]
        for une in montres:
            messages.publier_lecture(
                session, compte_id=une.id, agent_id=agent_id, objet="recherche"
            )
    return montres, len(trouves) > TROUVES_MAX


def lire_dossier(*, sessions: Sessions, agent_id: UUID, compte_id: UUID, objet: str) -> Dossier:
    """Read a person's account; the read is written down before its answer is given.

    Raises: CompteIntrouvable.
    """
    with sessions.begin() as session:
        dossier = _dossier(session, compte_id)
        messages.publier_lecture(session, compte_id=compte_id, agent_id=agent_id, objet=objet)
        session.flush()
        session.expunge_all()
    return dossier


def _dossier(session: Session, compte_id: UUID) -> Dossier:
    return Dossier(
        profil=lire_mon_profil(session, compte_id),
        corrections=journal.corrections(session, compte_id),
    )


def corriger_compte(
    *,
    sessions: Sessions,
    regles: ReglesCoordonnees,
    request_id: str,
    agent_id: UUID,
    compte_id: UUID,
    version: int,
    correct: CompteCorrect,
    maintenant: datetime,
) -> None:
    """Correct names at once; another e-mail waits for the link mailed to it, and the old stays.

    The old address is told in every case, with the names of what changed and nothing else.

    Raises: DonneesInvalides, VersionPerimee, CourrielDejaPris, ProprePersonne,
        CompteIntrouvable, RequestIdReused.
    """
    exiger_autre_personne(agent_id, compte_id)
    juge = _juger(correct, regles)
    scope = f"CorrigerCompte:{agent_id}"
    contenu = regles.digest(
        "CorrigerCompte", {"compte": compte_id, "version": version, "correct": vars(correct)}
    )
    with sessions.begin() as session:
        if idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu):
            return
        compte = titulaire(session, compte_id)
        if table.preferences(session, compte_id).version != version:
            raise VersionPerimee
        changes = _corriger_noms(session, compte, juge, regles=regles)
        if juge.courriel.adresse != compte.courriel:
            exiger_courriel_libre(session, compte, juge.courriel)
            proposer_courriel(
                session,
                compte,
                juge.courriel,
                gabarit=messages.CONFIRMER_COURRIEL,
                regles=regles,
                maintenant=maintenant,
            )
            changes.append("courriel")
        if not changes:
            raise DonneesInvalides({"motif": "RIEN_A_CORRIGER"})
        table.noter_version(session, compte_id)
        _noter(session, compte, changes, juge.motif, agent_id=agent_id, maintenant=maintenant)
        messages.demander_courriel_a(
            session,
            compte,
            messages.PROFIL_CORRIGE,
            adresse=compte.courriel,
            regles=regles.regles,
        )
        idempotency.complete(session, request_id=request_id, scope=scope, result="fait")


def _juger(correct: CompteCorrect, regles: ReglesCoordonnees) -> _Juge:
    vu = Verdicts()
    juge = _Juge(
        prenom=vu.juger(
            "prenom", lambda: champs.nom_de_personne(correct.prenom, "PRENOM_INVALIDE"), ""
        ),
        nom=vu.juger("nom", lambda: champs.nom_de_personne(correct.nom, "NOM_INVALIDE"), ""),
        courriel=vu.juger(
            "courriel",
            lambda: champs.courriel(correct.courriel, domaine_ascii=regles.domaine_ascii),
            Courriel("", ""),
        ),
        motif=vu.juger("motif", lambda: motif_ecrit(correct.motif), ""),
    )
    vu.conclure()
    return juge


def _corriger_noms(
    session: Session, compte: Compte, juge: _Juge, *, regles: ReglesCoordonnees
) -> list[str]:
    changes = [
        champ for champ in ("prenom", "nom") if getattr(compte, champ) != getattr(juge, champ)
    ]
    compte.prenom, compte.nom = juge.prenom, juge.nom
    if "prenom" in changes:
        # avis greets people by the name that came with their address.
        messages.publier_preuve(
            session,
            compte,
            genre=Genre.COURRIEL,
            valeur=compte.courriel,
            regles=regles.regles,
        )
    session.flush()
    return changes


def _noter(
    session: Session,
    compte: Compte,
    changes: list[str],
    motif: str,
    *,
    agent_id: UUID,
    maintenant: datetime,
) -> None:
    """Write a correction down here, and tell the audit; its reason stays here."""
    correction_id = journal.noter_correction(
        session,
        compte_id=compte.id,
        agent_id=agent_id,
        champs=changes,
        motif=motif,
        maintenant=maintenant,
    )
    outbox.append(
        session,
        CompteCorrige(
            correction_id=str(correction_id),
            compte_id=str(compte.id),
            agent_id=str(agent_id),
            champs=changes,
        ),
        aggregate=str(compte.id),
    )


def exiger_courriel_libre(session: Session, compte: Compte, courriel: Courriel) -> None:
    """Refuse an address that another account has; staff may know that, the public may not.

    Raises: CourrielDejaPris.
    """
    autre = persistence.compte_par_courriel(session, courriel.plie)
    if autre is not None and autre.id != compte.id:
        raise CourrielDejaPris


def proposer_courriel(
    session: Session,
    compte: Compte,
    courriel: Courriel,
    *,
    gabarit: str,
    regles: ReglesCoordonnees,
    maintenant: datetime,
    recuperation_id: UUID | None = None,
) -> None:
    """Make an address wait for its proof, and mail it the link that gives it."""
    table.retirer_courriels(session, compte.id)
    une = Coordonnee(
        id=uuid4(),
        compte_id=compte.id,
        genre=Genre.COURRIEL,
        valeur=courriel.adresse,
        cree_le=maintenant,
    )
    table.ajouter(session, une)
    secret = nouveau_secret()
    table.ajouter_lien(
        session,
        empreinte=empreinte(secret),
        coordonnee_id=une.id,
        recuperation_id=recuperation_id,
        cree_le=maintenant,
        expire_le=maintenant + regles.lien_courriel,
    )
    messages.demander_courriel_a(
        session, compte, gabarit, adresse=courriel.adresse, regles=regles.regles, jeton=secret
    )
