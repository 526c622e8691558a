"""Transactional outbox: an event exists exactly when what it tells was committed."""

import functools
import json
import re
from uuid import UUID, uuid4

from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from sqlalchemy.orm import Session

from chassis import telemetry

# The notification wakes the relay at the commit; it costs no second round trip.
_INSERT = """
WITH event AS (
    INSERT INTO outbox (event_id, aggregate, exchange, routing_key, body, trace)
    VALUES (%s, %s, %s, %s, %s, %s)
)
SELECT pg_notify('outbox', '')
"""
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@functools.cache
def address(descriptor: Descriptor) -> tuple[str, str]:
    """Give the service and the event type of a message.

    Returns: for `shop.orders.v1.OrderPlaced`, `("orders", "order_placed.v1")`; the
        service's exchange is `orders.events`, the type is the routing key.
    """
    package = descriptor.file.package.split(".")
    name = _WORD.sub("_", descriptor.name).lower()
    return package[-2], f"{name}.{package[-1]}"


def append(session: Session, message: Message, *, aggregate: str) -> UUID:
    """Add an event to the caller's transaction.

    Args:
        session: the open transaction of the change that the event tells.
        message: the event; ids only, no personal data.
        aggregate: id of the thing that changed. Events of one aggregate are published in the order
            of their insertion; between aggregates nothing is promised.
    Returns: the event's id (UUID4), which consumers use to be idempotent.
    """
    event_id = uuid4()
    service, event_type = address(message.DESCRIPTOR)
    fields = MessageToDict(message, preserving_proto_field_name=True)
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    parameters = (
        event_id,
        aggregate,
        f"{service}.events",
        event_type,
        body,
        telemetry.traceparent(),
    )
    session.connection().exec_driver_sql(_INSERT, parameters)
    session.info.setdefault("outbox", []).append(event_type)  # for the commit's span
    return event_id
