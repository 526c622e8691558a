"""Log-in with the identity of another provider: SAG, FranceConnect (IDN-19).

An identity opens an account only after its owner has proved both sides: here by a log-in, there by
what the provider signed. An e-mail alone recognises nobody (R-6.8.1 of ASVS): whoever controls a
mailbox at the provider would otherwise own the account of the same address.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis import idempotency
from chassis.db import Sessions
from services.identite import persistence
from services.identite.domain import CompteIntrouvable, DonneesInvalides, StatutCompte
from services.identite.domain.oidc import BilletInvalide, IdentiteDejaLiee
from services.identite.persistence import oidc_suite
from services.identite.use_cases.courriels import empreinte, nouveau_secret
from services.identite.use_cases.facteurs_porte import ouvrir_prouvee, second_pas
from services.identite.use_cases.inscription import adresse_saisie
from services.identite.use_cases.oidc.ports import ReglesOidc
from services.identite.use_cases.ports import DomaineAscii, Regles


@dataclass(frozen=True, kw_only=True)
class IdentiteAmont:
    """Whom a provider authenticated, as the gateway verified."""

    emetteur: str
    sujet: str
    courriel: str
    courriel_verifie: bool


@dataclass(frozen=True, kw_only=True)
class Arrivee:
    """What an upstream log-in opened: exactly one of the three is told."""

    jeton: str = ""
    epreuve: str = ""
    billet: str = ""


def ouvrir_session_amont(
    *,
    sessions: Sessions,
    domaine_ascii: DomaineAscii,
    regles: Regles,
    regles_oidc: ReglesOidc,
    identite: IdentiteAmont,
    appareil: str,
    maintenant: datetime,
) -> Arrivee:
    """Open the session of a linked identity, or give a ticket to link it.

    A second factor set up here is asked for here: the provider's word replaces the password only.
    Whether an account has the same e-mail changes nothing of the answer.
    """
    with sessions.begin() as session:
        compte_id = oidc_suite.compte_amont(session, identite.emetteur, identite.sujet)
        compte = persistence.compte(session, compte_id, verrou=True) if compte_id else None
        if compte is not None and compte.statut is StatutCompte.ACTIF:
            suite = second_pas(
                session,
                compte,
                agent=False,
                appareil=appareil,
                regles=regles,
                maintenant=maintenant,
            )
            if suite.epreuve:
                return Arrivee(epreuve=suite.epreuve)
            jeton, _ = ouvrir_prouvee(
                session,
                compte,
                agent=False,
                appareil=appareil,
                regles=regles,
                maintenant=maintenant,
            )
            return Arrivee(jeton=jeton)
        billet = nouveau_secret()
        oidc_suite.noter_billet(
            session,
            empreinte(billet),
            oidc_suite.Billet(
                emetteur=identite.emetteur,
                sujet=identite.sujet,
                courriel_plie=_plie(identite.courriel, domaine_ascii),
                courriel_verifie=identite.courriel_verifie,
            ),
            maintenant + regles_oidc.durees.billet,
        )
    return Arrivee(billet=billet)


def lier_identite_amont(
    *,
    sessions: Sessions,
    regles: Regles,
    request_id: str,
    compte_id: UUID,
    billet: str,
    maintenant: datetime,
) -> None:
    """Link the identity of a ticket to somebody who has just logged in here.

    The provider must have verified the e-mail, and it must be the account's: otherwise the identity
    may be somebody else's, and staff decide.

    Raises: BilletInvalide, IdentiteDejaLiee, CompteIntrouvable, RequestIdReused.
    """
    scope = f"LierIdentiteAmont:{compte_id}"
    contenu = regles.digest("LierIdentiteAmont", {"billet": billet})
    with sessions.begin() as session:
        if (
            idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
            is not None
        ):
            return
        compte = persistence.compte(session, compte_id, verrou=True)
        if compte is None or compte.statut is not StatutCompte.ACTIF:
            raise CompteIntrouvable
        pris = oidc_suite.prendre_billet(session, empreinte(billet), maintenant=maintenant)
        if pris is None or not pris.courriel_verifie:
            raise BilletInvalide
        if pris.courriel_plie != compte.courriel_plie:
            raise BilletInvalide
        if not oidc_suite.lier_amont(
            session, pris.emetteur, pris.sujet, compte.id, maintenant=maintenant
        ):
            raise IdentiteDejaLiee
        idempotency.complete(session, request_id=request_id, scope=scope, result=str(compte.id))


def _plie(courriel: str, domaine_ascii: DomaineAscii) -> str:
    """Give the folded form of an address, "" for what is none."""
    try:
        return adresse_saisie(courriel, domaine_ascii).plie
    except DonneesInvalides:
        return ""
