"""Spaces, documents and the references that other services hold to them."""

from alembic import op

from chassis import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    # One row per account. Deleting the envelope makes all its documents unreadable (R54).
    """
    CREATE TABLE espace (
        compte_id uuid PRIMARY KEY,
        cle_version integer NOT NULL,
        cle_enveloppe bytea NOT NULL,
        octets_utilises bigint NOT NULL DEFAULT 0 CHECK (octets_utilises >= 0),
        nombre_pieces bigint NOT NULL DEFAULT 0 CHECK (nombre_pieces >= 0),
        cree_le timestamptz NOT NULL
    )
    """,
    # `retiree_le` is set when the owner deleted a document that a reference still needs.
    """
    CREATE TABLE piece (
        piece_id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES espace,
        nom_fichier text NOT NULL CHECK (length(nom_fichier) BETWEEN 1 AND 200),
        genre text NOT NULL CHECK (genre IN ('IDENTITE', 'RESIDENCE', 'AUTRE')),
        libelle text NOT NULL CHECK (length(libelle) <= 200),
        valide_jusqu_au date,
        statut text NOT NULL CHECK (statut IN ('EN_ANALYSE', 'SAINE', 'INFECTEE', 'ERREUR')),
        raison text NOT NULL DEFAULT '',
        type_media text,
        taille_octets bigint NOT NULL,
        pages integer NOT NULL,
        deposee_le timestamptz NOT NULL,
        retiree_le timestamptz,
        sha256_recu bytea NOT NULL,
        objet_nom text UNIQUE,
        objet_enveloppe bytea,
        objet_sha256 bytea,
        tentatives integer NOT NULL DEFAULT 0,
        prochaine_tentative timestamptz,
        CHECK ((objet_nom IS NOT NULL) = (statut IN ('EN_ANALYSE', 'SAINE')))
    )
    """,
    """
    CREATE INDEX piece_espace ON piece (compte_id, deposee_le DESC, piece_id DESC)
        WHERE retiree_le IS NULL
    """,
    """
    CREATE INDEX piece_attente ON piece (prochaine_tentative, deposee_le)
        WHERE statut = 'EN_ANALYSE'
    """,
    # `liberee_le` keeps the trace of a reference that was given back.
    """
    CREATE TABLE retenue (
        service text NOT NULL,
        dossier_id text NOT NULL CHECK (length(dossier_id) BETWEEN 1 AND 64),
        piece_id uuid NOT NULL REFERENCES piece ON DELETE CASCADE,
        compte_id uuid NOT NULL,
        retenue_le timestamptz NOT NULL,
        liberee_le timestamptz,
        PRIMARY KEY (service, dossier_id, piece_id)
    )
    """,
    "CREATE INDEX retenue_piece ON retenue (piece_id) WHERE liberee_le IS NULL",
)


def upgrade() -> None:
    for statement in (*schema.V1, *TABLES):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the way back is a restored backup")  # expand only (CONTRIBUTING.md)
