"""The settings of identite, read once by its two roots from `IDENTITE_*`, then `ESPACE_*`."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that an installation may change in identite.

    Fields without a default stop the process at start, which names what is missing.
    """

    database_url: str
    # 32 bytes in base64, shared with avis alone: addresses, first names and one-time links of
    # events are sealed with it (ADR-0009).
    cle_scelle: str
    # PEM of the gateway's Ed25519 public key; the worker does not need it.
    token_public_key: str = ""
    listen: str = "127.0.0.1:8100"
    amqp_url: str = "amqp://guest:guest@127.0.0.1:8084/"
    consul_url: str = ""
    consul_token: str = ""
    # Unused here (identite calls nobody), accepted because the suite shares it.
    adresses: dict[str, str] = field(default_factory=dict)
    otlp: str = ""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authority: Path | None = None
    # DNS names that a client's certificate may bear; none: any certificate of the authority.
    tls_peers: tuple[str, ...] = ()
    ville_fuseau: str = "America/Toronto"

    # Threads of the gRPC server. It must exceed the hashes that run or wait (14), or a burst of
    # log-ins would leave no thread for the session check that every page makes.
    fils: int = 24
    connexions_bd: int = 12

    # R01, R02: characters, after NFC. Words of the city and product count as known to an attacker.
    mot_de_passe_min: int = 12
    mot_de_passe_force: int = 3
    mots_connus: tuple[str, ...] = (
        "sainte-therese",
        "sainte",
        "therese",
        "espace",
        "citoyen",
        "espacecitoyen",
        "carte",
        "ville",
        "municipalite",
        "blainville",
        "boisbriand",
        "rosemere",
        "quebec",
    )
    # R03: RFC 9106 parameters of ASVS 5.0 appendix C. Two at once: one hash fills a core and 46 MB.
    argon2_memoire_kio: int = 47104
    argon2_passes: int = 1
    argon2_voies: int = 1
    hachages_simultanes: int = 2
    hachages_en_attente: int = 12
    hachage_attente_s: float = 4.0

    # R27, R28.
    lien_activation_h: int = 24
    lien_reinitialisation_min: int = 10
    # Mails of one kind that one account gets in an hour (R14); a further request is answered alike.
    courriels_par_heure: int = 5
    reinitialisations_par_heure: int = 3

    # R31, with conception.md section 8: 30 minutes for citizens.
    session_inactivite_min: int = 30
    session_inactivite_agent_min: int = 15
    session_duree_h: int = 12

    # R11: failures before the first wait, for one account and for one address. An address is
    # shared by a library desk or a family, so it gets more.
    echecs_compte: int = 5
    echecs_adresse: int = 20
    # Failures are forgotten after this time without any.
    echecs_oubli_h: int = 12

    # Days that an account waits for its activation before it is deleted.
    activation_delai_jours: int = 7
    entretien_intervalle_s: float = 300.0
