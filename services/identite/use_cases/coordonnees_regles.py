"""What contact points need from outside, and the rules that an installation chose for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from services.identite.config import Config
from services.identite.domain.code import Limite
from services.identite.use_cases.ports import DomaineAscii, Regles

_JOUR = timedelta(days=1)


class LecteurNumeros(Protocol):
    """Reads phone numbers."""

    def e164(self, saisie: str) -> str:
        """Give E.164; raises ValueError."""
        ...

    def joignable(self, e164: str) -> bool:
        """Tell whether codes may go to a number."""
        ...


@dataclass(frozen=True, kw_only=True)
class ReglesCoordonnees:
    """The settings of contact points, and the ports that their acts share."""

    regles: Regles
    numeros: LecteurNumeros
    domaine_ascii: DomaineAscii
    limites_numero: tuple[Limite, ...]
    limite_reseau: Limite
    budget_jour: int
    numero_appelant: str
    noms_modifiables: bool
    lien_courriel: timedelta
    delai_recuperation: timedelta

    @classmethod
    def de(
        cls,
        config: Config,
        *,
        regles: Regles,
        numeros: LecteurNumeros,
        domaine_ascii: DomaineAscii,
    ) -> "ReglesCoordonnees":
        """Read the settings."""
        return cls(
            regles=regles,
            numeros=numeros,
            domaine_ascii=domaine_ascii,
            limites_numero=(
                Limite(nombre=1, duree=timedelta(seconds=config.code_intervalle_s)),
                Limite(nombre=config.codes_par_quart_heure, duree=timedelta(minutes=15)),
                Limite(nombre=config.codes_par_jour, duree=_JOUR),
            ),
            limite_reseau=Limite(nombre=config.codes_par_jour_adresse, duree=_JOUR),
            budget_jour=config.codes_budget_jour,
            numero_appelant=config.numero_appelant,
            noms_modifiables=config.noms_modifiables,
            lien_courriel=timedelta(hours=config.lien_activation_h),
            delai_recuperation=timedelta(hours=config.recuperation_delai_h),
        )

    def digest(self, genre: str, contenu: Mapping[str, object]) -> bytes:
        """Give a keyed digest, as `Regles.digest`."""
        return self.regles.digest(genre, contenu)
