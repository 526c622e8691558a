"""Inbox: an event that arrives twice has one effect."""

from uuid import UUID

from sqlalchemy.orm import Session

_INSERT = "INSERT INTO inbox (event_id, consumer) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def already_seen(session: Session, *, event_id: UUID, consumer: str) -> bool:
    """Note an event in the transaction of its effect.

    Args:
        session: the caller's open transaction; its rollback forgets the event too.
        event_id: `Event.id`.
        consumer: name of the handler that has the effect; two handlers of one event use two names.
    Returns: True when the effect was already committed. A concurrent delivery of the same event
        waits here until the first one commits or rolls back.
    """
    result = session.connection().exec_driver_sql(_INSERT, (event_id, consumer))
    return result.rowcount == 0
