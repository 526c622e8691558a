"""Children and their guardians."""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLES: tuple[str, ...] = ()


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
