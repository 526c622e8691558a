"""Register, children, renewals, desk, reminders."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES: tuple[str, ...] = (
    """
    ALTER TABLE carte
        ADD COLUMN categorie text NOT NULL DEFAULT 'RESIDENT'
            CHECK (categorie IN ('RESIDENT', 'ENTENTE', 'AUTRE')),
        ADD COLUMN date_naissance date,
        ADD COLUMN code_postal text NOT NULL DEFAULT '',
        ADD COLUMN origine text NOT NULL DEFAULT 'DEMANDE'
            CHECK (origine IN ('DEMANDE', 'REGISTRE')),
        ADD COLUMN associee_le timestamptz
    """,
    # What the association and the renewal ask of a card was so far in its request alone.
    """
    UPDATE carte SET date_naissance = d.date_naissance, code_postal = d.code_postal,
                     associee_le = carte.demandee_le
    FROM (SELECT DISTINCT ON (carte_id) carte_id, date_naissance, code_postal
          FROM demande ORDER BY carte_id, deposee_le DESC) d
    WHERE d.carte_id = carte.carte_id
    """,
    """
    ALTER TABLE demande
        ADD COLUMN genre text NOT NULL DEFAULT 'NOUVELLE'
            CHECK (genre IN ('NOUVELLE', 'RENOUVELLEMENT'))
    """,
    # The reminders read only the cards whose last day comes soon.
    "CREATE INDEX carte_par_echeance ON carte (echeance, carte_id) WHERE statut = 'ACTIVE'",
    # One reminder of each kind for each last day: a renewed card is reminded again.
    """
    CREATE TABLE rappel (
        carte_id uuid NOT NULL REFERENCES carte,
        echeance date NOT NULL,
        genre text NOT NULL CHECK (genre IN ('PREMIER', 'DERNIER')),
        fait_le timestamptz NOT NULL,
        PRIMARY KEY (carte_id, echeance, genre)
    )
    """,
    # Tries at associating a card, kept an hour: by whom, and on which number.
    """
    CREATE TABLE essai_association (
        essai_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sujet text NOT NULL,
        essaye_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX essai_association_sujet ON essai_association (sujet, essaye_le)",
    "CREATE INDEX essai_association_age ON essai_association (essaye_le)",
    # The imports of the city's register (CAR-18), and what each changed, so that it can be undone.
    """
    CREATE TABLE lot_registre (
        lot_id uuid PRIMARY KEY,
        fichier text NOT NULL,
        sha256 bytea NOT NULL,
        commence_le timestamptz NOT NULL,
        fini_le timestamptz,
        annule_le timestamptz
    )
    """,
    """
    CREATE TABLE registre_change (
        lot_id uuid NOT NULL REFERENCES lot_registre,
        carte_id uuid NOT NULL,
        -- The row before the import; null when the import made it.
        avant jsonb,
        PRIMARY KEY (lot_id, carte_id)
    )
    """,
    "CREATE INDEX registre_change_carte ON registre_change (carte_id)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
