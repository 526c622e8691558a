"""Second factors, proofs that wait, and what a session has proved."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.identite.domain import CleAcces, Epreuve, Facteurs, GenreEpreuve

_INSTANT: Final = DateTime(timezone=True)
_METADATA: Final = MetaData()

CLE: Final = Table(
    "cle_acces",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("compte_id", Uuid),
    Column("identifiant", LargeBinary),
    Column("cle_publique", LargeBinary),
    Column("compteur", BigInteger),
    Column("nom", Text),
    Column("cree_le", _INSTANT),
    Column("utilisee_le", _INSTANT),
)
TOTP: Final = Table(
    "totp",
    _METADATA,
    Column("compte_id", Uuid, primary_key=True),
    Column("scelle", LargeBinary),
    Column("cree_le", _INSTANT),
    Column("confirme_le", _INSTANT),
    Column("dernier_pas", BigInteger),
)
CODE: Final = Table(
    "code_secours",
    _METADATA,
    Column("compte_id", Uuid, primary_key=True),
    Column("empreinte", LargeBinary, primary_key=True),
    Column("utilise_le", _INSTANT),
)
EPREUVE: Final = Table(
    "epreuve",
    _METADATA,
    Column("empreinte", LargeBinary, primary_key=True),
    Column("compte_id", Uuid),
    Column("genre", Text),
    Column("agent", Boolean),
    Column("appareil", Text),
    Column("defi", LargeBinary),
    Column("essais", Integer),
    Column("expire_le", _INSTANT),
)
_SESSION: Final = Table(
    "session_ouverte",
    _METADATA,
    Column("empreinte", LargeBinary, primary_key=True),
    Column("id", Uuid),
    Column("compte_id", Uuid),
    Column("appareil", Text),
    Column("ouverte_le", _INSTANT),
    Column("complete", Boolean),
    Column("prouvee_le", _INSTANT),
)
_MENAGE: Final = 100


def facteurs(session: Session, compte_id: UUID) -> Facteurs:
    """Find what an account may prove itself with, in three indexed reads."""
    cles = session.execute(
        select(CLE).where(CLE.c.compte_id == compte_id).order_by(CLE.c.cree_le, CLE.c.id)
    )
    totp = select(func.count()).where(
        TOTP.c.compte_id == compte_id, TOTP.c.confirme_le.is_not(None)
    )
    codes = select(func.count()).where(CODE.c.compte_id == compte_id, CODE.c.utilise_le.is_(None))
    return Facteurs(
        cles=tuple(CleAcces(**ligne._mapping) for ligne in cles),  # noqa: SLF001  (SQLAlchemy's API)
        totp=bool(session.scalar(totp)),
        codes_restants=session.scalar(codes) or 0,
    )


def a_un_facteur(session: Session, compte_id: UUID) -> bool:
    """Tell whether a log-in needs a second step, in one statement."""
    cle = exists().where(CLE.c.compte_id == compte_id)
    totp = exists().where(TOTP.c.compte_id == compte_id, TOTP.c.confirme_le.is_not(None))
    return bool(session.scalar(select(or_(cle, totp))))


# Passkeys


def ajouter_cle(session: Session, cle: CleAcces) -> bool:
    """Store a passkey; False when some account has it."""
    ajout = insert(CLE).values(
        id=cle.id,
        compte_id=cle.compte_id,
        identifiant=cle.identifiant,
        cle_publique=cle.cle_publique,
        compteur=cle.compteur,
        nom=cle.nom,
        cree_le=cle.cree_le,
    )
    faite = session.execute(ajout.on_conflict_do_nothing().returning(CLE.c.id))
    return faite.one_or_none() is not None


def cle_par_identifiant(
    session: Session, identifiant: bytes, *, verrou: bool = False
) -> CleAcces | None:
    """Find a passkey; `verrou` holds it while its counter moves."""
    question = select(CLE).where(CLE.c.identifiant == identifiant)
    ligne = session.execute(question.with_for_update() if verrou else question).one_or_none()
    return None if ligne is None else CleAcces(**ligne._mapping)  # noqa: SLF001


def compter_usage(session: Session, cle_id: UUID, *, compteur: int, maintenant: datetime) -> None:
    """Write a passkey's latest use."""
    session.execute(
        update(CLE).where(CLE.c.id == cle_id).values(compteur=compteur, utilisee_le=maintenant)
    )


def renommer_cle(session: Session, compte_id: UUID, cle_id: UUID, nom: str) -> bool:
    """Name a passkey of an account; False when it has none such."""
    ordre = update(CLE).where(CLE.c.id == cle_id, CLE.c.compte_id == compte_id).values(nom=nom)
    return session.execute(ordre.returning(CLE.c.id)).one_or_none() is not None


def retirer_cle(session: Session, compte_id: UUID, cle_id: UUID) -> bool:
    """Delete a passkey of an account; False when it has none such."""
    ordre = delete(CLE).where(CLE.c.id == cle_id, CLE.c.compte_id == compte_id)
    return session.execute(ordre.returning(CLE.c.id)).one_or_none() is not None


# Applications


def proposer_totp(
    session: Session, compte_id: UUID, *, scelle: bytes, maintenant: datetime
) -> bool:
    """Store a secret that waits for its first code; False when the account has one."""
    ajout = insert(TOTP).values(
        compte_id=compte_id, scelle=scelle, cree_le=maintenant, confirme_le=None, dernier_pas=0
    )
    faite = session.execute(ajout.on_conflict_do_nothing().returning(TOTP.c.compte_id))
    return faite.one_or_none() is not None


def totp(session: Session, compte_id: UUID, *, confirme: bool) -> tuple[bytes, int] | None:
    """Find a sealed secret with its last used step, and hold it: a step is used once."""
    question = select(TOTP.c.scelle, TOTP.c.dernier_pas).where(
        TOTP.c.compte_id == compte_id, TOTP.c.confirme_le.is_not(None) == confirme
    )
    ligne = session.execute(question.with_for_update()).one_or_none()
    return None if ligne is None else (bytes(ligne.scelle), ligne.dernier_pas)


def utiliser_pas(session: Session, compte_id: UUID, pas: int, *, maintenant: datetime) -> None:
    """Write the step that was just used; the first one proves the application."""
    session.execute(
        update(TOTP)
        .where(TOTP.c.compte_id == compte_id)
        .values(dernier_pas=pas, confirme_le=func.coalesce(TOTP.c.confirme_le, maintenant))
    )


def retirer_totp(session: Session, compte_id: UUID) -> bool:
    """Delete an account's application; False when it has none."""
    ordre = delete(TOTP).where(TOTP.c.compte_id == compte_id, TOTP.c.confirme_le.is_not(None))
    return session.execute(ordre.returning(TOTP.c.compte_id)).one_or_none() is not None


# Recovery codes


def remplacer_codes(session: Session, compte_id: UUID, empreintes: list[bytes]) -> None:
    """Store new recovery codes in the place of all earlier ones."""
    session.execute(delete(CODE).where(CODE.c.compte_id == compte_id))
    if empreintes:
        lignes = [{"compte_id": compte_id, "empreinte": e} for e in empreintes]
        session.execute(insert(CODE), lignes)


def utiliser_code(
    session: Session, compte_id: UUID, empreinte: bytes, *, maintenant: datetime
) -> bool:
    """Use a recovery code, once; False when there is none such or it has served."""
    ordre = (
        update(CODE)
        .where(
            CODE.c.compte_id == compte_id,
            CODE.c.empreinte == empreinte,
            CODE.c.utilise_le.is_(None),
        )
        .values(utilise_le=maintenant)
    )
    return session.execute(ordre.returning(CODE.c.compte_id)).one_or_none() is not None


def retirer_tout(session: Session, compte_id: UUID) -> None:
    """Delete every factor and recovery code of an account."""
    for table in (CLE, TOTP, CODE):
        session.execute(delete(table).where(table.c.compte_id == compte_id))


# Proofs that wait


def ouvrir_epreuve(
    session: Session, *, empreinte: bytes, epreuve: Epreuve, maintenant: datetime
) -> None:
    """Store a proof that is asked for; some that ended go at the same time."""
    finies = (
        select(EPREUVE.c.empreinte)
        .where(EPREUVE.c.expire_le <= maintenant)
        .limit(_MENAGE)
        .with_for_update(skip_locked=True)
        .cte("finies")
    )
    session.execute(delete(EPREUVE).where(EPREUVE.c.empreinte.in_(select(finies.c.empreinte))))
    session.execute(
        insert(EPREUVE).values(
            empreinte=empreinte,
            compte_id=epreuve.compte_id,
            genre=epreuve.genre.value,
            agent=epreuve.agent,
            appareil=epreuve.appareil,
            defi=epreuve.defi,
            essais=epreuve.essais,
            expire_le=epreuve.expire_le,
        )
    )


def epreuve(session: Session, empreinte: bytes) -> Epreuve | None:
    """Find a proof that waits, and hold it until the commit."""
    ligne = session.execute(
        select(EPREUVE).where(EPREUVE.c.empreinte == empreinte).with_for_update()
    ).one_or_none()
    if ligne is None:
        return None
    return Epreuve(
        compte_id=ligne.compte_id,
        genre=GenreEpreuve(ligne.genre),
        agent=ligne.agent,
        appareil=ligne.appareil,
        defi=None if ligne.defi is None else bytes(ligne.defi),
        essais=ligne.essais,
        expire_le=ligne.expire_le,
    )


def ecrire_defi(session: Session, empreinte: bytes, defi: bytes) -> None:
    """Give a waiting proof a new challenge; the one before opens nothing more."""
    session.execute(update(EPREUVE).where(EPREUVE.c.empreinte == empreinte).values(defi=defi))


def compter_essai(session: Session, empreinte: bytes) -> None:
    """Count a try and take the challenge back: one challenge, one answer."""
    session.execute(
        update(EPREUVE)
        .where(EPREUVE.c.empreinte == empreinte)
        .values(essais=EPREUVE.c.essais + 1, defi=None)
    )


def fermer_epreuve(session: Session, empreinte: bytes) -> None:
    """Delete a proof that has served."""
    session.execute(delete(EPREUVE).where(EPREUVE.c.empreinte == empreinte))


def fermer_epreuves(session: Session, compte_id: UUID) -> None:
    """Delete every proof that an account's log-ins wait for."""
    session.execute(delete(EPREUVE).where(EPREUVE.c.compte_id == compte_id))


# What a session has proved


def prouver_session(session: Session, session_id: UUID, maintenant: datetime) -> None:
    """Write that a session's owner has just proved who they are."""
    session.execute(
        update(_SESSION).where(_SESSION.c.id == session_id).values(prouvee_le=maintenant)
    )


def session_prouvee_le(session: Session, session_id: UUID) -> datetime | None:
    """Tell when a session's owner was last proved; a log-in is a proof."""
    trouvee: datetime | None = session.scalar(
        select(func.coalesce(_SESSION.c.prouvee_le, _SESSION.c.ouverte_le)).where(
            _SESSION.c.id == session_id
        )
    )
    return trouvee


def session_incomplete(session: Session, session_id: UUID) -> tuple[bytes, str] | None:
    """Find the digest and device of a session that waits for a factor, and hold it."""
    ligne = session.execute(
        select(_SESSION.c.empreinte, _SESSION.c.appareil)
        .where(_SESSION.c.id == session_id, _SESSION.c.complete.is_(False))
        .with_for_update()
    ).one_or_none()
    return None if ligne is None else (bytes(ligne.empreinte), ligne.appareil)
