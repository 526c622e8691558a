"""Second factors, recovery codes, permissions, delegations."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES: tuple[str, ...] = (
    # A session may wait for its owner's first second factor; it remembers the latest proof of who
    # is there (R36) and for whom its owner acts (IDN-21).
    """
    ALTER TABLE session_ouverte
        ADD COLUMN complete boolean NOT NULL DEFAULT true,
        ADD COLUMN prouvee_le timestamptz,
        ADD COLUMN mandat_id uuid
    """,
    """
    CREATE TABLE cle_acces (
        id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        identifiant bytea NOT NULL CONSTRAINT cle_acces_une_fois UNIQUE,
        cle_publique bytea NOT NULL,
        compteur bigint NOT NULL,
        nom text NOT NULL,
        cree_le timestamptz NOT NULL,
        utilisee_le timestamptz
    )
    """,
    "CREATE INDEX cle_acces_compte ON cle_acces (compte_id)",
    # The secret is sealed for its account: a row copied to another account opens nothing.
    """
    CREATE TABLE totp (
        compte_id uuid PRIMARY KEY REFERENCES compte ON DELETE CASCADE,
        scelle bytea NOT NULL,
        cree_le timestamptz NOT NULL,
        confirme_le timestamptz,
        dernier_pas bigint NOT NULL
    )
    """,
    """
    CREATE TABLE code_secours (
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        empreinte bytea NOT NULL CHECK (length(empreinte) = 32),
        utilise_le timestamptz,
        PRIMARY KEY (compte_id, empreinte)
    )
    """,
    # What somebody still has to prove; its secret opens nothing by itself.
    """
    CREATE TABLE epreuve (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        compte_id uuid REFERENCES compte ON DELETE CASCADE,
        genre text NOT NULL
            CHECK (genre IN ('connexion', 'cle', 'enregistrement', 'confirmation')),
        agent boolean NOT NULL,
        appareil text NOT NULL,
        defi bytea,
        essais integer NOT NULL,
        expire_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX epreuve_fin ON epreuve (expire_le)",
    "CREATE INDEX epreuve_compte ON epreuve (compte_id)",
    # Who gave or took which role, and why; kept when the account goes.
    """
    CREATE TABLE attribution (
        id uuid PRIMARY KEY,
        compte_id uuid NOT NULL,
        role text NOT NULL,
        donne boolean NOT NULL,
        par uuid NOT NULL,
        motif text NOT NULL,
        fait_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX attribution_compte ON attribution (compte_id, fait_le)",
    "CREATE INDEX compte_personnel ON compte USING gin (roles) WHERE cardinality(roles) > 1",
    # The guest's folded e-mail stays until the answer, whether or not it has an account.
    """
    CREATE TABLE mandat (
        id uuid PRIMARY KEY,
        mandant_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        mandataire_id uuid REFERENCES compte ON DELETE CASCADE,
        invite_plie text NOT NULL,
        genre text NOT NULL CHECK (genre IN ('mandat', 'tutelle', 'guichet')),
        motif text NOT NULL,
        portee text[] NOT NULL CHECK (cardinality(portee) > 0),
        propose_le timestamptz NOT NULL,
        accepte_le timestamptz,
        fin_le timestamptz NOT NULL,
        termine_le timestamptz,
        termine_par uuid,
        CHECK (mandataire_id IS DISTINCT FROM mandant_id)
    )
    """,
    "CREATE INDEX mandat_mandant ON mandat (mandant_id)",
    "CREATE INDEX mandat_mandataire ON mandat (mandataire_id)",
    "CREATE INDEX mandat_invite ON mandat (invite_plie) WHERE accepte_le IS NULL",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
