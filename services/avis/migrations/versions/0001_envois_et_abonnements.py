"""Subscriptions, contact points and the ledger of messages."""

from alembic import op

from chassis import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE categorie (
        code text PRIMARY KEY,
        rang smallint NOT NULL UNIQUE,
        libelle_fr text NOT NULL,
        libelle_en text NOT NULL,
        obligatoire boolean NOT NULL
    )
    """,
    # AVI-01, in the words and the order of the city's list.
    """
    INSERT INTO categorie (code, rang, libelle_fr, libelle_en, obligatoire) VALUES
        ('urgence', 1, 'Urgence', 'Emergency', true),
        ('collectes_environnement', 2, 'Collectes et environnement',
            'Waste collection and environment', false),
        ('culture_loisirs', 3, 'Culture et loisirs', 'Culture and recreation', false),
        ('info_travaux', 4, 'Info-travaux', 'Roadwork updates', false),
        ('rappels_saisonniers', 5, 'Rappels saisonniers', 'Seasonal reminders', false),
        ('taxes_municipales', 6, 'Taxes municipales', 'Municipal taxes', false),
        ('vie_democratique', 7, 'Vie démocratique', 'Democratic life', false)
    """,
    """
    CREATE TABLE abonne (
        compte_id text PRIMARY KEY,
        langue text NOT NULL CHECK (langue IN ('fr', 'en')),
        active_le timestamptz NOT NULL
    )
    """,
    # Urgence is implicit (AVI-02): no row of it can be missing because none can exist.
    """
    CREATE TABLE abonnement (
        compte_id text NOT NULL REFERENCES abonne ON DELETE CASCADE,
        categorie text NOT NULL REFERENCES categorie CHECK (categorie <> 'urgence'),
        PRIMARY KEY (compte_id, categorie)
    )
    """,
    """
    CREATE TABLE canal_choisi (
        compte_id text NOT NULL REFERENCES abonne ON DELETE CASCADE,
        canal text NOT NULL CHECK (canal IN ('courriel', 'texto', 'telephone')),
        PRIMARY KEY (compte_id, canal)
    )
    """,
    # Only proved points are here (AVI-05). `scelle` opens with the key of this service.
    """
    CREATE TABLE point_contact (
        id uuid PRIMARY KEY,
        compte_id text NOT NULL,
        canal text NOT NULL CHECK (canal IN ('courriel', 'texto', 'telephone')),
        empreinte bytea NOT NULL,
        scelle bytea NOT NULL,
        langue text NOT NULL CHECK (langue IN ('fr', 'en')),
        verifie_le timestamptz NOT NULL,
        UNIQUE (compte_id, canal, empreinte)
    )
    """,
    # One e-mail address and one cell number belong to one account; a landline may serve two people.
    """
    CREATE UNIQUE INDEX point_contact_unique ON point_contact (canal, empreinte)
        WHERE canal IN ('courriel', 'texto')
    """,
    """
    CREATE TABLE envoi (
        id uuid PRIMARY KEY,
        event_id uuid NOT NULL,
        canal text NOT NULL CHECK (canal IN ('courriel', 'texto', 'telephone')),
        cible bytea NOT NULL,
        compte_id text NOT NULL,
        gabarit text NOT NULL,
        langue text NOT NULL CHECK (langue IN ('fr', 'en')),
        etat text NOT NULL DEFAULT 'A_ENVOYER'
            CHECK (etat IN ('A_ENVOYER', 'EN_COURS', 'ENVOYE', 'REFUSE')),
        adresse_propre boolean NOT NULL,
        donnees bytea,
        traceparent text NOT NULL,
        cree_le timestamptz NOT NULL,
        essai integer NOT NULL DEFAULT 0,
        pret_le timestamptz,
        pris_par bigint,
        pris_le timestamptz,
        termine_le timestamptz,
        code_smtp integer,
        UNIQUE (event_id, canal, cible),
        CHECK ((etat = 'EN_COURS') = (pris_par IS NOT NULL)),
        CHECK ((etat IN ('ENVOYE', 'REFUSE')) = (termine_le IS NOT NULL))
    )
    """,
    "CREATE INDEX envoi_pret ON envoi (pret_le) WHERE etat = 'A_ENVOYER'",
    "CREATE INDEX envoi_attend ON envoi (compte_id) WHERE etat = 'A_ENVOYER' AND pret_le IS NULL",
    "CREATE INDEX envoi_pris ON envoi (pris_le) WHERE etat = 'EN_COURS'",
    "CREATE INDEX envoi_compte ON envoi (compte_id, cree_le DESC)",
    "CREATE INDEX envoi_donnees ON envoi (termine_le) WHERE donnees IS NOT NULL",
    "CREATE INDEX envoi_termine ON envoi (termine_le) WHERE termine_le IS NOT NULL",
)


def upgrade() -> None:
    """Create the tables of the chassis, then ours."""
    for statement in (*schema.V1, *TABLES):
        op.execute(statement)
