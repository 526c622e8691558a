"""The whole suite as production runs it: certificates between processes, everything traced."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy import SERVICES
from deploy.certificates import Authority
from tests.e2e.parcours.acces import Acces
from tests.kit.suite import Suite, running

_AGENT = "agente.exemple@exemple.test"
# Who calls whom: cartes holds proofs in stockage, everything else comes from the gateway.
PEERS = dict.fromkeys(SERVICES, ("passerelle",)) | {"stockage": ("passerelle", "cartes")}


@dataclass(frozen=True)
class Protegee:
    """A suite under mutual TLS.

    Args:
        authority: signs; the leaf of each process is in its folder.
        traces: the file that every process writes its OTLP lines to.
    """

    suite: Suite
    authority: Authority
    acces: Acces
    traces: Path


@pytest.fixture(scope="session")
def protegee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protegee]:
    """Shared by the tests of one worker: mark them ``xdist_group("protegee")``."""
    folder = tmp_path_factory.mktemp("protegee")
    authority = Authority(folder / "tls")
    traces = folder / "traces.jsonl"
    settings = {
        "ESPACE_TLS_AUTHORITY": str(authority.certificate),
        "ESPACE_OTLP": f"file:{traces}",
    }
    for name in (*SERVICES, "passerelle"):
        leaf = authority.issue(name)
        settings |= {
            f"{name.upper()}_TLS_CERTIFICATE": str(leaf.certificate),
            f"{name.upper()}_TLS_KEY": str(leaf.key),
        }
    settings |= {f"{name.upper()}_TLS_PEERS": ",".join(PEERS[name]) for name in SERVICES}
    # Processes find each other in Consul, whose agent has to show a certificate too.
    agent, place = authority.issue("consul"), folder / "suite" / "consul"
    place.mkdir(parents=True, mode=0o700)
    (place / "supplement.hcl").write_text(
        f'enable_agent_tls_for_checks = true\nca_file = "{authority.certificate}"\n'
        f'cert_file = "{agent.certificate}"\nkey_file = "{agent.key}"\n'
    )
    with running(folder / "suite", settings) as suite:
        password = f"Érable-{secrets.token_urlsafe(16)}"
        suite.espace("demandes", "charger-catalogue")
        suite.espace(
            "identite", "creer-agent", "--courriel", _AGENT, "--prenom", "Andrée",
            "--nom", "Exemple", "--role", "agent_cartes", stdin=f"{password}\n",
        )  # fmt: skip
        acces = Acces(
            portail=suite.base_url,
            courrier=suite.mailbox.api_url,
            agent=(_AGENT, password),
            racine=suite.plan.keys.apple / "racine.pem",
            compte_google=suite.plan.keys.google,
        )
        yield Protegee(suite, authority, acces, traces)
        acces.fermer()
