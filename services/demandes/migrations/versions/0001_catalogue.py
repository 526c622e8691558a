"""Themes and types of requests."""

from alembic import op

from chassis import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE theme (
        code text PRIMARY KEY,
        rang smallint NOT NULL,
        titre_fr text NOT NULL,
        titre_en text NOT NULL
    )
    """,
    # `recherche` and `tri` are made by domain.py: there is no ICU here, and search must ignore
    # accents and plurals. Both are compared byte by byte.
    """
    CREATE TABLE type_demande (
        code text PRIMARY KEY,
        theme text NOT NULL REFERENCES theme,
        titre_fr text NOT NULL,
        titre_en text NOT NULL,
        description_fr text NOT NULL,
        description_en text NOT NULL,
        compte_requis boolean NOT NULL,
        recherche text COLLATE "C" NOT NULL,
        tri text COLLATE "C" NOT NULL,
        publie_le timestamptz NOT NULL,
        retire_le timestamptz
    )
    """,
    "CREATE INDEX type_demande_theme ON type_demande (theme, tri, code) WHERE retire_le IS NULL",
)


def upgrade() -> None:
    """Create the tables of the chassis, then ours."""
    for statement in (*schema.V1, *TABLES):
        op.execute(statement)
