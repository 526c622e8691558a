"""Contact points, their codes, corrections by staff, lost mailboxes."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES: tuple[str, ...] = ()


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
