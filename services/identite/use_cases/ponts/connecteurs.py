"""The linked systems of the city: what they tell, and the links to them (IDN-15, 17).

No database session is open while another system is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from chassis import idempotency, seal
from chassis.db import Sessions
from services.identite.domain import DonneesInvalides
from services.identite.domain.ponts import CompteTaxesNonLie, EspaceFamilleNonOffert
from services.identite.persistence import ponts
from services.identite.persistence.ponts import LienFamille
from services.identite.use_cases.ponts.annonces import annoncer_liaison
from services.identite.use_cases.ports import Regles

_CODE_MAX: Final = 64
_SECRET_MAX: Final = 128


@dataclass(frozen=True, kw_only=True)
class Facture:
    """A bill of the tax system; amounts in cents."""

    numero: str
    libelle: str
    emise_le: date
    montant_cents: int
    solde_cents: int


@dataclass(frozen=True, kw_only=True)
class Echeance:
    """A due date."""

    le: date
    montant_cents: int
    acquittee: bool


@dataclass(frozen=True, kw_only=True)
class CompteTaxes:
    """A tax account as its system tells it now."""

    reference: str
    immeuble: str
    solde_cents: int
    factures: Sequence[Facture]
    echeances: Sequence[Echeance]


@dataclass(frozen=True, kw_only=True)
class InscriptionFamille:
    """A child's registration."""

    enfant: str
    activite: str
    debut: date


@dataclass(frozen=True, kw_only=True)
class Famille:
    """An Espace Famille as its system tells it now."""

    nom: str
    inscriptions: Sequence[InscriptionFamille]


class Taxes(Protocol):
    """The tax system. Every call may raise SystemeIndisponible."""

    def lire(self, reference: str) -> CompteTaxes:
        """Read an account; raises CompteTaxesNonLie when that system does not know it."""


class EspaceFamille(Protocol):
    """The Espace Famille. Every call may raise SystemeIndisponible or EspaceFamilleRefuse."""

    def lier(self, code: str, mot_de_passe: str) -> str:
        """Exchange credentials for a revocable token, "" where the system offers none."""

    def lire(self, acces: Mapping[str, str]) -> Famille:
        """Read a family with its token or its credentials."""

    def revoquer(self, jeton: str) -> None:
        """End a token."""


@dataclass(frozen=True, kw_only=True)
class Systemes:
    """The systems that the city turned on; None for the others, and the key of their secrets."""

    taxes: Taxes | None
    famille: EspaceFamille | None
    cle: bytes | None


def lire_taxes(*, lecture: Engine, systemes: Systemes, compte_id: UUID) -> CompteTaxes:
    """Read the caller's tax account where it lives; nothing of it is kept.

    Raises: CompteTaxesNonLie, SystemeIndisponible.
    """
    reference = ponts.reference_taxes(lecture, compte_id)
    if systemes.taxes is None or reference is None:
        raise CompteTaxesNonLie
    return systemes.taxes.lire(reference)


def lier_famille(
    *,
    sessions: Sessions,
    lecture: Engine,
    systemes: Systemes,
    regles: Regles,
    request_id: str,
    compte_id: UUID,
    code: str,
    mot_de_passe: str,
    maintenant: datetime,
) -> None:
    """Link an Espace Famille, or change the linked one; the earlier token is revoked.

    The password is given up for a token at once; where the system offers none, it is kept
    enveloped.

    Raises: EspaceFamilleNonOffert, EspaceFamilleRefuse, SystemeIndisponible, DonneesInvalides,
        RequestIdReused.
    """
    famille, cle = _offerte(systemes)
    propre = _saisie(code, mot_de_passe)
    contenu = regles.digest("LierEspaceFamille", {"code": propre, "secret": mot_de_passe})
    scope = f"LierEspaceFamille:{compte_id}"
    ancien = ponts.lien_famille(lecture, compte_id)
    jeton = famille.lier(propre, mot_de_passe)
    acces = {"jeton": jeton} if jeton else {"code": propre, "mot_de_passe": mot_de_passe}
    with sessions.begin() as session:
        fait = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if fait is None:
            lien = LienFamille(
                code=propre,
                jeton=bool(jeton),
                scelle=seal.seal(acces, key=cle, context=_contexte(compte_id)),
                lie_le=maintenant,
            )
            ponts.ecrire_lien_famille(session, compte_id, lien)
            _annoncer(session, compte_id, "LIE")
            idempotency.complete(session, request_id=request_id, scope=scope, result="")
    if fait is None and ancien is not None:
        _revoquer(famille, cle, compte_id, ancien)


def lire_famille(*, lecture: Engine, systemes: Systemes, compte_id: UUID) -> Famille | None:
    """Read the caller's Espace Famille; None when none is linked.

    Raises: EspaceFamilleNonOffert, EspaceFamilleRefuse (its password or token changed there),
        SystemeIndisponible.
    """
    famille, cle = _offerte(systemes)
    lien = ponts.lien_famille(lecture, compte_id)
    if lien is None:
        return None
    return famille.lire(seal.unseal(lien.scelle, key=cle, context=_contexte(compte_id)))


def delier_famille(
    *,
    sessions: Sessions,
    lecture: Engine,
    systemes: Systemes,
    regles: Regles,
    request_id: str,
    compte_id: UUID,
) -> None:
    """Unlink the caller's Espace Famille; its token is revoked there, if that system answers.

    Raises: EspaceFamilleNonOffert, SystemeIndisponible, RequestIdReused.
    """
    famille, cle = _offerte(systemes)
    scope = f"DelierEspaceFamille:{compte_id}"
    lien = ponts.lien_famille(lecture, compte_id)
    if lien is not None:
        # Before ours is forgotten: a token that nobody can name any more could not be revoked.
        _revoquer(famille, cle, compte_id, lien)
    with sessions.begin() as session:
        contenu = regles.digest("DelierEspaceFamille", {})
        fait = idempotency.claim(session, request_id=request_id, scope=scope, fingerprint=contenu)
        if fait is not None:
            return
        if lien is not None:
            ponts.retirer_lien_famille(session, compte_id)
            _annoncer(session, compte_id, "DELIE")
        idempotency.complete(session, request_id=request_id, scope=scope, result="")


def _annoncer(session: Session, compte_id: UUID, etat: str) -> None:
    annoncer_liaison(session, compte_id, compte_id, source="famille", etat=etat, par=str(compte_id))


def _revoquer(famille: EspaceFamille, cle: bytes, compte_id: UUID, lien: LienFamille) -> None:
    if lien.jeton:
        acces = seal.unseal(lien.scelle, key=cle, context=_contexte(compte_id))
        famille.revoquer(acces["jeton"])


def _offerte(systemes: Systemes) -> tuple[EspaceFamille, bytes]:
    if systemes.famille is None or systemes.cle is None:
        raise EspaceFamilleNonOffert
    return systemes.famille, systemes.cle


def _contexte(compte_id: UUID) -> str:
    """Bind what is sealed to its account: a row copied to another account opens nothing."""
    return f"EspaceFamille:{compte_id}"


def _saisie(code: str, mot_de_passe: str) -> str:
    propre = code.strip()
    fautes = {}
    if not propre or len(propre) > _CODE_MAX or not propre.isprintable():
        fautes["code"] = "CHAMP_REQUIS" if not propre else "TROP_LONG"
    if not mot_de_passe or len(mot_de_passe) > _SECRET_MAX:
        fautes["mot_de_passe"] = "CHAMP_REQUIS" if not mot_de_passe else "TROP_LONG"
    if fautes:
        raise DonneesInvalides(fautes)
    return propre
