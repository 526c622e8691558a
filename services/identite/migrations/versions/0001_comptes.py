"""Accounts, mailed links, sessions, and what slows guessing down."""

from alembic import op

from chassis import schema

revision = "0001"
down_revision = None

TABLES = (
    # Both folded columns are what makes one e-mail and one user name belong to one account.
    """
    CREATE TABLE compte (
        id uuid PRIMARY KEY,
        courriel text NOT NULL,
        courriel_plie text NOT NULL CONSTRAINT compte_un_courriel UNIQUE,
        prenom text NOT NULL,
        nom text NOT NULL,
        nom_utilisateur text CONSTRAINT compte_un_nom_utilisateur UNIQUE
            CHECK (nom_utilisateur = lower(nom_utilisateur)),
        date_naissance date,
        adresse_ligne text NOT NULL,
        adresse_ville text NOT NULL,
        adresse_code_postal text NOT NULL,
        telephone text NOT NULL,
        langue text NOT NULL CHECK (langue IN ('fr', 'en')),
        categories text[] NOT NULL,
        canaux text[] NOT NULL,
        mot_de_passe text NOT NULL,
        statut text NOT NULL CHECK (statut IN ('EN_ATTENTE_ACTIVATION', 'ACTIF', 'DESACTIVE')),
        roles text[] NOT NULL,
        cree_le timestamptz NOT NULL,
        active_le timestamptz,
        mot_de_passe_change_le timestamptz NOT NULL
    )
    """,
    """
    CREATE INDEX compte_en_attente ON compte (cree_le)
        WHERE statut = 'EN_ATTENTE_ACTIVATION'
    """,
    """
    CREATE TABLE lien (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        usage text NOT NULL CHECK (usage IN ('activation', 'reinitialisation')),
        cree_le timestamptz NOT NULL,
        expire_le timestamptz NOT NULL,
        utilise_le timestamptz,
        remplace_le timestamptz
    )
    """,
    "CREATE INDEX lien_compte ON lien (compte_id)",
    "CREATE INDEX lien_fin ON lien (expire_le)",
    """
    CREATE TABLE session_ouverte (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        id uuid NOT NULL UNIQUE,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        roles text[] NOT NULL,
        appareil text NOT NULL,
        ouverte_le timestamptz NOT NULL,
        vue_le timestamptz NOT NULL,
        inactivite_s integer NOT NULL,
        fin_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX session_compte ON session_ouverte (compte_id)",
    "CREATE INDEX session_fin ON session_ouverte (fin_le)",
    # The key is a keyed digest: who tried to log in from where is not readable here.
    """
    CREATE TABLE frein (
        cle bytea PRIMARY KEY,
        echecs integer NOT NULL,
        dernier_le timestamptz,
        bloque_jusqua timestamptz
    )
    """,
    "CREATE INDEX frein_dernier ON frein (dernier_le)",
    # Mails asked for an account lately, so that nobody floods somebody else's mailbox.
    """
    CREATE TABLE courriel_recent (
        id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        gabarit text NOT NULL,
        demande_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX courriel_recent_compte ON courriel_recent (compte_id, gabarit, demande_le)",
    "CREATE INDEX courriel_recent_age ON courriel_recent (demande_le)",
    # User names of sign-ups that made no account because the e-mail had one. They stay taken for
    # a while, or a second sign-up with the same name would tell that the first made no account.
    """
    CREATE TABLE nom_reserve (
        nom_utilisateur text PRIMARY KEY,
        jusqua timestamptz NOT NULL
    )
    """,
    "CREATE INDEX nom_reserve_fin ON nom_reserve (jusqua)",
)


def upgrade() -> None:
    for statement in (*schema.V1, *TABLES):
        op.execute(statement)
