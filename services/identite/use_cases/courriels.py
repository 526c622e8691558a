"""Mails and links that follow from the acts, always through the outbox (R17)."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from chassis import outbox, seal
from espacecitoyen.identite.v1.evenements_pb2 import (
    CompteActive,
    CoordonneesValidees,
    CourrielDemande,
)
from services.identite import persistence
from services.identite.domain import Compte, Lien, LienInconnu, Usage
from services.identite.persistence import acces
from services.identite.use_cases.coordonnees_depart import commencer
from services.identite.use_cases.ponts.liaisons import contact_verifie
from services.identite.use_cases.ports import Regles

DEJA_INSCRIT = "deja_inscrit"
MOT_DE_PASSE_CHANGE = "mot_de_passe_change"
MOT_DE_PASSE_BLOQUE = "mot_de_passe_bloque"
IDENTIFIANTS_CHANGES = "identifiants_changes"
NOUVEL_APPAREIL = "nouvel_appareil"

_SECRET_OCTETS = 32
_HEURE = timedelta(hours=1)


def nouveau_secret() -> str:
    """Give 256 random bits as 43 characters of base64url."""
    return secrets.token_urlsafe(_SECRET_OCTETS)


def empreinte(secret: str) -> bytes:
    """Give what is stored of a secret: its SHA-256, enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def lien_recu(session: Session, secret: str, usage: Usage) -> tuple[Lien, Compte]:
    """Find the link of a secret, made for this act, and hold its account.

    Raises: LienInconnu.
    """
    trouve = persistence.lien_et_compte(session, empreinte(secret))
    if trouve is None:
        raise LienInconnu
    trouve[0].exiger(usage)
    return trouve


def courriel_permis(
    session: Session, compte: Compte, gabarit: str, *, regles: Regles, maintenant: datetime
) -> bool:
    """Tell whether this account may get one more mail of this kind within the hour (R14)."""
    limite = regles.courriels_par_heure
    if gabarit == Usage.REINITIALISATION:
        limite = regles.reinitialisations_par_heure
    depuis = maintenant - _HEURE
    return persistence.courriels_depuis(session, compte.id, gabarit, depuis) < limite


def envoyer_lien(
    session: Session, compte: Compte, usage: Usage, *, regles: Regles, maintenant: datetime
) -> None:
    """Mail a new link; the account's earlier links of this kind become void."""
    duree = {
        Usage.ACTIVATION: regles.durees.activation,
        Usage.REINITIALISATION: regles.durees.reinitialisation,
    }[usage]
    secret = nouveau_secret()
    persistence.remplacer_liens(session, compte.id, usage, maintenant=maintenant)
    session.add(
        Lien(
            empreinte=empreinte(secret),
            compte_id=compte.id,
            usage=usage,
            cree_le=maintenant,
            expire_le=maintenant + duree,
        )
    )
    demander_courriel(
        session, compte, usage.value, regles=regles, maintenant=maintenant, jeton=secret
    )


def envoyer_annulation(
    session: Session,
    compte: Compte,
    gabarit: str,
    *,
    regles: Regles,
    maintenant: datetime,
    ancien_nom: str | None = None,
    rend_nom: bool = False,
) -> None:
    """Mail a notice with its link « ce n’était pas moi » (R05).

    With `rend_nom` the link also gives `ancien_nom` back to the account.
    """
    secret = nouveau_secret()
    acces.ajouter_annulation(
        session,
        empreinte(secret),
        compte.id,
        expire_le=maintenant + regles.acces.annulation,
        ancien_nom=ancien_nom,
        rend_nom=rend_nom,
    )
    demander_courriel(session, compte, gabarit, regles=regles, maintenant=maintenant, jeton=secret)


def demander_courriel(
    session: Session,
    compte: Compte,
    gabarit: str,
    *,
    regles: Regles,
    maintenant: datetime,
    jeton: str = "",
) -> None:
    """Publish `CourrielDemande`; the address, the first name and the link travel sealed."""
    clair = {"adresse": compte.courriel, "prenom": compte.prenom}
    if jeton:
        clair["jeton"] = jeton
    persistence.noter_courriel(session, compte.id, gabarit, maintenant=maintenant)
    evenement = CourrielDemande(
        compte_id=str(compte.id),
        gabarit=gabarit,
        langue=compte.langue,
        scelle=seal.seal(clair, key=regles.cle, context="CourrielDemande"),
    )
    outbox.append(session, evenement, aggregate=str(compte.id))


def publier_activation(session: Session, compte: Compte, *, regles: Regles) -> None:
    """Publish that a person confirmed their mailbox (IDN-04) and what they chose (IDN-05)."""
    commencer(session, compte, regles=regles)
    if compte.active_le is not None:
        contact_verifie(
            session,
            compte.id,
            canal="courriel",
            coordonnee=compte.courriel_plie,
            maintenant=compte.active_le,
        )
    aggregate = str(compte.id)
    outbox.append(
        session,
        CompteActive(
            compte_id=aggregate,
            langue=compte.langue,
            categories=compte.categories,
            canaux=compte.canaux,
        ),
        aggregate=aggregate,
    )
    clair = {"adresse": compte.courriel, "prenom": compte.prenom}
    outbox.append(
        session,
        CoordonneesValidees(
            compte_id=aggregate,
            canal="courriel",
            langue=compte.langue,
            scelle=seal.seal(clair, key=regles.cle, context="CoordonneesValidees"),
        ),
        aggregate=aggregate,
    )
