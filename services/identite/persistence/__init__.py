"""The tables of identite and the questions asked of them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Enum,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, registry

from chassis.db import plain
from services.identite.domain import (
    Compte,
    Frein,
    GenreMandat,
    Lien,
    Procuration,
    SessionOuverte,
    StatutCompte,
    Usage,
    roles_effectifs,
)
from services.identite.persistence.profil import ProfilLu as ProfilLu
from services.identite.persistence.profil import lire_profil as lire_profil

UN_COURRIEL: Final = "compte_un_courriel"
UN_NOM_UTILISATEUR: Final = "compte_un_nom_utilisateur"

_INSTANT: Final = DateTime(timezone=True)
_METADATA: Final = MetaData()

COMPTE: Final = Table(
    "compte",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("courriel", Text),
    Column("courriel_plie", Text),
    Column("prenom", Text),
    Column("nom", Text),
    Column("nom_utilisateur", Text),
    Column("date_naissance", Date),
    Column("adresse_ligne", Text),
    Column("adresse_ville", Text),
    Column("adresse_code_postal", Text),
    Column("telephone", Text),
    Column("langue", Text),
    Column("categories", ARRAY(Text)),
    Column("canaux", ARRAY(Text)),
    Column("mot_de_passe", Text),
    Column("statut", Enum(StatutCompte, native_enum=False)),
    Column("roles", ARRAY(Text)),
    Column("cree_le", _INSTANT),
    Column("active_le", _INSTANT),
    Column("mot_de_passe_change_le", _INSTANT),
)
LIEN: Final = Table(
    "lien",
    _METADATA,
    Column("empreinte", LargeBinary, primary_key=True),
    Column("compte_id", ForeignKey("compte.id")),
    Column(
        "usage",
        Enum(Usage, native_enum=False, values_callable=lambda usages: [u.value for u in usages]),
    ),
    Column("cree_le", _INSTANT),
    Column("expire_le", _INSTANT),
    Column("utilise_le", _INSTANT),
    Column("remplace_le", _INSTANT),
)
SESSION: Final = Table(
    "session_ouverte",
    _METADATA,
    Column("empreinte", LargeBinary, primary_key=True),
    Column("id", Uuid),
    Column("compte_id", ForeignKey("compte.id")),
    Column("roles", ARRAY(Text)),
    Column("appareil", Text),
    Column("ouverte_le", _INSTANT),
    Column("vue_le", _INSTANT),
    Column("inactivite_s", Integer),
    Column("fin_le", _INSTANT),
    Column("complete", Boolean),
    Column("prouvee_le", _INSTANT),
    Column("mandat_id", Uuid),
)
FREIN: Final = Table(
    "frein",
    _METADATA,
    Column("cle", LargeBinary, primary_key=True),
    Column("echecs", Integer),
    Column("dernier_le", _INSTANT),
    Column("bloque_jusqua", _INSTANT),
)
COURRIEL_RECENT: Final = Table(
    "courriel_recent",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("compte_id", ForeignKey("compte.id")),
    Column("gabarit", Text),
    Column("demande_le", _INSTANT),
)
NOM_RESERVE: Final = Table(
    "nom_reserve",
    _METADATA,
    Column("nom_utilisateur", Text, primary_key=True),
    Column("jusqua", _INSTANT),
)

_MAPPING: Final = registry()
_MAPPING.map_imperatively(Compte, COMPTE)
_MAPPING.map_imperatively(Lien, LIEN)


def contrainte(error: IntegrityError) -> str:
    """Name the constraint that refused a row, "" when the driver does not say."""
    diagnostic = getattr(error.orig, "diag", None)
    return getattr(diagnostic, "constraint_name", None) or ""


# Accounts


def compte(session: Session, compte_id: UUID, *, verrou: bool = False) -> Compte | None:
    """Find an account; `verrou` holds it until the commit, before any of its other rows."""
    return session.get(Compte, compte_id, with_for_update=verrou, populate_existing=verrou)


def compte_par_courriel(session: Session, plie: str, *, verrou: bool = False) -> Compte | None:
    """Find the account of a folded e-mail."""
    question = select(Compte).where(COMPTE.c.courriel_plie == plie)
    return session.scalar(question.with_for_update() if verrou else question)


def compte_par_nom_utilisateur(session: Session, nom: str) -> Compte | None:
    """Find the account of a folded user name."""
    return session.scalar(select(Compte).where(COMPTE.c.nom_utilisateur == nom))


def noms_pris(
    session: Session, noms: Sequence[str], *, sauf: UUID | None, maintenant: datetime
) -> frozenset[str]:
    """Tell which user names are taken or reserved, those of the account `sauf` apart."""
    des_comptes = select(COMPTE.c.nom_utilisateur).where(COMPTE.c.nom_utilisateur.in_(noms))
    if sauf is not None:
        des_comptes = des_comptes.where(COMPTE.c.id != sauf)
    reserves = select(NOM_RESERVE.c.nom_utilisateur).where(
        NOM_RESERVE.c.nom_utilisateur.in_(noms), NOM_RESERVE.c.jusqua > maintenant
    )
    return frozenset(session.scalars(des_comptes.union(reserves)))


def reserver_nom(session: Session, nom: str, *, jusqua: datetime) -> None:
    """Keep a user name taken although no account has it."""
    ajout = insert(NOM_RESERVE).values(nom_utilisateur=nom, jusqua=jusqua)
    session.execute(
        ajout.on_conflict_do_update(index_elements=["nom_utilisateur"], set_={"jusqua": jusqua})
    )


# Mailed links


def lien_et_compte(session: Session, empreinte: bytes) -> tuple[Lien, Compte] | None:
    """Find a link and hold its account.

    The account is locked first, here as everywhere: two clicks, or a click and a new link, wait
    for each other instead of dead-locking.
    """
    trouve = session.scalar(select(LIEN.c.compte_id).where(LIEN.c.empreinte == empreinte))
    if trouve is None or (titulaire := compte(session, trouve, verrou=True)) is None:
        return None
    # Links go with their account only, and that one is held.
    return session.get_one(Lien, empreinte), titulaire


def remplacer_liens(
    session: Session, compte_id: UUID, usage: Usage, *, maintenant: datetime
) -> None:
    """Make void the account's links of this kind that could still be used."""
    session.execute(
        update(LIEN)
        .where(
            LIEN.c.compte_id == compte_id,
            LIEN.c.usage == usage,
            LIEN.c.utilise_le.is_(None),
            LIEN.c.remplace_le.is_(None),
        )
        .values(remplace_le=maintenant)
    )


def courriels_depuis(session: Session, compte_id: UUID, gabarit: str, depuis: datetime) -> int:
    """Count the mails of one kind asked for an account since a time."""
    question = select(func.count()).where(
        COURRIEL_RECENT.c.compte_id == compte_id,
        COURRIEL_RECENT.c.gabarit == gabarit,
        COURRIEL_RECENT.c.demande_le > depuis,
    )
    return session.scalar(question) or 0


def noter_courriel(
    session: Session, compte_id: UUID, gabarit: str, *, maintenant: datetime
) -> None:
    """Remember that a mail was asked for an account."""
    session.execute(
        COURRIEL_RECENT.insert().values(
            id=uuid4(), compte_id=compte_id, gabarit=gabarit, demande_le=maintenant
        )
    )


# Sessions


def ouvrir(
    session: Session,
    *,
    empreinte: bytes,
    ouverte: SessionOuverte,
    appareil: str,
    complete: bool = True,
) -> None:
    """Store a new session; an incomplete one may only enrol a second factor."""
    session.execute(
        SESSION.insert().values(
            empreinte=empreinte,
            id=ouverte.id,
            compte_id=ouverte.compte_id,
            roles=sorted(ouverte.roles),
            appareil=appareil,
            ouverte_le=ouverte.vue_le,
            vue_le=ouverte.vue_le,
            inactivite_s=int(ouverte.inactivite.total_seconds()),
            fin_le=ouverte.fin_le,
            complete=complete,
        )
    )


# Text made once: this is the read that every page of the portal makes.
_LIRE_SESSION: Final = (
    "SELECT s.id, s.compte_id, s.roles, s.vue_le, s.fin_le, s.inactivite_s, c.prenom, c.nom,"
    " c.langue, c.statut, c.roles AS roles_compte, s.complete,"
    " coalesce(s.prouvee_le, s.ouverte_le) AS prouvee_le,"
    " m.mandant_id, m.genre, m.portee, m.fin_le AS mandat_fin_le,"
    " p.prenom AS mandant_prenom, p.nom AS mandant_nom"
    " FROM session_ouverte s JOIN compte c ON c.id = s.compte_id"
    " LEFT JOIN mandat m ON m.id = s.mandat_id AND m.mandataire_id = s.compte_id"
    " AND m.accepte_le IS NOT NULL AND m.termine_le IS NULL"
    " LEFT JOIN compte p ON p.id = m.mandant_id AND p.statut = 'ACTIF'"
    " WHERE s.empreinte = %(empreinte)s"
)


def lire_session(lecture: Engine, empreinte: bytes) -> SessionOuverte | None:
    """Find a session with its owner, in one indexed read without a transaction."""
    with plain(lecture) as cursor:
        ligne = cursor.execute(_LIRE_SESSION, {"empreinte": empreinte}).fetchone()
    if ligne is None:
        return None
    return SessionOuverte(
        id=ligne.id,
        compte_id=ligne.compte_id,
        roles=roles_effectifs(ligne.roles, ligne.roles_compte),
        prenom=ligne.prenom,
        nom=ligne.nom,
        langue=ligne.langue,
        vue_le=ligne.vue_le,
        fin_le=ligne.fin_le,
        inactivite=timedelta(seconds=ligne.inactivite_s),
        compte_actif=ligne.statut == StatutCompte.ACTIF,
        complete=ligne.complete,
        prouvee_le=ligne.prouvee_le,
        procuration=None if ligne.mandant_prenom is None else _procuration(ligne),
    )


def _procuration(ligne: Any) -> Procuration:
    return Procuration(
        compte_id=ligne.mandant_id,
        prenom=ligne.mandant_prenom,
        nom=ligne.mandant_nom,
        genre=GenreMandat(ligne.genre),
        portee=frozenset(ligne.portee),
        fin_le=ligne.mandat_fin_le,
    )


_TOUCHER: Final = (
    update(SESSION)
    .where(SESSION.c.empreinte == bindparam("cette"), SESSION.c.vue_le <= bindparam("avant"))
    .values(vue_le=bindparam("maintenant"))
)


def toucher_session(
    lecture: Engine, empreinte: bytes, *, avant: datetime, maintenant: datetime
) -> None:
    """Write a session's last use, unless another process has just done it."""
    parametres = {"cette": empreinte, "avant": avant, "maintenant": maintenant}
    with lecture.connect() as connection:
        connection.execute(_TOUCHER, parametres)


def fermer_session(session: Session, empreinte: bytes) -> None:
    """Delete a session, if it is there."""
    session.execute(delete(SESSION).where(SESSION.c.empreinte == empreinte))


def fermer_sessions(session: Session, compte_id: UUID) -> None:
    """Delete every session of an account."""
    session.execute(delete(SESSION).where(SESSION.c.compte_id == compte_id))


# Failures


def frein_verrouille(session: Session, cle: bytes) -> Frein:
    """Find what is counted against a key, and hold it until the commit."""
    ajout = insert(FREIN).values(cle=cle, echecs=0)
    ligne = session.execute(
        # A no-op update, because DO NOTHING would neither lock nor return the row.
        ajout.on_conflict_do_update(index_elements=["cle"], set_={"cle": cle}).returning(
            FREIN.c.echecs, FREIN.c.dernier_le, FREIN.c.bloque_jusqua
        )
    ).one()
    return Frein(
        echecs=ligne.echecs, dernier_le=ligne.dernier_le, bloque_jusqua=ligne.bloque_jusqua
    )


def ecrire_frein(session: Session, cle: bytes, frein: Frein) -> None:
    """Store what is counted against a key."""
    session.execute(update(FREIN).where(FREIN.c.cle == cle).values(asdict(frein)))


def oublier_frein(session: Session, cle: bytes) -> None:
    """Start again from nothing."""
    session.execute(delete(FREIN).where(FREIN.c.cle == cle))


# Upkeep

_PAQUET: Final = 1000


def purger(session: Session, *, quoi: str, avant: datetime) -> int:
    """Delete up to a thousand rows of one kind that ended before a time.

    Args:
        session: the open transaction.
        quoi: a key of `PURGES`.
        avant: rows whose time is earlier have ended.
    Returns: how many were deleted; fewer than a thousand means that none is left.
    """
    table, colonne, condition = PURGES[quoi]
    (cle,) = table.primary_key.columns
    perimes = select(cle).where(table.c[colonne] < avant)
    if condition is not None:
        perimes = perimes.where(condition)
    # Rows that somebody holds are left to the next round rather than waited for.
    choisis = perimes.limit(_PAQUET).with_for_update(skip_locked=True).cte("choisis")
    question = delete(table).where(cle.in_(select(choisis.c[cle.name])))
    return session.connection().execute(question).rowcount


PURGES: Final = {
    "compte": (COMPTE, "cree_le", COMPTE.c.statut == StatutCompte.EN_ATTENTE_ACTIVATION),
    "lien": (LIEN, "expire_le", None),
    "session": (SESSION, "fin_le", None),
    "frein": (FREIN, "dernier_le", None),
    "courriel_recent": (COURRIEL_RECENT, "demande_le", None),
    "nom_reserve": (NOM_RESERVE, "jusqua", None),
}
