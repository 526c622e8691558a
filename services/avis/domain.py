"""The rules of notices and of transactional mail, with the standard library alone.

An `Envoi` is one message to one contact point because of one event. Its states move forward:
A_ENVOYER → EN_COURS → ENVOYE or REFUSE; the one step back, EN_COURS → A_ENVOYER, is taken when it
is known that the mail server did not accept the message (docs/courriel.md).
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

MESSAGES_PAR_DEFAUT = 5
MESSAGES_MAX = 50

# RFC 5321, 4.5.3.1: longest local part, and longest path without its brackets.
LOCAL_MAX = 64
ADRESSE_MAX = 254

_INTERDITS = re.compile(r"[\s@<>(),;:\\\"\x00-\x1f\x7f]")

_REPRISE_PREMIERE_S = 2
_REPRISE_MAX_S = 60


class EtatEnvoi(StrEnum):
    """Where a message stands; the values are those of `StatutEnvoi` in the contract."""

    A_ENVOYER = "A_ENVOYER"
    EN_COURS = "EN_COURS"
    ENVOYE = "ENVOYE"
    REFUSE = "REFUSE"


class Canal(StrEnum):
    """Ways to reach a person (FAQ 12); `telephone` carries emergencies only (AVI-03)."""

    COURRIEL = "courriel"
    TEXTO = "texto"
    TELEPHONE = "telephone"


class Langue(StrEnum):
    """Languages that every text exists in."""

    FR = "fr"
    EN = "en"


class Gabarit(StrEnum):
    """Transactional mails (AVI-07); each has a text per language in `gabarits/`."""

    ACTIVATION = "activation"
    DEJA_INSCRIT = "deja_inscrit"
    REINITIALISATION = "reinitialisation"
    MOT_DE_PASSE_CHANGE = "mot_de_passe_change"
    MOT_DE_PASSE_BLOQUE = "mot_de_passe_bloque"
    IDENTIFIANTS_CHANGES = "identifiants_changes"
    NOUVEL_APPAREIL = "nouvel_appareil"
    FACTEUR_CHANGE = "facteur_change"
    MANDAT_PROPOSE = "mandat_propose"
    MANDAT_CHANGE = "mandat_change"
    CARTE_DEMANDEE = "carte_demandee"
    CARTE_APPROUVEE = "carte_approuvee"
    DEMANDE_INCOMPLETE = "demande_incomplete"
    CONFIRMER_COURRIEL = "confirmer_courriel"
    COURRIEL_CHANGE = "courriel_change"
    COORDONNEES_CHANGEES = "coordonnees_changees"
    PROFIL_CORRIGE = "profil_corrige"
    RECUPERATION = "recuperation"
    RECUPERATION_ANNONCEE = "recuperation_annoncee"
    CARTE_ASSOCIEE = "carte_associee"
    ASSOCIATION_TENTEE = "association_tentee"
    RENOUVELLEMENT_DEMANDE = "renouvellement_demande"
    CARTE_RENOUVELEE = "carte_renouvelee"
    RAPPEL_PREMIER = "rappel_premier"
    RAPPEL_DERNIER = "rappel_dernier"
    PIECE_BIENTOT_EXPIREE = "piece_bientot_expiree"
    GEL_POSE = "gel_pose"


# Their text has a one-time link: without its secret there is nothing to send.
AVEC_JETON = frozenset(
    {
        Gabarit.ACTIVATION,
        Gabarit.REINITIALISATION,
        Gabarit.IDENTIFIANTS_CHANGES,
        Gabarit.NOUVEL_APPAREIL,
        Gabarit.CARTE_APPROUVEE,
        Gabarit.CARTE_ASSOCIEE,
        Gabarit.CONFIRMER_COURRIEL,
        Gabarit.RECUPERATION,
    }
)

# The category that nobody can leave (AVI-02); it is never stored as a subscription.
URGENCE = "urgence"


class ValeurInconnue(ValueError):
    """A value that this version does not know: the event waits among the dead letters."""

    def __init__(self, valeur: str) -> None:
        super().__init__(valeur)
        self.valeur = valeur


class GabaritInconnu(ValeurInconnue):
    """No text exists under that name."""


class LangueInconnue(ValeurInconnue):
    """Texts exist in French and in English."""


class CanalInconnu(ValeurInconnue):
    """Neither `courriel`, `texto` nor `telephone`."""


class CategorieInconnue(ValeurInconnue):
    """Not one of the city's notice categories (AVI-01)."""


class AdresseInvalide(ValueError):
    """The address cannot be written in an SMTP envelope."""


class JetonManquant(ValueError):
    """A mail whose text is a link came without the secret of that link."""


class NombreMessagesInvalide(ValueError):
    """The number of messages asked for is outside 0 to `MESSAGES_MAX`."""

    def __init__(self) -> None:
        super().__init__()
        self.fields = {"messages": "HORS_LIMITES"}


@dataclass(frozen=True, kw_only=True)
class Envoi:
    """One message of the ledger, as the sender reads it.

    Attributes:
        adresse_propre: True when `donnees` hold the address, False when the account's is used.
        donnees: what the text needs, sealed with the key of this service; None once erased.
        adresse_scellee: sealed contact point of the account, None when the message brings its own
            address or when the account has none yet.
        essai: how many times the message was given to a mail server, this one not counted.
        traceparent: W3C trace context of the event, so that a late sending joins its trace.
    """

    id: UUID
    compte_id: str
    gabarit: Gabarit
    langue: Langue
    etat: EtatEnvoi
    adresse_propre: bool
    donnees: bytes | None
    adresse_scellee: bytes | None
    essai: int
    cree_le: datetime
    traceparent: str


@dataclass(frozen=True, kw_only=True)
class Texte:
    """A written mail: its subject and its two alternatives, which say the same."""

    objet: str
    texte: str
    html: str


@dataclass(frozen=True, kw_only=True)
class Lettre:
    """A mail ready for the mail server.

    Attributes:
        message_id: with its angle brackets; the same at every try, so that a doubtful one can be
            looked up (RFC 5322, 3.6.4).
        date: when the event was taken in; the same at every try.
    """

    message_id: str
    adresse: str
    langue: Langue
    date: datetime
    contenu: Texte


@dataclass(frozen=True, kw_only=True)
class Abonnement:
    """One notice category as a person sees it."""

    categorie: str
    libelle_fr: str
    libelle_en: str
    obligatoire: bool
    abonne: bool


@dataclass(frozen=True, kw_only=True)
class MessageEnvoye:
    """One line of « my latest messages »."""

    id: UUID
    gabarit: Gabarit
    langue: Langue
    canal: Canal
    etat: EtatEnvoi
    cree_le: datetime


@dataclass(frozen=True, kw_only=True)
class MesAvis:
    """What the home shows of notices."""

    abonnements: tuple[Abonnement, ...]
    canaux: tuple[Canal, ...]
    messages: tuple[MessageEnvoye, ...]


def gabarit(valeur: str) -> Gabarit:
    """Read a template name of an event.

    Raises: GabaritInconnu.
    """
    try:
        return Gabarit(valeur)
    except ValueError:
        raise GabaritInconnu(valeur) from None


def langue(valeur: str) -> Langue:
    """Read a language of an event; an empty one is French, the city's first language.

    Raises: LangueInconnue.
    """
    try:
        return Langue(valeur or "fr")
    except ValueError:
        raise LangueInconnue(valeur) from None


def canal(valeur: str) -> Canal:
    """Read a channel of an event.

    Raises: CanalInconnu.
    """
    try:
        return Canal(valeur)
    except ValueError:
        raise CanalInconnu(valeur) from None


def nombre_messages(demande: int) -> int:
    """Apply the default and the bounds of GetMesAvis.

    Raises: NombreMessagesInvalide.
    """
    if not 0 <= demande <= MESSAGES_MAX:
        raise NombreMessagesInvalide
    return demande or MESSAGES_PAR_DEFAUT


def normaliser_courriel(adresse: str) -> str:
    """Put an e-mail address in the form that SMTP takes.

    The local part stays as its owner wrote it (RFC 5321, 2.4); the domain is folded and, when it is
    not ASCII, written in IDNA.

    Args:
        adresse: as proved by its owner.
    Returns: the address to write in the envelope.
    Raises: AdresseInvalide.
    """
    local, arobase, domaine = adresse.strip().rpartition("@")
    if not arobase or not local or _INTERDITS.search(local) or len(local.encode()) > LOCAL_MAX:
        raise AdresseInvalide
    try:
        domaine_ascii = domaine.casefold().encode("idna").decode("ascii")
    except UnicodeError:
        raise AdresseInvalide from None
    normale = f"{local}@{domaine_ascii}"
    if _INTERDITS.search(domaine_ascii) or not domaine_ascii or len(normale) > ADRESSE_MAX:
        raise AdresseInvalide
    return normale


def normaliser_telephone(numero: str) -> str:
    """Keep the digits of a North American number, in E.164.

    Raises: AdresseInvalide: not 10 digits, nor 11 that start with 1.
    """
    chiffres = re.sub(r"\D", "", numero)
    if re.fullmatch(r"1?\d{10}", chiffres) is None:
        raise AdresseInvalide
    return f"+1{chiffres[-10:]}"


def normaliser(canal_: Canal, adresse: str) -> str:
    """Put a contact point in its one written form.

    Raises: AdresseInvalide.
    """
    return (
        normaliser_courriel(adresse) if canal_ is Canal.COURRIEL else normaliser_telephone(adresse)
    )


def empreinte(valeur: str, *, cle: bytes) -> bytes:
    """Give the lookup key of a contact point: equal addresses match, none can be read back.

    Args:
        valeur: a normalised address, folded here so that Ana@x.ca and ana@x.ca are one person.
        cle: key of this service, 32 bytes; a label keeps this use apart from sealing.
    Returns: 32 bytes, HMAC-SHA-256.
    """
    derivee = hmac.digest(cle, b"avis: empreinte", hashlib.sha256)
    return hmac.digest(derivee, valeur.casefold().encode(), hashlib.sha256)


def delai_reprise(essai: int) -> timedelta:
    """Give the wait before the next try after a temporary refusal: 2, 4, 8 … 60 s.

    Short and bounded because a person sits in front of « check your mailbox ».

    Args:
        essai: tries made so far, at least 1.
    """
    return timedelta(seconds=min(_REPRISE_PREMIERE_S * 2 ** min(essai - 1, 10), _REPRISE_MAX_S))
