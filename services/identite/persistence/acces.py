"""Challenges, counts by address, devices and undo links: their tables and questions."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

# Challenges

_RENDRE: Final = text(
    "INSERT INTO defi (id, expire_le, rendus) VALUES (:id, :expire_le, 1)"
    " ON CONFLICT (id) DO UPDATE SET rendus = defi.rendus + 1"
    " RETURNING rendus, acte IS NOT NULL AS servi"
)
_ESSAYER: Final = text(
    "UPDATE defi SET essais = essais + 1 WHERE id = :id AND rendus > 0 RETURNING essais"
)
_CONSOMMER: Final = text(
    "INSERT INTO defi (id, expire_le, acte) VALUES (:id, :expire_le, :acte)"
    " ON CONFLICT (id) DO UPDATE SET acte = coalesce(defi.acte, excluded.acte)"
    " RETURNING acte"
)


class Rendu(NamedTuple):
    """How often a code was shown, this time included, and whether it opened its act already."""

    rendus: int
    servi: bool


def noter_rendu(session: Session, defi_id: UUID, *, expire_le: datetime) -> Rendu:
    """Count that the code of a challenge is shown or said."""
    ligne = session.execute(_RENDRE, {"id": defi_id, "expire_le": expire_le}).one()
    return Rendu(ligne.rendus, ligne.servi)


def noter_essai(session: Session, defi_id: UUID) -> int:
    """Count a try of a code; gives its rank, 0 when the code was never shown."""
    return session.execute(_ESSAYER, {"id": defi_id}).scalar() or 0


def consommer_defi(session: Session, defi_id: UUID, *, expire_le: datetime, acte: bytes) -> bool:
    """Bind a challenge to one act; False when it is bound to another."""
    parametres = {"id": defi_id, "expire_le": expire_le, "acte": acte}
    lie = session.execute(_CONSOMMER, parametres).scalar_one()
    return bytes(lie) == acte


# Counts

_PASSER: Final = text(
    "INSERT INTO cadence (cle, debut, nombre) VALUES (:cle, :maintenant, 1)"
    " ON CONFLICT (cle) DO UPDATE SET"
    " nombre = CASE WHEN cadence.debut <= :avant THEN 1 ELSE cadence.nombre + 1 END,"
    " debut = CASE WHEN cadence.debut <= :avant THEN :maintenant ELSE cadence.debut END"
    " RETURNING nombre, debut"
)


class Passage(NamedTuple):
    """How many passed since the window began, this one included."""

    nombre: int
    debut: datetime


def noter_passage(
    session: Session, cle: bytes, *, avant: datetime, maintenant: datetime
) -> Passage:
    """Count one passage; a window that began at `avant` or earlier starts again."""
    parametres = {"cle": cle, "avant": avant, "maintenant": maintenant}
    ligne = session.execute(_PASSER, parametres).one()
    return Passage(ligne.nombre, ligne.debut)


_ECHOUER: Final = text(
    "INSERT INTO serie_echecs (cle, nombre, dernier_le) VALUES (:cle, 1, :maintenant)"
    " ON CONFLICT (cle) DO UPDATE SET nombre = serie_echecs.nombre + 1, dernier_le = :maintenant"
    " RETURNING nombre"
)
_RENDRE_ECHEC: Final = text("UPDATE serie_echecs SET nombre = nombre - 1 WHERE cle = :cle")
_FINIR_SERIE: Final = text("DELETE FROM serie_echecs WHERE cle = :cle")


def noter_echec(session: Session, cle: bytes, *, maintenant: datetime) -> int:
    """Count a try among the consecutive failures; gives their number."""
    parametres = {"cle": cle, "maintenant": maintenant}
    nombre: int = session.execute(_ECHOUER, parametres).scalar_one()
    return nombre


def rendre_echec(session: Session, cle: bytes) -> None:
    """Take one counted try back."""
    session.execute(_RENDRE_ECHEC, {"cle": cle})


def finir_serie(session: Session, cle: bytes) -> None:
    """End a series of failures."""
    session.execute(_FINIR_SERIE, {"cle": cle})


# Devices

_APPAREIL_CONNU: Final = text(
    "SELECT 1 FROM appareil"
    " WHERE empreinte = :empreinte AND compte_id = :compte AND vu_le > :depuis"
)
_REVOIR: Final = text(
    "UPDATE appareil SET vu_le = :maintenant, libelle = :libelle, contexte = :contexte"
    " WHERE empreinte = :empreinte AND compte_id = :compte"
)
_AJOUTER_APPAREIL: Final = text(
    "INSERT INTO appareil (empreinte, id, compte_id, contexte, libelle, cree_le, vu_le)"
    " VALUES (:empreinte, :id, :compte, :contexte, :libelle, :maintenant, :maintenant)"
)
_CONTEXTES: Final = text(
    "SELECT count(*) AS tous, count(*) FILTER (WHERE contexte = :contexte) AS semblables"
    " FROM appareil WHERE compte_id = :compte"
)
_ELAGUER: Final = text(
    "DELETE FROM appareil WHERE empreinte IN (SELECT empreinte FROM appareil"
    " WHERE compte_id = :compte ORDER BY vu_le DESC OFFSET :garder)"
)
_LISTER_APPAREILS: Final = text(
    "SELECT id, libelle, cree_le, vu_le FROM appareil WHERE compte_id = :compte"
    " ORDER BY vu_le DESC, id"
)


def appareil_connu(
    session: Session, empreinte: bytes, compte_id: UUID, *, depuis: datetime
) -> bool:
    """Tell whether a device opened a session of this account since a time."""
    parametres = {"empreinte": empreinte, "compte": compte_id, "depuis": depuis}
    return session.execute(_APPAREIL_CONNU, parametres).first() is not None


def revoir_appareil(
    session: Session,
    empreinte: bytes,
    compte_id: UUID,
    *,
    contexte: bytes,
    libelle: str,
    maintenant: datetime,
) -> None:
    """Note that a known device opened one more session."""
    session.execute(
        _REVOIR,
        {
            "empreinte": empreinte,
            "compte": compte_id,
            "contexte": contexte,
            "libelle": libelle,
            "maintenant": maintenant,
        },
    )


class Semblables(NamedTuple):
    """Devices of an account, and those among them that look like one."""

    tous: int
    semblables: int


def appareils_semblables(session: Session, compte_id: UUID, contexte: bytes) -> Semblables:
    """Count the devices of an account, and those of the same browser at the same address."""
    ligne = session.execute(_CONTEXTES, {"compte": compte_id, "contexte": contexte}).one()
    return Semblables(ligne.tous, ligne.semblables)


def ajouter_appareil(
    session: Session,
    empreinte: bytes,
    compte_id: UUID,
    *,
    contexte: bytes,
    libelle: str,
    garder: int,
    maintenant: datetime,
) -> None:
    """Remember a device; the account keeps its `garder` latest."""
    session.execute(
        _AJOUTER_APPAREIL,
        {
            "empreinte": empreinte,
            "id": uuid4(),
            "compte": compte_id,
            "contexte": contexte,
            "libelle": libelle,
            "maintenant": maintenant,
        },
    )
    session.execute(_ELAGUER, {"compte": compte_id, "garder": garder})


class AppareilLu(NamedTuple):
    """A device as its owner sees it."""

    id: UUID
    libelle: str
    cree_le: datetime
    vu_le: datetime


def lister_appareils(lecture: Engine, compte_id: UUID) -> list[AppareilLu]:
    """List the devices of an account, the latest first."""
    with lecture.connect() as connection:
        lignes = connection.execute(_LISTER_APPAREILS, {"compte": compte_id})
        return [AppareilLu._make(ligne) for ligne in lignes]


def oublier_appareil(session: Session, compte_id: UUID, appareil_id: UUID) -> None:
    """Forget one device, if it is there."""
    session.execute(
        text("DELETE FROM appareil WHERE compte_id = :compte AND id = :id"),
        {"compte": compte_id, "id": appareil_id},
    )


def oublier_appareils(session: Session, compte_id: UUID) -> None:
    """Forget every device of an account."""
    session.execute(text("DELETE FROM appareil WHERE compte_id = :compte"), {"compte": compte_id})


# Sessions of one account

_LISTER_SESSIONS: Final = text(
    "SELECT id, appareil, ouverte_le, vue_le, roles FROM session_ouverte"
    " WHERE compte_id = :compte AND fin_le > :maintenant"
    " AND vue_le + inactivite_s * interval '1 second' > :maintenant"
    " ORDER BY vue_le DESC, id"
)


class SessionLue(NamedTuple):
    """A session as its owner sees it."""

    id: UUID
    appareil: str
    ouverte_le: datetime
    vue_le: datetime
    roles: list[str]


def lister_sessions(lecture: Engine, compte_id: UUID, *, maintenant: datetime) -> list[SessionLue]:
    """List the living sessions of an account, the latest used first."""
    with lecture.connect() as connection:
        lignes = connection.execute(
            _LISTER_SESSIONS, {"compte": compte_id, "maintenant": maintenant}
        )
        return [SessionLue._make(ligne) for ligne in lignes]


def terminer_session(session: Session, compte_id: UUID, session_id: UUID) -> None:
    """End one session of an account, if it is there."""
    session.execute(
        text("DELETE FROM session_ouverte WHERE compte_id = :compte AND id = :id"),
        {"compte": compte_id, "id": session_id},
    )


def terminer_autres(session: Session, compte_id: UUID, *, sauf: UUID | None) -> int:
    """End every session of an account but one; gives how many."""
    resultat = session.connection().execute(
        text(
            "DELETE FROM session_ouverte WHERE compte_id = :compte"
            " AND id IS DISTINCT FROM CAST(:sauf AS uuid)"
        ),
        {"compte": compte_id, "sauf": sauf},
    )
    return resultat.rowcount


def limiter_sessions_agent(session: Session, compte_id: UUID, *, garder: int) -> None:
    """End the staff sessions of an account beyond its `garder` latest used (R31)."""
    session.execute(
        text(
            "DELETE FROM session_ouverte WHERE empreinte IN (SELECT empreinte FROM session_ouverte"
            " WHERE compte_id = :compte AND NOT 'citoyen' = ANY(roles)"
            " ORDER BY vue_le DESC, ouverte_le DESC OFFSET :garder)"
        ),
        {"compte": compte_id, "garder": garder},
    )


def renouveler_secret(session: Session, session_id: UUID, empreinte: bytes) -> None:
    """Give a session another secret (R30)."""
    session.execute(
        text("UPDATE session_ouverte SET empreinte = :empreinte WHERE id = :id"),
        {"empreinte": empreinte, "id": session_id},
    )


# Undo links


class Annulation(NamedTuple):
    """What a link « ce n’était pas moi » gives back."""

    compte_id: UUID
    ancien_nom: str | None
    rend_nom: bool
    expire_le: datetime
    utilise_le: datetime | None


def ajouter_annulation(
    session: Session,
    empreinte: bytes,
    compte_id: UUID,
    *,
    expire_le: datetime,
    ancien_nom: str | None = None,
    rend_nom: bool = False,
) -> None:
    """Keep an undo link; with `rend_nom` it also gives the user name back."""
    session.execute(
        text(
            "INSERT INTO annulation (empreinte, compte_id, ancien_nom, rend_nom, expire_le)"
            " VALUES (:empreinte, :compte, :ancien, :rend, :expire_le)"
        ),
        {
            "empreinte": empreinte,
            "compte": compte_id,
            "ancien": ancien_nom,
            "rend": rend_nom,
            "expire_le": expire_le,
        },
    )


def annulation(session: Session, empreinte: bytes) -> Annulation | None:
    """Find an undo link; hold its account first."""
    ligne = session.execute(
        text(
            "SELECT compte_id, ancien_nom, rend_nom, expire_le, utilise_le"
            " FROM annulation WHERE empreinte = :empreinte"
        ),
        {"empreinte": empreinte},
    ).one_or_none()
    return None if ligne is None else Annulation._make(ligne)


def utiliser_annulation(session: Session, empreinte: bytes, *, maintenant: datetime) -> None:
    """Mark an undo link as used."""
    session.execute(
        text("UPDATE annulation SET utilise_le = :maintenant WHERE empreinte = :empreinte"),
        {"empreinte": empreinte, "maintenant": maintenant},
    )


_PURGES: Final = {
    "defi": text("DELETE FROM defi WHERE expire_le < :avant"),
    "cadence": text("DELETE FROM cadence WHERE debut < :avant"),
    "serie_echecs": text("DELETE FROM serie_echecs WHERE dernier_le < :avant"),
    "appareil": text("DELETE FROM appareil WHERE vu_le < :avant"),
    "annulation": text("DELETE FROM annulation WHERE expire_le < :avant"),
}


def purger_acces(session: Session, *, quoi: str, avant: datetime) -> int:
    """Delete the rows of one kind that ended before a time; gives how many."""
    return session.connection().execute(_PURGES[quoi], {"avant": avant}).rowcount
