"""Contact points, their codes, corrections by staff, lost mailboxes."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES: tuple[str, ...] = (
    "ALTER TABLE compte ADD COLUMN version bigint NOT NULL DEFAULT 1",
    """
    ALTER TABLE compte ADD COLUMN moyen_prefere text NOT NULL DEFAULT 'courriel'
        CHECK (moyen_prefere IN ('courriel', 'texto', 'telephone'))
    """,
    # `valeur` is the E.164 number or the e-mail address; `plie` its folded form for e-mail.
    """
    CREATE TABLE coordonnee (
        id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        genre text NOT NULL CHECK (genre IN ('courriel', 'cellulaire', 'fixe')),
        valeur text NOT NULL,
        cree_le timestamptz NOT NULL,
        verifiee_le timestamptz,
        remplace_id uuid REFERENCES coordonnee ON DELETE SET NULL,
        echecs integer NOT NULL DEFAULT 0,
        CONSTRAINT coordonnee_une_fois UNIQUE (compte_id, valeur)
    )
    """,
    # What makes one cellular belong to one account, whoever types the code first (IDN-01).
    """
    CREATE UNIQUE INDEX coordonnee_un_cellulaire ON coordonnee (valeur)
        WHERE genre = 'cellulaire' AND verifiee_le IS NOT NULL
    """,
    "CREATE INDEX coordonnee_remplace ON coordonnee (remplace_id) WHERE remplace_id IS NOT NULL",
    # One row per code. The keyed digest covers the code, its account, contact point, channel,
    # purpose and session: moved to another row, it matches nothing (R21, R23).
    """
    CREATE TABLE code_verification (
        id uuid PRIMARY KEY,
        coordonnee_id uuid NOT NULL REFERENCES coordonnee ON DELETE CASCADE,
        session_id text NOT NULL,
        canal text NOT NULL CHECK (canal IN ('texto', 'appel')),
        empreinte bytea NOT NULL CHECK (length(empreinte) = 32),
        cree_le timestamptz NOT NULL,
        expire_le timestamptz NOT NULL,
        essais integer NOT NULL DEFAULT 0,
        utilise_le timestamptz,
        remplace_le timestamptz
    )
    """,
    "CREATE INDEX code_coordonnee ON code_verification (coordonnee_id, cree_le)",
    "CREATE INDEX code_fin ON code_verification (expire_le)",
    # What the limits of R26 count: keyed digests of the number and of the client's network. Apart
    # from the codes, so that taking a number away and adding it again starts no new count.
    """
    CREATE TABLE code_envoye (
        id uuid PRIMARY KEY,
        numero bytea NOT NULL,
        reseau bytea,
        envoye_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX code_envoye_numero ON code_envoye (numero, envoye_le)",
    "CREATE INDEX code_envoye_reseau ON code_envoye (reseau, envoye_le)",
    "CREATE INDEX code_envoye_age ON code_envoye (envoye_le)",
    "CREATE TABLE code_budget (jour date PRIMARY KEY, envois integer NOT NULL)",
    # Mailed links that prove another e-mail address of an account.
    """
    CREATE TABLE lien_courriel (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        coordonnee_id uuid NOT NULL REFERENCES coordonnee ON DELETE CASCADE,
        recuperation_id uuid,
        cree_le timestamptz NOT NULL,
        expire_le timestamptz NOT NULL,
        utilise_le timestamptz,
        remplace_le timestamptz
    )
    """,
    "CREATE INDEX lien_courriel_coordonnee ON lien_courriel (coordonnee_id)",
    "CREATE INDEX lien_courriel_fin ON lien_courriel (expire_le)",
    """
    CREATE TABLE correction (
        id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        agent_id uuid NOT NULL,
        champs text[] NOT NULL,
        motif text NOT NULL,
        faite_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX correction_compte ON correction (compte_id, faite_le DESC)",
    """
    CREATE TABLE recuperation (
        id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        nouveau_courriel text NOT NULL,
        nouveau_plie text NOT NULL,
        controles text[] NOT NULL,
        note text NOT NULL,
        statut text NOT NULL CHECK (statut IN
            ('DEMANDEE', 'APPROUVEE', 'REFUSEE', 'ARRETEE', 'ENVOYEE', 'TERMINEE')),
        demandee_par uuid NOT NULL,
        demandee_le timestamptz NOT NULL,
        decidee_par uuid,
        decidee_le timestamptz,
        motif text NOT NULL DEFAULT '',
        envoi_le timestamptz,
        terminee_le timestamptz,
        CONSTRAINT recuperation_deux_agents CHECK (decidee_par <> demandee_par)
    )
    """,
    """
    CREATE UNIQUE INDEX recuperation_une_seule ON recuperation (compte_id)
        WHERE statut IN ('DEMANDEE', 'APPROUVEE', 'ENVOYEE')
    """,
    "CREATE INDEX recuperation_envoi ON recuperation (envoi_le) WHERE statut = 'APPROUVEE'",
    # The register of consents (IDN-22): which text, since when, until when.
    """
    CREATE TABLE consentement (
        id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        objet text NOT NULL,
        texte_version text NOT NULL,
        donne_le timestamptz NOT NULL,
        retire_le timestamptz
    )
    """,
    """
    CREATE UNIQUE INDEX consentement_en_cours ON consentement (compte_id, objet)
        WHERE retire_le IS NULL
    """,
    # Accounts of the first version: the number given at sign-up waits for its proof.
    """
    INSERT INTO coordonnee (id, compte_id, genre, valeur, cree_le)
        SELECT gen_random_uuid(), id, 'cellulaire', telephone, cree_le
        FROM compte WHERE telephone <> ''
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
