"""Uploads that can be taken up again."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = (
    # `piece_id` and `raison` tell how it ended; it is open while both are empty. The id is also the
    # request_id of the deposit, so that an end taken up twice makes one document.
    """
    CREATE TABLE televersement (
        televersement_id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES espace ON DELETE CASCADE,
        nom_fichier text NOT NULL CHECK (length(nom_fichier) BETWEEN 1 AND 200),
        -- '' keeps the fields of the document that this file replaces.
        genre text NOT NULL,
        libelle text NOT NULL CHECK (length(libelle) <= 200),
        valide_jusqu_au date,
        taille_octets bigint NOT NULL CHECK (taille_octets > 0),
        recus_octets bigint NOT NULL DEFAULT 0
            CHECK (recus_octets BETWEEN 0 AND taille_octets),
        remplace_piece_id uuid,
        piece_id uuid,
        raison text NOT NULL DEFAULT '',
        modifie_le timestamptz NOT NULL,
        expire_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX televersement_compte ON televersement (compte_id)",
    "CREATE INDEX televersement_expire ON televersement (expire_le)",
    # What waits for its end: whole, and neither a document nor refused.
    """
    CREATE INDEX televersement_entier ON televersement (modifie_le)
        WHERE piece_id IS NULL AND raison = '' AND recus_octets = taille_octets
    """,
    # Bytes of an upload from `debut` on, an object of the quarantine with a data key of its own.
    """
    CREATE TABLE segment (
        televersement_id uuid NOT NULL REFERENCES televersement ON DELETE CASCADE,
        debut bigint NOT NULL,
        taille_octets bigint NOT NULL CHECK (taille_octets > 0),
        objet_nom text NOT NULL UNIQUE,
        objet_enveloppe bytea NOT NULL,
        objet_sha256 bytea NOT NULL,
        PRIMARY KEY (televersement_id, debut)
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
