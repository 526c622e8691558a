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

_CLE_OCTETS = 32


class Hacheur(Protocol):
    """Hashes of passwords. Each call may raise TropOccupe."""

    def hacher(self, mot_de_passe: str) -> str:
        """Give a new hash."""

    def verifier(self, empreinte: str | None, mot_de_passe: str) -> bool:
        """Compare; None stands for no account and costs the same."""

    def perimee(self, empreinte: str) -> bool:
        """Tell whether the hash should be made again."""


class AssezFort(Protocol):
    """Strength of a new password."""

    def __call__(self, mot_de_passe: str, mots: Sequence[str]) -> bool:
        """Judge, given words that are known about its owner."""


class DomaineAscii(Protocol):
    """IDNA encoder of domain names."""

    def __call__(self, domaine: str) -> str:
        """Encode; raises ValueError."""


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
