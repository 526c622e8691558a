"""Relying parties, as they are stored."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from chassis.db import plain
from services.identite.domain.oidc_client import ClientOidc

_CLIENT: Final = (
    "client_id, nom_fr, nom_en, redirections, redirections_fin, deconnexion_url, methode, portees,"
    " algorithme, premiere_main, ressource, jwks, tls_sujet, secret_empreinte, desactive, cree_le"
)
COLONNES_CLIENT: Final = tuple(_CLIENT.split(", "))
_LIRE_CLIENT: Final = f"SELECT {_CLIENT} FROM oidc_client WHERE client_id = %s"  # noqa: S608


def lire_client(lecture: Engine, client_id: str) -> ClientOidc | None:
    """Find a client, in one plain read."""
    with plain(lecture) as cursor:
        ligne = cursor.execute(_LIRE_CLIENT, (client_id,)).fetchone()
    return None if ligne is None else _client(ligne)


def client(session: Session, client_id: str, *, verrou: bool = False) -> ClientOidc | None:
    """Find a client inside a transaction; `verrou` holds it."""
    question = f"SELECT {_CLIENT} FROM oidc_client WHERE client_id = :client_id"  # noqa: S608
    ligne = session.execute(
        text(question + (" FOR UPDATE" if verrou else "")), {"client_id": client_id}
    ).one_or_none()
    return None if ligne is None else _client(ligne)


def lister_clients(lecture: Engine) -> list[ClientOidc]:
    """List every client, by its French name."""
    with plain(lecture) as cursor:
        lignes = cursor.execute(
            f"SELECT {_CLIENT} FROM oidc_client ORDER BY lower(nom_fr), client_id"  # noqa: S608
        ).fetchall()
    return [_client(ligne) for ligne in lignes]


def _client(ligne: Any) -> ClientOidc:
    return client_de(ligne._asdict())


def client_de(champs: dict[str, Any]) -> ClientOidc:
    """Give the client of a row's columns."""
    for nom in ("redirections", "redirections_fin", "portees"):
        champs[nom] = tuple(champs[nom])
    secret = champs["secret_empreinte"]
    champs["secret_empreinte"] = None if secret is None else bytes(secret)
    return ClientOidc(**champs)


_INSERER_CLIENT: Final = text(
    f"INSERT INTO oidc_client ({_CLIENT}, cree_par) VALUES (:client_id, :nom_fr, :nom_en,"  # noqa: S608
    " :redirections, :redirections_fin, :deconnexion_url, :methode, :portees, :algorithme,"
    " :premiere_main, :ressource, :jwks, :tls_sujet, :secret_empreinte, :desactive, :cree_le,"
    " :cree_par)"
)


def inserer_client(session: Session, nouveau: ClientOidc, *, cree_par: str) -> None:
    """Store a new client."""
    session.execute(
        _INSERER_CLIENT,
        {
            **vars(nouveau),
            "redirections": list(nouveau.redirections),
            "redirections_fin": list(nouveau.redirections_fin),
            "portees": list(nouveau.portees),
            "cree_par": cree_par,
        },
    )


def changer_secret(session: Session, client_id: str, empreinte: bytes) -> None:
    """Replace the digest of a client's secret."""
    session.execute(
        text("UPDATE oidc_client SET secret_empreinte = :e WHERE client_id = :c"),
        {"e": empreinte, "c": client_id},
    )


def desactiver_client(session: Session, client_id: str, *, desactive: bool) -> None:
    """Disable or enable a client."""
    session.execute(
        text("UPDATE oidc_client SET desactive = :d WHERE client_id = :c"),
        {"d": desactive, "c": client_id},
    )


def assertion_nouvelle(session: Session, empreinte: bytes, expire_le: datetime) -> bool:
    """Note an assertion; False when it has served before."""
    ajout = session.connection().execute(
        text(
            "INSERT INTO oidc_assertion (empreinte, expire_le) VALUES (:e, :x)"
            " ON CONFLICT DO NOTHING"
        ),
        {"e": empreinte, "x": expire_le},
    )
    return ajout.rowcount == 1
