"""The three tables that the chassis keeps in each service's database."""

# Executed by the first migration of a service. A change is a V2 that later migrations execute.
V1: tuple[str, ...] = (
    """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid NOT NULL,
        aggregate text NOT NULL,
        exchange text NOT NULL,
        routing_key text NOT NULL,
        body bytea NOT NULL,
        trace text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz
    )
    """,
    "CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL",
    # Nearly always empty: the rows that the broker refused, which hold back their aggregate.
    """
    CREATE INDEX outbox_deferred ON outbox (aggregate, id)
        WHERE published_at IS NULL AND next_attempt_at IS NOT NULL
    """,
    """
    CREATE TABLE inbox (
        event_id uuid NOT NULL,
        consumer text NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (event_id, consumer)
    )
    """,
    """
    CREATE TABLE request (
        request_id uuid NOT NULL,
        scope text NOT NULL,
        fingerprint bytea NOT NULL,
        result text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (request_id, scope)
    )
    """,
)
