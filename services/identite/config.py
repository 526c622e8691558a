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

    # IDN-03, R15: zero bits that a proof of work needs (18: half a second of a browser), and hours
    # that a challenge waits for its answer: nobody is hurried.
    defi_bits: int = 18
    defi_duree_h: int = 12
    # R14, per client address: security codes in ten minutes, sign-ups and resets in an hour.
    codes_par_dix_min: int = 20
    inscriptions_par_heure: int = 5
    reinitialisations_adresse_par_heure: int = 10
    # R15: failures after which a log-in brings a proof of work, for one account and one address.
    echecs_preuve: int = 3
    echecs_preuve_adresse: int = 10
    # R12: consecutive failures after which a password opens nothing until a reset.
    echecs_blocage: int = 100
    # R31: sessions that one member of staff may have at once.
    sessions_agent: int = 2
    # Days that a device is remembered, and that « ce n’était pas moi » works (R05).
    appareil_jours: int = 365
    annulation_jours: int = 10
    # R03: 32 bytes in base64, kept outside the database, mixed into every password before it is
    # hashed. Empty: none, which only tests want. A former one verifies until its owner logs in.
    poivre: str = ""
    poivres_anciens: tuple[str, ...] = ()
    # The program that says security codes; unset: `espeak-ng` of the PATH. Where it is unpacked
    # rather than installed, its libraries and its data are named too.
    espeak: Path | None = None
    espeak_bibliotheques: str = ""
    espeak_donnees: Path | None = None

    # Days that an account waits for its activation before it is deleted.
    activation_delai_jours: int = 7
    entretien_intervalle_s: float = 300.0

    # IDN-20: staff log in with a second factor. False only where visitors must try without one.
    second_facteur_personnel: bool = True
    # R36: minutes that a proof of who is there opens sensitive acts.
    preuve_recente_min: int = 20
    # What authenticators show beside the account.
    nom_affiche: str = "Espace citoyen"
    # Origin that people type: passkeys are bound to its name (IDN-20).
    url_publique: str = "http://127.0.0.1:8080"

    # Contact points. A number without country is one of `telephone_pays`; codes go to
    # `telephone_pays_servis` only, and never to these prefixes (R26: SMS pumping).
    telephone_pays: str = "CA"
    telephone_pays_servis: tuple[str, ...] = ("CA", "US")
    telephone_prefixes_refuses: tuple[str, ...] = ("+1900", "+1976", "+1809", "+1829", "+1849")
    # R26: one code each 30 seconds, 3 in 15 minutes and 5 a day to a number; 20 a day asked from
    # one network; what the city pays for in a day, with an alarm at 80 %.
    code_intervalle_s: int = 30
    codes_par_quart_heure: int = 3
    codes_par_jour: int = 5
    codes_par_jour_adresse: int = 20
    codes_budget_jour: int = 2000
    # The number that spoken codes come from, shown to people before the call.
    numero_appelant: str = "+18195550143"
    # IDN-11 against IDN-16: True lets people change their own first and last names.
    noms_modifiables: bool = False
    # Version of the text that people agree to when they choose notices (IDN-22).
    consentement_avis_version: str = "2026-11"
    # Hours between the second agent's approval and the link to the new mailbox (IDN-14).
    recuperation_delai_h: float = 24.0

    # OpenID Connect (IDN-19). 32 bytes in base64 that wrap the signing keys at rest; empty: derived
    # from `cle_scelle`.
    cle_oidc: str = ""
    # R32: seconds of codes, access tokens and ID tokens; days of refresh tokens.
    oidc_code_s: int = 60
    oidc_acces_s: int = 300
    oidc_identite_s: int = 300
    oidc_renouvellement_jours: int = 30
    # Minutes that somebody has to prove here whose upstream identity they hold.
    oidc_billet_min: int = 30
    # Days that a key signs; hours that it is published before, and after its successor signs.
    oidc_cle_jours: int = 90
    oidc_cle_avance_h: int = 24
    oidc_cle_retrait_h: int = 24
    # True: the city's own systems ask for consent too.
    oidc_consentement_maison: bool = False
    oidc_intervalle_s: float = 1.0

    # Bridges (docs/ponts.md). 32 bytes in base64, kept outside the database: envelopes the old
    # password hashes and the credentials of linked systems. Empty: nothing can be imported.
    cle_ponts: str = ""
    # The policy: which system wins, whose people log in with their old credentials, and what must
    # agree before an e-mail alone makes a link (IDN-08, 09).
    ponts_priorite: tuple[str, ...] = ("taxes", "loisirs")
    ponts_ouvrent: tuple[str, ...] = ("taxes",)
    ponts_comparer: tuple[str, ...] = ("prenom", "nom", "date_naissance")
    # Days that an old hash and the report of an import are kept (IDN-08).
    empreintes_jours: int = 90
    # Seconds that a refused log-in takes at least while old hashes are left (R17): more than one
    # Argon2id and the slowest old hash together.
    refus_heritage_s: float = 0.6
    # IDN-17: the tax system, "" for none; the key that it gave us; the authority of its
    # certificate, unset for the usual ones.
    taxes_url: str = ""
    taxes_cle: str = ""
    taxes_autorite: Path | None = None
    # IDN-15: Espace Famille, shown only when the city turns it on.
    espace_famille: bool = False
    famille_url: str = ""
    famille_cle: str = ""
    famille_autorite: Path | None = None
    # Seconds that one question to a linked system may take, failures in a row after which it is
    # left alone, and for how many seconds.
    connecteur_delai_s: float = 3.0
    connecteur_echecs: int = 5
    connecteur_repos_s: float = 30.0
