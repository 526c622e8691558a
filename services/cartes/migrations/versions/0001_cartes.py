"""Cards, requests, proofs, decisions and wallet links."""

from alembic import op

from chassis import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    # Sequence part of the card number: 8 digits, never used twice, gaps allowed.
    "CREATE SEQUENCE numero_carte MINVALUE 1 MAXVALUE 99999999 NO CYCLE",
    """
    CREATE TABLE carte (
        carte_id uuid PRIMARY KEY,
        personne_id text NOT NULL,
        compte_id text NOT NULL,
        prenom text NOT NULL,
        nom text NOT NULL,
        serie text NOT NULL UNIQUE,
        statut text NOT NULL CHECK (statut IN ('EN_ATTENTE_VALIDATION', 'ACTIVE', 'SUSPENDUE',
                                               'EXPIREE', 'REVOQUEE', 'REFUSEE')),
        numero text UNIQUE CHECK (numero ~ '^[0-9]{14}$'),
        numerique boolean NOT NULL,
        physique boolean NOT NULL,
        approuvee_le timestamptz,
        echeance date,
        demandee_le timestamptz NOT NULL,
        CHECK (statut <> 'ACTIVE' OR (numero IS NOT NULL AND echeance IS NOT NULL))
    )
    """,
    # CAR-01, first constraint: one open card per person.
    """
    CREATE UNIQUE INDEX carte_ouverte_par_personne ON carte (personne_id)
        WHERE statut IN ('EN_ATTENTE_VALIDATION', 'ACTIVE', 'SUSPENDUE')
    """,
    "CREATE INDEX carte_du_compte ON carte (compte_id, demandee_le)",
    """
    CREATE TABLE demande (
        demande_id uuid PRIMARY KEY,
        carte_id uuid NOT NULL REFERENCES carte,
        compte_id text NOT NULL,
        statut text NOT NULL CHECK (statut IN ('DEPOSEE', 'INCOMPLETE', 'APPROUVEE', 'REFUSEE')),
        prenom text NOT NULL,
        nom text NOT NULL,
        date_naissance date NOT NULL,
        adresse text NOT NULL,
        ville text NOT NULL,
        code_postal text NOT NULL,
        carte_physique boolean NOT NULL,
        deposee_le timestamptz NOT NULL,
        modifiee_le timestamptz NOT NULL,
        decidee_le timestamptz,
        version integer NOT NULL
    )
    """,
    # CAR-01, second constraint: one open request per card.
    """
    CREATE UNIQUE INDEX demande_ouverte_par_carte ON demande (carte_id)
        WHERE statut IN ('DEPOSEE', 'INCOMPLETE')
    """,
    # The queue of staff, oldest first, by key and not by offset.
    "CREATE INDEX demande_file ON demande (statut, deposee_le, demande_id)",
    """
    CREATE TABLE piece_justificative (
        demande_id uuid NOT NULL REFERENCES demande,
        role text NOT NULL CHECK (role IN ('IDENTITE', 'RESIDENCE')),
        piece_id text NOT NULL,
        statut text NOT NULL CHECK (statut IN ('A_VERIFIER', 'ACCEPTEE', 'REFUSEE')),
        motif text CHECK (motif IN ('ILLISIBLE', 'EXPIREE', 'NOM_DIFFERENT',
                                    'ADRESSE_DIFFERENTE', 'GENRE_NON_ACCEPTE', 'AUTRE')),
        precision text NOT NULL DEFAULT '',
        PRIMARY KEY (demande_id, role),
        CHECK ((statut = 'REFUSEE') = (motif IS NOT NULL))
    )
    """,
    # Who decided what on which document: rows are added, never changed.
    """
    CREATE TABLE decision (
        decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        demande_id uuid NOT NULL REFERENCES demande,
        version integer NOT NULL,
        role text NOT NULL,
        piece_id text NOT NULL,
        agent_id text NOT NULL,
        acceptee boolean NOT NULL,
        motif text,
        precision text NOT NULL,
        prise_le timestamptz NOT NULL,
        UNIQUE (demande_id, version, role)
    )
    """,
    """
    CREATE TABLE lien (
        empreinte bytea PRIMARY KEY,
        carte_id uuid NOT NULL REFERENCES carte,
        cree_le timestamptz NOT NULL,
        expire_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX lien_a_purger ON lien (expire_le)",
)


def upgrade() -> None:
    for statement in (*schema.V1, *_TABLES):
        op.execute(statement)


def downgrade() -> None:
    for name in ("lien", "decision", "piece_justificative", "demande", "carte"):
        op.execute(f"DROP TABLE {name}")
    op.execute("DROP SEQUENCE numero_carte")
    for name in ("request", "inbox", "outbox"):
        op.execute(f"DROP TABLE {name}")
