"""What one installation on one machine consists of: ports, folders, settings of each process.

Every port follows from one base, the portal's, so that two installations run side by side.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy import SERVICES, demo_keys, places
from deploy.components.clamav import ClamAV
from deploy.components.consul import Consul
from deploy.components.mailbox import Mailbox
from deploy.components.postgresql import PostgreSQL
from deploy.components.rabbitmq import RabbitMQ
from deploy.demo_keys import Keys
from deploy.places import LOOPBACK

LAST_PORT = 32_767
SPAN = 25  # ports from the base on
# Reference servers of the city's other systems (``deploy/demo``), which a demo alone runs.
RECREATION, TAXES, FAMILY = 17, 18, 19
_FIRST_GRPC = 20
_USED = (*range(14), *range(_FIRST_GRPC, SPAN))

Settings = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An installation.

    Args:
        folder: its data, keys and logs.
        base: the portal's port.
        durable: False lets commits wait for no disk (tests).
        settings: further settings, over ours; a name is given to every process.
    """

    folder: Path
    base: int
    durable: bool = True
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """Address of the portal."""
        return f"http://{LOOPBACK}:{self.base}"

    @property
    def logs(self) -> Path:
        """Folder of one log per process."""
        return self.folder / "journaux"

    @property
    def keys(self) -> Keys:
        """Keys and secrets; ``demo_keys.prepare`` made them."""
        return Keys(self.folder / "cles")

    def ports(self) -> Iterator[int]:
        """Every port that will be listened to."""
        return (self.base + offset for offset in _USED)

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.logs / f"{name}.log"

    def grpc_address(self, service: str) -> str:
        """Where a service's gRPC process listens."""
        return f"{LOOPBACK}:{self.base + _FIRST_GRPC + SERVICES.index(service)}"


class Components:
    """The five components of a plan."""

    def __init__(self, plan: Plan) -> None:
        base, folder = plan.base, plan.folder
        self.mailbox = Mailbox(
            folder / "courrier", base + 2, web_port=base + 1, log=plan.log("mailbox")
        )
        self.postgresql = PostgreSQL(
            folder / "postgresql", base + 3, owners=SERVICES, log=plan.log("postgresql"),
            durable=plan.durable,
        )  # fmt: skip
        self.rabbitmq = RabbitMQ(
            folder / "rabbitmq", base + 4, distribution_port=base + 5, epmd_port=base + 6,
            log=plan.log("rabbitmq"),
        )  # fmt: skip
        self.consul = Consul(folder / "consul", base + 7, log=plan.log("consul"))
        self.clamav = ClamAV(folder / "clamav", base + 13, log=plan.log("clamav"))

    @property
    def all(self) -> tuple[RabbitMQ, PostgreSQL, Mailbox, Consul, ClamAV]:
        """All of them, the slowest to start first."""
        return (self.rabbitmq, self.postgresql, self.mailbox, self.consul, self.clamav)


def settings_of(plan: Plan, components: Components) -> dict[str, Settings]:
    """The settings of each service and of the gateway: no process learns another's secrets."""
    keys = plan.keys
    shared = {
        "ESPACE_AMQP_URL": components.rabbitmq.url(),
        # Callers find each other there: no address is given, a given one would win.
        "ESPACE_CONSUL_URL": components.consul.url,
        "ESPACE_TOKEN_PUBLIC_KEY_FILE": str(keys.token_public),
        "ESPACE_VILLE_FUSEAU": "America/Toronto",
        # One heap per thread costs memory that Python never gives back.
        "MALLOC_ARENA_MAX": "2",
    }
    own = _own_settings(plan, components)
    result = {}
    for service in SERVICES:
        prefix = service.upper()
        result[service] = {
            **shared,
            f"{prefix}_DATABASE_URL": components.postgresql.url(service),
            f"{prefix}_LISTEN": plan.grpc_address(service),
            **own.get(service, {}),
            **dict(plan.settings),
        }
    gateway = {name: value for name, value in shared.items() if name != "ESPACE_AMQP_URL"}
    result["passerelle"] = {**gateway, **own["passerelle"], **dict(plan.settings)}
    return result


def _own_settings(plan: Plan, components: Components) -> dict[str, Settings]:
    keys = plan.keys
    sealed_by_identite = str(keys.secret("scelle_identite"))
    sealed_by_cartes = str(keys.secret("scelle_cartes"))
    return {
        "identite": {
            "IDENTITE_CLE_SCELLE_FILE": sealed_by_identite,
            "IDENTITE_CLE_OIDC_FILE": str(keys.secret("oidc")),
            "IDENTITE_CLE_PONTS_FILE": str(keys.secret("ponts")),
            "IDENTITE_TAXES_URL": f"http://{LOOPBACK}:{plan.base + TAXES}",
            "IDENTITE_TAXES_CLE_FILE": str(keys.secret("taxes")),
            "IDENTITE_ESPACE_FAMILLE": "true",
            "IDENTITE_FAMILLE_URL": f"http://{LOOPBACK}:{plan.base + FAMILY}",
            "IDENTITE_FAMILLE_CLE_FILE": str(keys.secret("espace_famille")),
            "IDENTITE_URL_PUBLIQUE": plan.url,
            # A visitor without an authenticator must be able to try the back office. Everywhere
            # else the default holds: staff log in with a second factor (docs/facteurs.md).
            "IDENTITE_SECOND_FACTEUR_PERSONNEL": "false",
            "IDENTITE_POIVRE_FILE": str(keys.secret("poivre")),
            # Everybody who tries a demo comes from one address: what bounds an address elsewhere
            # would bound them all together.
            "IDENTITE_INSCRIPTIONS_PAR_HEURE": "1000",
            "IDENTITE_REINITIALISATIONS_ADRESSE_PAR_HEURE": "1000",
            "IDENTITE_CODES_PAR_DIX_MIN": "1000",
            "IDENTITE_ESPEAK": str(places.VOICE / "usr/bin/espeak-ng"),
            "IDENTITE_ESPEAK_BIBLIOTHEQUES": places.voice_libraries(),
            "IDENTITE_ESPEAK_DONNEES": str(places.voice_data()),
        },
        "cartes": {
            "CARTES_CLE_SCELLE_FILE": sealed_by_cartes,
            "CARTES_CODE_CLE_FILE": str(keys.secret("cles_de_code")),
            "CARTES_URL_PUBLIQUE": plan.url,
            "CARTES_APPLE_CERTIFICAT": str(keys.apple / "passe.pem"),
            "CARTES_APPLE_CLE": str(keys.apple / "passe_cle.pem"),
            "CARTES_APPLE_WWDR": str(keys.apple / "wwdr.pem"),
            "CARTES_APPLE_TYPE_PASSE": demo_keys.PASS_TYPE,
            "CARTES_APPLE_EQUIPE": demo_keys.TEAM,
            "CARTES_APPLE_CLE_JETON_FILE": str(keys.secret("apple_jeton")),
            "CARTES_GOOGLE_COMPTE": str(keys.google),
            "CARTES_GOOGLE_EMETTEUR": demo_keys.GOOGLE_ISSUER,
        },
        "avis": {
            "AVIS_CLE_FILE": str(keys.secret("avis")),
            "AVIS_CLE_SCELLE_IDENTITE_FILE": sealed_by_identite,
            "AVIS_CLE_SCELLE_CARTES_FILE": sealed_by_cartes,
            "AVIS_SMTP_URL": components.mailbox.smtp_url,
            "AVIS_JOURNAL_SMTP": components.mailbox.api_url,
            "AVIS_URL_PUBLIQUE": plan.url,
            # Where there is no SMS centre nor line, the mailbox shows what a phone would.
            "AVIS_TEXTO": "boite",
            "AVIS_VOIX": "boite",
        },
        "stockage": {
            "STOCKAGE_DOSSIER": str(plan.folder / "documents"),
            "STOCKAGE_CLAMD": components.clamav.address,
            "STOCKAGE_CLE_MAITRESSE_FILE": str(keys.secret("stockage_maitresse")),
        },
        "passerelle": {
            "PASSERELLE_TOKEN_PRIVATE_KEY_FILE": str(keys.token_private),
            "PASSERELLE_SECRET_FILE": str(keys.secret("passerelle")),
            "PASSERELLE_URL_PUBLIQUE": plan.url,
            "PASSERELLE_LISTEN": f"{LOOPBACK}:{plan.base}",
        },
    }


def write_operator_settings(plan: Plan, settings: dict[str, Settings]) -> None:
    """Write ``espace.env``, which a shell reads before operator commands (mode 0600)."""
    merged: Settings = {}
    for each in settings.values():
        merged |= each
    place = plan.folder / "espace.env"
    place.touch(mode=0o600)
    place.write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(merged.items()))
    )
