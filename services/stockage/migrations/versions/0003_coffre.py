"""Keys and objects: rotation, erasure, checks."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES: tuple[str, ...] = (
    # What only the master key of that version opens: a wrong key is known before it is used.
    """
    CREATE TABLE maitresse (
        version integer PRIMARY KEY,
        temoin bytea NOT NULL,
        vue_le timestamptz NOT NULL
    )
    """,
    # An erased key is an empty envelope; the row stays, so that nothing makes another one (R54).
    "ALTER TABLE espace ADD COLUMN cle_effacee_le timestamptz",
    # What a rotation still has to do; empty of everything once it is over.
    "CREATE INDEX espace_cle ON espace (cle_version, compte_id)",
    # When the bytes of a document were last judged again, after new signatures (R48).
    "ALTER TABLE piece ADD COLUMN analysee_le timestamptz",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
