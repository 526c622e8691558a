"""Log-in and sign-up: proofs of work, security codes, devices, identifiers."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES: tuple[str, ...] = (
    # A challenge enters here when its code is first shown or when it is answered; `acte` is the
    # digest of the one act that it opened.
    """
    CREATE TABLE defi (
        id uuid PRIMARY KEY,
        expire_le timestamptz NOT NULL,
        rendus integer NOT NULL DEFAULT 0,
        essais integer NOT NULL DEFAULT 0,
        acte bytea
    )
    """,
    "CREATE INDEX defi_fin ON defi (expire_le)",
    # How often something was asked for from one address (or by one account) since `debut`. The key
    # is a keyed digest, as in `frein`.
    """
    CREATE TABLE cadence (
        cle bytea PRIMARY KEY,
        debut timestamptz NOT NULL,
        nombre integer NOT NULL
    )
    """,
    "CREATE INDEX cadence_debut ON cadence (debut)",
    # Consecutive failures of one account, which time alone does not forgive (R12).
    """
    CREATE TABLE serie_echecs (
        cle bytea PRIMARY KEY,
        nombre integer NOT NULL,
        dernier_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX serie_echecs_dernier ON serie_echecs (dernier_le)",
    # A browser or an application that opened a session of this account once.
    """
    CREATE TABLE appareil (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        id uuid NOT NULL UNIQUE,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        contexte bytea NOT NULL,
        libelle text NOT NULL,
        cree_le timestamptz NOT NULL,
        vu_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX appareil_compte ON appareil (compte_id, vu_le)",
    "CREATE INDEX appareil_vu ON appareil (vu_le)",
    # The link « ce n’était pas moi » of a notice (R05).
    """
    CREATE TABLE annulation (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        ancien_nom text,
        rend_nom boolean NOT NULL,
        expire_le timestamptz NOT NULL,
        utilise_le timestamptz
    )
    """,
    "CREATE INDEX annulation_compte ON annulation (compte_id)",
    "CREATE INDEX annulation_fin ON annulation (expire_le)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
