"""Devices, registrations, signed codes, status lists, Google objects."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES: tuple[str, ...] = (
    # The signed text of the QR, the same on every medium (CAR-16); empty until signed.
    "ALTER TABLE carte ADD COLUMN code text NOT NULL DEFAULT ''",
    # One key per town and year. The private half is sealed with a key of the settings; the public
    # one stays published until the last card it signed has expired.
    """
    CREATE TABLE cle_signature (
        kid bytea PRIMARY KEY CHECK (length(kid) = 8),
        annee integer NOT NULL UNIQUE,
        publique bytea NOT NULL,
        privee_scellee bytea NOT NULL,
        creee_le timestamptz NOT NULL
    )
    """,
    # Token Status Lists: an index is drawn at random and never given twice.
    """
    CREATE TABLE liste_statuts (
        liste_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        taille integer NOT NULL CHECK (taille > 0),
        attribues integer NOT NULL DEFAULT 0 CHECK (attribues <= taille)
    )
    """,
    """
    CREATE TABLE indice_statut (
        liste_id integer NOT NULL REFERENCES liste_statuts,
        indice integer NOT NULL CHECK (indice >= 0),
        carte_id uuid NOT NULL,
        -- Set when a code was replaced by another of the same card: it stays invalid for ever.
        retire_le timestamptz,
        PRIMARY KEY (liste_id, indice)
    )
    """,
    """
    CREATE UNIQUE INDEX indice_statut_de_la_carte ON indice_statut (carte_id)
        WHERE retire_le IS NULL
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
