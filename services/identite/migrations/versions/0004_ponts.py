"""Imported accounts and contacts, links between accounts, connectors."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES: tuple[str, ...] = (
    # The same file is imported once; an undone import may be made again.
    """
    CREATE TABLE importation (
        id uuid PRIMARY KEY,
        source text NOT NULL CHECK (source IN ('taxes', 'loisirs', 'urgences')),
        fichier text NOT NULL,
        empreinte bytea NOT NULL CHECK (length(empreinte) = 32),
        commencee_le timestamptz NOT NULL,
        finie_le timestamptz,
        annulee_le timestamptz,
        -- Every row of the file up to this line is committed.
        derniere_ligne integer NOT NULL,
        nombres jsonb NOT NULL
    )
    """,
    """
    CREATE UNIQUE INDEX importation_un_fichier ON importation (source, empreinte)
        WHERE annulee_le IS NULL
    """,
    # What a clerk must know of an import, row by row; deleted with the retention of the hashes.
    """
    CREATE TABLE collision (
        importation_id uuid NOT NULL REFERENCES importation ON DELETE CASCADE,
        ligne integer NOT NULL,
        regle text NOT NULL,
        reference text NOT NULL,
        qui text NOT NULL,
        detail text NOT NULL,
        PRIMARY KEY (importation_id, ligne, regle)
    )
    """,
    # An account of another system. `ouvert`: the import made our account of it.
    """
    CREATE TABLE compte_externe (
        id uuid PRIMARY KEY,
        source text NOT NULL CHECK (source IN ('taxes', 'loisirs')),
        reference text NOT NULL,
        courriel_plie text NOT NULL,
        prenom text NOT NULL,
        nom text NOT NULL,
        date_naissance date,
        compte_id uuid REFERENCES compte ON DELETE CASCADE,
        etat text NOT NULL CHECK (etat IN ('EN_ATTENTE', 'A_DECIDER', 'LIE', 'REFUSE', 'DELIE')),
        ouvert boolean NOT NULL,
        importation_id uuid NOT NULL REFERENCES importation,
        importe_le timestamptz NOT NULL,
        change_le timestamptz NOT NULL,
        premiere_connexion_le timestamptz,
        CONSTRAINT compte_externe_une_reference UNIQUE (reference, source),
        CHECK (compte_id IS NOT NULL OR etat = 'EN_ATTENTE')
    )
    """,
    "CREATE INDEX compte_externe_courriel ON compte_externe (courriel_plie)",
    "CREATE INDEX compte_externe_compte ON compte_externe (compte_id)",
    """
    CREATE INDEX compte_externe_file ON compte_externe (change_le, id) WHERE etat = 'A_DECIDER'
    """,
    # Enveloped hashes of other systems, until their owner's first log-in or the end of the delay.
    """
    CREATE INDEX compte_heritee ON compte (mot_de_passe_change_le)
        WHERE mot_de_passe LIKE '$heritee$%'
    """,
    # Who changed a link, from what to what, and why. `par`: an account, or 'operateur'.
    """
    CREATE TABLE decision_liaison (
        id uuid PRIMARY KEY,
        liaison_id uuid NOT NULL REFERENCES compte_externe ON DELETE CASCADE,
        avant text NOT NULL,
        apres text NOT NULL,
        par text NOT NULL,
        motif text NOT NULL,
        fait_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX decision_liaison_liaison ON decision_liaison (liaison_id, fait_le)",
    # Contacts of the old emergency system, without an account (IDN-10).
    """
    CREATE TABLE contact_urgence (
        id uuid PRIMARY KEY,
        reference text NOT NULL,
        canal text NOT NULL CHECK (canal IN ('courriel', 'texto', 'telephone')),
        coordonnee text NOT NULL,
        nom text NOT NULL,
        langue text NOT NULL CHECK (langue IN ('fr', 'en')),
        importation_id uuid NOT NULL REFERENCES importation,
        importe_le timestamptz NOT NULL,
        -- The account whose owner proved this contact; it speaks for it from then on.
        compte_id uuid REFERENCES compte ON DELETE SET NULL,
        fusionne_le timestamptz,
        CONSTRAINT contact_urgence_une_fois UNIQUE (coordonnee, canal)
    )
    """,
    # The revocable token of an Espace Famille, or the credentials where it offers none; sealed.
    """
    CREATE TABLE espace_famille (
        compte_id uuid PRIMARY KEY REFERENCES compte ON DELETE CASCADE,
        code text NOT NULL,
        jeton boolean NOT NULL,
        scelle bytea NOT NULL,
        lie_le timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
