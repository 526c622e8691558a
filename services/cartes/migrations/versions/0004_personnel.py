"""Print queue, life cycle, jobs in bulk."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES: tuple[str, ...] = ()


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
