"""OpenID Connect: clients, grants, tokens, keys, upstream identities."""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE oidc_client (
        client_id text PRIMARY KEY,
        nom_fr text NOT NULL,
        nom_en text NOT NULL,
        redirections text[] NOT NULL CHECK (cardinality(redirections) > 0),
        redirections_fin text[] NOT NULL,
        deconnexion_url text NOT NULL,
        methode text NOT NULL,
        portees text[] NOT NULL,
        algorithme text NOT NULL CHECK (algorithme IN ('ES256', 'RS256')),
        premiere_main boolean NOT NULL,
        ressource boolean NOT NULL,
        jwks text NOT NULL,
        tls_sujet text NOT NULL,
        secret_empreinte bytea CHECK (length(secret_empreinte) = 32),
        desactive boolean NOT NULL DEFAULT false,
        cree_le timestamptz NOT NULL,
        cree_par text NOT NULL
    )
    """,
    # Withdrawn ones stay: the register of consents is a history (IDN-22).
    """
    CREATE TABLE oidc_consentement (
        id uuid PRIMARY KEY,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        client_id text NOT NULL REFERENCES oidc_client,
        portees text[] NOT NULL,
        donne_le timestamptz NOT NULL,
        retire_le timestamptz
    )
    """,
    """
    CREATE UNIQUE INDEX oidc_un_consentement ON oidc_consentement (compte_id, client_id)
        WHERE retire_le IS NULL
    """,
    # A person is somebody else for each host: two of them cannot compare what they know.
    """
    CREATE TABLE oidc_sujet (
        secteur text NOT NULL,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        sujet uuid NOT NULL UNIQUE,
        PRIMARY KEY (secteur, compte_id)
    )
    """,
    # No reference to session_ouverte: that the session is gone is what the sweep looks for.
    """
    CREATE TABLE oidc_autorisation (
        id uuid PRIMARY KEY,
        client_id text NOT NULL REFERENCES oidc_client,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        session_id uuid NOT NULL,
        sujet text NOT NULL,
        sid text NOT NULL,
        portees text[] NOT NULL,
        redirection text NOT NULL,
        nonce text NOT NULL,
        acr text NOT NULL,
        defi text NOT NULL,
        hors_ligne boolean NOT NULL,
        connecte_le timestamptz NOT NULL,
        ouverte_le timestamptz NOT NULL,
        code_empreinte bytea NOT NULL UNIQUE CHECK (length(code_empreinte) = 32),
        code_expire_le timestamptz NOT NULL,
        code_utilise_le timestamptz,
        terminee_le timestamptz,
        -- Its client was told that the session ended.
        annoncee_le timestamptz
    )
    """,
    "CREATE INDEX oidc_autorisation_session ON oidc_autorisation (session_id, client_id)",
    "CREATE INDEX oidc_autorisation_compte ON oidc_autorisation (compte_id, client_id)",
    "CREATE INDEX oidc_autorisation_age ON oidc_autorisation (ouverte_le)",
    """
    CREATE INDEX oidc_autorisation_a_annoncer ON oidc_autorisation (session_id)
        WHERE annoncee_le IS NULL
    """,
    """
    CREATE TABLE oidc_jeton (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        autorisation_id uuid NOT NULL REFERENCES oidc_autorisation ON DELETE CASCADE,
        genre text NOT NULL CHECK (genre IN ('acces', 'renouvellement')),
        portees text[] NOT NULL,
        certificat text NOT NULL,
        cree_le timestamptz NOT NULL,
        expire_le timestamptz NOT NULL,
        utilise_le timestamptz
    )
    """,
    "CREATE INDEX oidc_jeton_autorisation ON oidc_jeton (autorisation_id)",
    "CREATE INDEX oidc_jeton_fin ON oidc_jeton (expire_le)",
    # The private half is sealed for its key id.
    """
    CREATE TABLE oidc_cle (
        kid text PRIMARY KEY,
        algorithme text NOT NULL,
        publique text NOT NULL,
        privee bytea NOT NULL,
        active_le timestamptz NOT NULL
    )
    """,
    # Assertions that have served; gone when they could not be accepted any more.
    """
    CREATE TABLE oidc_assertion (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        expire_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX oidc_assertion_fin ON oidc_assertion (expire_le)",
    # Logout tokens to post, written in the transaction that notes the end of the session.
    """
    CREATE TABLE oidc_deconnexion (
        id uuid PRIMARY KEY,
        client_id text NOT NULL REFERENCES oidc_client,
        sujet text NOT NULL,
        sid text NOT NULL,
        essais integer NOT NULL DEFAULT 0,
        demandee_le timestamptz NOT NULL,
        prochain_le timestamptz,
        recue_le timestamptz
    )
    """,
    """
    CREATE INDEX oidc_deconnexion_a_faire ON oidc_deconnexion (prochain_le)
        WHERE prochain_le IS NOT NULL
    """,
    "CREATE INDEX oidc_deconnexion_age ON oidc_deconnexion (demandee_le)",
    # An identity of another provider; the same one opens one account.
    """
    CREATE TABLE identite_amont (
        emetteur text NOT NULL,
        sujet text NOT NULL,
        compte_id uuid NOT NULL REFERENCES compte ON DELETE CASCADE,
        liee_le timestamptz NOT NULL,
        PRIMARY KEY (emetteur, sujet),
        CONSTRAINT identite_amont_une_par_compte UNIQUE (compte_id, emetteur)
    )
    """,
    """
    CREATE TABLE billet_amont (
        empreinte bytea PRIMARY KEY CHECK (length(empreinte) = 32),
        emetteur text NOT NULL,
        sujet text NOT NULL,
        courriel_plie text NOT NULL,
        courriel_verifie boolean NOT NULL,
        expire_le timestamptz NOT NULL
    )
    """,
    "CREATE INDEX billet_amont_fin ON billet_amont (expire_le)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
