"""What the acts of identite need from outside, and the rules that an installation chose."""

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from services.identite.config import Config
from services.identite.domain import Durees
from services.identite.domain.defi import LimitesAcces

_CLE_OCTETS = 32


class Hacheur(Protocol):
    """Hashes of passwords. Each call may raise TropOccupe."""

    def hacher(self, mot_de_passe: str) -> str:
        """Give a new hash."""

    def verifier(self, empreinte: str | None, mot_de_passe: str) -> bool:
        """Compare; None stands for no account and costs the same."""

    def perimee(self, empreinte: str) -> bool:
        """Tell whether the hash should be made again."""


class RenduCode(Protocol):
    """Security codes for eyes and ears."""

    def image(self, code: str) -> bytes:
        """Draw a code as a PNG."""

    def son(self, code: str, langue: str) -> bytes:
        """Say a code as a WAV; raises SonIndisponible."""


class AssezFort(Protocol):
    """Strength of a new password."""

    def __call__(self, mot_de_passe: str, mots: Sequence[str]) -> bool:
        """Judge, given words that are known about its owner."""


class DomaineAscii(Protocol):
    """IDNA encoder of domain names."""

    def __call__(self, domaine: str) -> str:
        """Encode; raises ValueError."""


class FacteurNonProuve(Exception):
    """What came does not prove the factor; the act says it in its own words."""


@dataclass(frozen=True, kw_only=True)
class CleVerifiee:
    """What an authenticator made."""

    identifiant: bytes
    cle_publique: bytes
    compteur: int


class Passkeys(Protocol):
    """WebAuthn. Options and answers are JSON; a bad answer raises FacteurNonProuve."""

    def options_nouvelle(
        self, *, defi: bytes, compte_id: bytes, courriel: str, nom: str, connues: Sequence[bytes]
    ) -> str:
        """Give the options to make a passkey with."""

    def options_preuve(self, *, defi: bytes, connues: Sequence[bytes]) -> str:
        """Give the options to prove one of these passkeys, or any when there is none."""

    def nouvelle(self, reponse: str, *, defi: bytes) -> CleVerifiee:
        """Verify a new passkey."""

    def identifiant(self, reponse: str) -> bytes:
        """Give the id of the passkey that answers."""

    def prouver(self, reponse: str, *, defi: bytes, cle_publique: bytes, compteur: int) -> int:
        """Verify an answer; gives the counter to keep."""


class Totp(Protocol):
    """Codes of authenticator applications."""

    def nouveau(self) -> str:
        """Give a new secret in base 32."""

    def uri(self, secret: str, *, courriel: str) -> str:
        """Give the address that an application reads."""

    def pas_du_code(self, secret: str, code: str, pas: range) -> int | None:
        """Find the step, among some, whose code this is."""


@dataclass(frozen=True, kw_only=True)
class Regles:
    """The rules that the settings decide, in the types that the acts use."""

    # Seals what avis must write to people; also keys the digests below.
    cle: bytes
    fuseau: ZoneInfo
    durees: Durees
    mot_de_passe_min: int
    courriels_par_heure: int
    reinitialisations_par_heure: int
    echecs_compte: int
    echecs_adresse: int
    # R11 to R15, R31: the doors and what stands before them.
    acces: LimitesAcces
    # IDN-20, R36.
    second_facteur_personnel: bool = True
    preuve_recente: timedelta = timedelta(minutes=20)

    # Version of the text that people agree to when they choose notices (IDN-22).
    texte_consentement: str = ""

    @classmethod
    def de(cls, config: Config) -> "Regles":
        """Read the settings.

        Raises: ValueError when the seal key is not 32 bytes in base64.
        """
        cle = base64.b64decode(config.cle_scelle, validate=True)
        if len(cle) != _CLE_OCTETS:
            raise ValueError("IDENTITE_CLE_SCELLE must be 32 bytes in base64")
        return cls(
            cle=cle,
            fuseau=ZoneInfo(config.ville_fuseau),
            durees=Durees(
                activation=timedelta(hours=config.lien_activation_h),
                reinitialisation=timedelta(minutes=config.lien_reinitialisation_min),
                inactivite=timedelta(minutes=config.session_inactivite_min),
                inactivite_agent=timedelta(minutes=config.session_inactivite_agent_min),
                session=timedelta(hours=config.session_duree_h),
                attente_activation=timedelta(days=config.activation_delai_jours),
                oubli_echecs=timedelta(hours=config.echecs_oubli_h),
            ),
            mot_de_passe_min=config.mot_de_passe_min,
            courriels_par_heure=config.courriels_par_heure,
            reinitialisations_par_heure=config.reinitialisations_par_heure,
            echecs_compte=config.echecs_compte,
            echecs_adresse=config.echecs_adresse,
            texte_consentement=config.consentement_avis_version,
            acces=LimitesAcces(
                defi_bits=config.defi_bits,
                defi_duree=timedelta(hours=config.defi_duree_h),
                codes=config.codes_par_dix_min,
                inscriptions=config.inscriptions_par_heure,
                reinitialisations=config.reinitialisations_adresse_par_heure,
                echecs_preuve=config.echecs_preuve,
                echecs_preuve_adresse=config.echecs_preuve_adresse,
                echecs_blocage=config.echecs_blocage,
                sessions_agent=config.sessions_agent,
                appareil=timedelta(days=config.appareil_jours),
                annulation=timedelta(days=config.annulation_jours),
            ),
            second_facteur_personnel=config.second_facteur_personnel,
            preuve_recente=timedelta(minutes=config.preuve_recente_min),
        )

    def aujourd_hui(self, maintenant: datetime) -> date:
        """Give the date in the city."""
        return maintenant.astimezone(self.fuseau).date()

    def digest(self, genre: str, contenu: Mapping[str, object]) -> bytes:
        """Give a keyed digest of some content.

        Keyed, because requests hold passwords and throttling holds addresses: a plain SHA-256 of
        those in the database would be guessed in minutes by whoever reads it.

        Args:
            genre: what the digest is for; two kinds never collide.
            contenu: names and JSON values.
        """
        corps = json.dumps([genre, contenu], sort_keys=True, default=str).encode()
        return hmac.digest(self.cle, b"identite.digest\0" + corps, "sha256")
