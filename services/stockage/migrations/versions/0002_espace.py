"""Versions, uses, retention and holds of documents."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TABLES: tuple[str, ...] = (
    # Each version is a row, whose bytes never change: a reference stays on what it took.
    """
    ALTER TABLE piece
        ADD COLUMN document_id uuid,
        ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version >= 1),
        ADD COLUMN courante boolean NOT NULL DEFAULT true,
        ADD COLUMN cle_nom text COLLATE "C" NOT NULL DEFAULT '',
        ADD COLUMN recherche text COLLATE "C" NOT NULL DEFAULT '',
        ADD COLUMN validite_avisee date
    """,
    "UPDATE piece SET document_id = piece_id",
    "ALTER TABLE piece ALTER COLUMN document_id SET NOT NULL",
    "CREATE UNIQUE INDEX piece_version ON piece (document_id, version)",
    "CREATE UNIQUE INDEX piece_courante ON piece (document_id) WHERE courante",
    # One index for each order of the list, each with what its cursor holds.
    "DROP INDEX piece_espace",
    """
    CREATE INDEX piece_par_date ON piece (compte_id, deposee_le, piece_id)
        WHERE retiree_le IS NULL AND courante
    """,
    """
    CREATE INDEX piece_par_nom ON piece (compte_id, cle_nom, piece_id)
        WHERE retiree_le IS NULL AND courante
    """,
    """
    CREATE INDEX piece_par_genre ON piece (
        compte_id,
        (CASE genre WHEN 'IDENTITE' THEN 1 WHEN 'RESIDENCE' THEN 2 ELSE 3 END),
        deposee_le,
        piece_id
    ) WHERE retiree_le IS NULL AND courante
    """,
    """
    CREATE INDEX piece_par_validite ON piece (
        compte_id, (COALESCE(valide_jusqu_au, 'infinity'::date)), piece_id
    ) WHERE retiree_le IS NULL AND courante
    """,
    """
    CREATE INDEX piece_par_taille ON piece (compte_id, taille_octets, piece_id)
        WHERE retiree_le IS NULL AND courante
    """,
    # What the reminder of the end of validity looks for, over all accounts.
    """
    CREATE INDEX piece_rappel ON piece (valide_jusqu_au)
        WHERE retiree_le IS NULL AND courante AND statut = 'SAINE'
            AND valide_jusqu_au IS DISTINCT FROM validite_avisee
    """,
    # What its owner deleted and a case or a hold keeps: few, and looked at by each retention pass.
    "CREATE INDEX piece_retiree ON piece (retiree_le) WHERE retiree_le IS NOT NULL",
    # `decidee_le` starts the retention of what a case used; `purgee` tells its end from a return.
    """
    ALTER TABLE retenue
        ADD COLUMN decidee_le timestamptz,
        ADD COLUMN purgee boolean NOT NULL DEFAULT false
    """,
    """
    CREATE INDEX retenue_decidee ON retenue (decidee_le, service, dossier_id, piece_id)
        WHERE liberee_le IS NULL AND decidee_le IS NOT NULL
    """,
    # Without a document, the whole space of the account is held.
    """
    CREATE TABLE gel (
        gel_id uuid PRIMARY KEY,
        compte_id uuid NOT NULL,
        document_id uuid,
        motif text NOT NULL CHECK (length(motif) BETWEEN 5 AND 500),
        sans_avis boolean NOT NULL,
        pose_par uuid NOT NULL,
        pose_le timestamptz NOT NULL,
        leve_par uuid,
        leve_le timestamptz,
        motif_levee text NOT NULL DEFAULT '',
        CHECK ((leve_le IS NULL) = (leve_par IS NULL))
    )
    """,
    "CREATE INDEX gel_compte ON gel (compte_id)",
    # Who read what, and why: the owner may see it.
    """
    CREATE TABLE consultation (
        consultation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        document_id uuid NOT NULL,
        piece_id uuid NOT NULL,
        version integer NOT NULL,
        compte_id uuid NOT NULL,
        lecteur_id uuid NOT NULL,
        qualite text NOT NULL CHECK (qualite IN ('PROPRIETAIRE', 'REPRESENTANT', 'PERSONNEL')),
        motif text NOT NULL,
        dossier_id text NOT NULL,
        variante text NOT NULL CHECK (variante IN ('FICHIER', 'APERCU')),
        lue_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX consultation_document ON consultation (document_id, consultation_id)",
    "CREATE INDEX consultation_compte ON consultation (compte_id)",
    "CREATE INDEX consultation_age ON consultation (lue_le)",
    # An erasure that a case or a hold delays is finished by the retention.
    "ALTER TABLE espace ADD COLUMN effacement_demande_le timestamptz",
    """
    CREATE INDEX espace_a_effacer ON espace (effacement_demande_le)
        WHERE effacement_demande_le IS NOT NULL
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    _remplir()


def _remplir() -> None:
    """Give the documents that exist already what orders and finds them, by lots of 1,000.

    A plain folding: the next change of a document writes the exact key (`domain.classement`).
    """
    connexion = op.get_bind()
    while rangees := connexion.execute(
        sa.text("SELECT piece_id, nom_fichier, libelle FROM piece WHERE cle_nom = '' LIMIT 1000")
    ).all():
        connexion.execute(
            sa.text("UPDATE piece SET cle_nom = :cle, recherche = :texte WHERE piece_id = :id"),
            [
                {"id": r.piece_id, "cle": _plier(r.nom_fichier), "texte": _plier(f"{r[1]} {r[2]}")}
                for r in rangees
            ],
        )


def _plier(texte: str) -> str:
    signes = unicodedata.normalize("NFKD", texte.casefold())
    # Never empty: an empty key is one that is still to be made.
    return "".join(signe for signe in signes if not unicodedata.combining(signe))[:240] or "-"
