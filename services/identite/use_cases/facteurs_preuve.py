"""What proofs of second factors have in common: who asks, what is awaited, what is right."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from chassis import outbox, seal
from espacecitoyen.identite.v1.evenements_pb2 import FacteurChange
from services.identite import persistence
from services.identite.domain import (
    ALPHABET_SECOURS,
    CODE_SECOURS_SIGNES,
    CODES_SECOURS,
    DUREE_EPREUVE,
    NOM_CLE_MAX,
    Compte,
    CompteIntrouvable,
    DonneesInvalides,
    Epreuve,
    EpreuveExpiree,
    GenreEpreuve,
    PreuveRequise,
    code_secours_ecrit,
    code_totp,
    pas_acceptables,
    preuve_recente,
)
from services.identite.persistence import facteurs as lignes
from services.identite.use_cases.courriels import demander_courriel, empreinte
from services.identite.use_cases.ports import Regles, Totp

FACTEUR_CHANGE: Final = "facteur_change"


@dataclass(frozen=True, kw_only=True)
class Demandeur:
    """Who asks: the account, its session, and the roles of the token."""

    compte_id: UUID
    session_id: UUID
    roles: frozenset[str] = frozenset()


def compte_de(session: Session, compte_id: UUID, *, verrou: bool = True) -> Compte:
    """Find the caller's account. Raises: CompteIntrouvable."""
    compte = persistence.compte(session, compte_id, verrou=verrou)
    if compte is None:
        raise CompteIntrouvable
    return compte


def exiger_preuve(
    session: Session, demandeur: Demandeur, *, regles: Regles, maintenant: datetime
) -> None:
    """Check that the caller was proved lately enough for a sensitive act (R36).

    Raises: PreuveRequise.
    """
    prouvee_le = lignes.session_prouvee_le(session, demandeur.session_id)
    if not preuve_recente(prouvee_le, duree=regles.preuve_recente, maintenant=maintenant):
        raise PreuveRequise


def epreuve_recue(
    session: Session, secret: str, genres: tuple[GenreEpreuve, ...], *, maintenant: datetime
) -> Epreuve:
    """Find a waiting proof that may serve for this act, and hold it. Raises: EpreuveExpiree."""
    trouvee = lignes.epreuve(session, empreinte(secret))
    if trouvee is None:
        raise EpreuveExpiree
    trouvee.exiger(genres, maintenant)
    return trouvee


def ouvrir_epreuve(
    session: Session,
    secret: str,
    *,
    compte_id: UUID | None,
    genre: GenreEpreuve,
    defi: bytes | None,
    maintenant: datetime,
    agent: bool = False,
    appareil: str = "",
) -> None:
    """Ask for a proof."""
    lignes.ouvrir_epreuve(
        session,
        empreinte=empreinte(secret),
        epreuve=Epreuve(
            compte_id=compte_id,
            genre=genre,
            agent=agent,
            appareil=appareil,
            defi=defi,
            essais=0,
            expire_le=maintenant + DUREE_EPREUVE,
        ),
        maintenant=maintenant,
    )


def totp_juste(
    session: Session,
    compte_id: UUID,
    texte: str,
    *,
    confirme: bool,
    totp: Totp,
    regles: Regles,
    maintenant: datetime,
) -> bool:
    """Judge a code of an application and use its step up: no step serves twice."""
    code = code_totp(texte)
    trouve = lignes.totp(session, compte_id, confirme=confirme)
    if code is None or trouve is None:
        return False
    scelle, dernier = trouve
    secret = seal.unseal(scelle, key=cle_facteurs(regles), context=contexte(compte_id))["secret"]
    pas = totp.pas_du_code(secret, code, pas_acceptables(maintenant, dernier=dernier))
    if pas is None:
        return False
    lignes.utiliser_pas(session, compte_id, pas, maintenant=maintenant)
    return True


def empreinte_secours(regles: Regles, compte_id: UUID, code: str) -> bytes:
    """Give what is stored of a recovery code: keyed, since 50 bits alone can be searched."""
    return regles.digest("code_secours", {"compte": compte_id, "code": code})


def cle_facteurs(regles: Regles) -> bytes:
    """Give the key that seals secrets of applications, apart from the one that avis holds."""
    return hmac.digest(regles.cle, b"identite.facteurs", "sha256")


def nom_de_cle(nom: str) -> str:
    """Read the name of a passkey. Raises: DonneesInvalides."""
    propre = " ".join(nom.split())
    if not propre:
        raise DonneesInvalides({"nom": "CHAMP_REQUIS"})
    if len(propre) > NOM_CLE_MAX:
        raise DonneesInvalides({"nom": "TROP_LONG"})
    if not propre.isprintable():
        raise DonneesInvalides({"nom": "CARACTERE_INVALIDE"})
    return propre


def annoncer(
    session: Session,
    compte: Compte,
    facteur: str,
    acte: str,
    *,
    regles: Regles,
    maintenant: datetime,
    par: UUID | None = None,
) -> None:
    """Publish a change of factors and tell its owner (R05)."""
    demander_courriel(session, compte, FACTEUR_CHANGE, regles=regles, maintenant=maintenant)
    evenement = FacteurChange(
        compte_id=str(compte.id), facteur=facteur, acte=acte, par=str(par or compte.id)
    )
    outbox.append(session, evenement, aggregate=str(compte.id))


def contexte(compte_id: UUID) -> str:
    """Name what a sealed secret belongs to: in another account's row it does not open."""
    return f"totp:{compte_id}"


def nouveaux_codes(session: Session, compte_id: UUID, *, regles: Regles) -> tuple[str, ...]:
    """Make ten recovery codes in the place of the earlier ones; they are told once."""
    codes = [
        "".join(secrets.choice(ALPHABET_SECOURS) for _ in range(CODE_SECOURS_SIGNES))
        for _ in range(CODES_SECOURS)
    ]
    empreintes = [empreinte_secours(regles, compte_id, code) for code in codes]
    lignes.remplacer_codes(session, compte_id, empreintes)
    return tuple(code_secours_ecrit(code) for code in codes)
