"""Write RPCs that may be sent twice and happen once (AIP-155)."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

_INSERT = """
INSERT INTO request (request_id, scope, fingerprint) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING
"""
_SELECT = "SELECT fingerprint, result FROM request WHERE request_id = %s AND scope = %s"
_UPDATE = "UPDATE request SET result = %s WHERE request_id = %s AND scope = %s"


class RequestIdReused(Exception):
    """The same request id came before with another content."""


class InvalidRequestId(Exception):
    """A request id is not a UUID."""

    fields: Mapping[str, str] = {"request_id": "REQUEST_ID_INVALIDE"}


def claim(session: Session, *, request_id: str, scope: str, fingerprint: bytes) -> str | None:
    """Take a request id, as the first statement of a write transaction.

    Args:
        session: the open transaction of the write; its rollback gives the id back.
        request_id: UUID chosen by the client.
        scope: `"<rpc>:<subject>"`, so that no one can read the result of someone else's request.
        fingerprint: digest of what was asked.
    Returns: None the first time, otherwise the result that the first one stored. A concurrent
        twin waits here until the first one ends (at most the lock timeout).
    Raises: RequestIdReused, InvalidRequestId.
    """
    key = _key(request_id)
    connection = session.connection()
    if connection.exec_driver_sql(_INSERT, (key, scope, fingerprint)).rowcount:
        return None
    stored, result = connection.exec_driver_sql(_SELECT, (key, scope)).one()
    if bytes(stored) != fingerprint:
        raise RequestIdReused
    return str(result)


def complete(session: Session, *, request_id: str, scope: str, result: str) -> None:
    """Store the short result (an id) that a repeated request will be given, before the commit."""
    session.connection().exec_driver_sql(_UPDATE, (result, _key(request_id), scope))


def _key(request_id: str) -> UUID:
    try:
        return UUID(request_id)
    except ValueError as error:
        raise InvalidRequestId from error
