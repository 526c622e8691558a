"""What ships the suite gives each process the settings that its code reads, and no other."""

from __future__ import annotations

import base64
import dataclasses
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis import settings
from deploy import SERVICES, broker_rights, certificates, registry_rights

pytestmark = pytest.mark.contract

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
PROCESSES = (*(f"{name}-{kind}" for name in SERVICES for kind in ("serve", "work")), "passerelle")
_NAME = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_KEY = base64.b64encode(bytes(32)).decode()


def config(process: str) -> Any:
    """The settings class of a process."""
    name = process.partition("-")[0]
    package = "passerelle" if name == "passerelle" else f"services.{name}"
    return importlib.import_module(f"{package}.config").Config


def fields(process: str) -> set[str]:
    return {field.name.upper() for field in dataclasses.fields(config(process))}


def example(name: str) -> dict[str, str]:
    """The settings of an example file; capitals stand for what an operator writes."""
    found = dict(_NAME.findall((DEPLOY / "exemples" / f"{name}.env").read_text()))
    return {key: value.replace("CLE_EN_BASE64", _KEY) for key, value in found.items()}


def compose(process: str) -> dict[str, str]:
    part = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"][process]
    return {key: str(value) for key, value in part["environment"].items()}


def kubernetes(process: str) -> dict[str, str]:
    """What the manifests give a process by themselves: the shared map, then its own."""
    documents = [
        doc
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        for doc in yaml.safe_load_all(path.read_text())
        if doc
    ]
    (shared,) = [doc["data"] for doc in documents if doc["kind"] == "ConfigMap"]
    (pod,) = [
        doc["spec"]["template"]["spec"]
        for doc in documents
        if doc["kind"] == "Deployment" and doc["metadata"]["name"] == process
    ]
    (container,) = pod["containers"]
    assert {"configMapRef": {"name": "espace"}} in container["envFrom"]
    assert {"secretRef": {"name": f"espace-{process.partition('-')[0]}"}} in container["envFrom"]
    return shared | {each["name"]: each["value"] for each in container.get("env", ())}


# What the Secrets of Kubernetes hold besides the example file, as its first lines say.
_SECRETS = {"ESPACE_TOKEN_PUBLIC_KEY": "PEM", "ESPACE_CONSUL_TOKEN": "jeton"}
_OF_GATEWAY = {"PASSERELLE_TOKEN_PRIVATE_KEY": "PEM", "ESPACE_CONSUL_TOKEN": "jeton"}


def given(process: str, way: str) -> dict[str, str]:
    """The whole environment of a process, mounted files read."""
    own = example(process.partition("-")[0])
    if way == "kubernetes":
        more = _OF_GATEWAY if process == "passerelle" else _SECRETS
        return {**kubernetes(process), **own, **more}
    return {
        name.removesuffix("_FILE"): "contenu" if name.endswith("_FILE") else value
        for name, value in {**own, **compose(process)}.items()
    }


@pytest.mark.parametrize("way", ["compose", "kubernetes"])
@pytest.mark.parametrize("process", PROCESSES)
def test_every_name_that_is_given_is_read(process: str, way: str):
    prefix = process.partition("-")[0].upper()
    shared = set().union(*(fields(each) for each in PROCESSES))
    for name in given(process, way):
        owner, _, field = name.partition("_")
        assert owner in {prefix, "ESPACE"}, f"{name} is another service's"
        assert field in (fields(process) if owner == prefix else shared), name


@pytest.mark.parametrize("way", ["compose", "kubernetes"])
@pytest.mark.parametrize("process", PROCESSES)
def test_what_is_given_suffices_to_start(process: str, way: str):
    prefix = process.partition("-")[0].upper()
    loaded = settings.load(config(process), prefix=prefix, environ=given(process, way))
    if process.endswith("-serve") or process == "passerelle":
        named = (loaded.tls_certificate, loaded.tls_key, loaded.tls_authority)
        assert all((*named, loaded.consul_url, loaded.consul_token))
        # Containers have addresses of their own: what listens on loopback is not reached.
        assert loaded.listen.startswith("0.0.0.0:")
    if process.endswith("-serve"):
        assert set(loaded.tls_peers) <= {*SERVICES, "passerelle"}
        assert "passerelle" in loaded.tls_peers
    if process != "passerelle":
        user, host = re.match(r"\w+://(\w+):[^@]+@([\w.]+)", loaded.database_url).groups()  # type: ignore[union-attr]
        assert (user, host) == (prefix.lower(), "postgresql")
        assert "sslmode=verify-full" in loaded.database_url
        assert loaded.amqp_url.startswith(f"amqp://{prefix.lower()}:")


@pytest.mark.parametrize("process", PROCESSES)
def test_every_required_setting_is_written_down(process: str):
    missing = dataclasses.MISSING
    required = {
        field.name.upper()
        for field in dataclasses.fields(config(process))
        if field.default is missing and field.default_factory is missing
    }
    for way in ("compose", "kubernetes"):
        written = {name.partition("_")[2] for name in given(process, way)}
        assert required <= written


def test_both_processes_of_stockage_reach_documents_antivirus_and_key():
    for way in ("compose", "kubernetes"):
        for process in ("stockage-serve", "stockage-work"):
            found = given(process, way)
            assert {"STOCKAGE_DOSSIER", "STOCKAGE_CLAMD", "STOCKAGE_CLE_MAITRESSE"} <= set(found)
            assert found["STOCKAGE_DOSSIER"] == "/documents"
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for process in ("stockage-serve", "stockage-work"):
        assert services[process]["volumes"] == ["documents:/documents"]


def test_the_job_gets_what_it_asks_for():
    assert set(example("job")) == {
        *(f"{service.upper()}_DATABASE_URL" for service in SERVICES),
        "ESPACE_AMQP_URL",
    }
    assert f"//{broker_rights.DEPLOYER}:" in example("job")["ESPACE_AMQP_URL"]


def test_every_secret_of_compose_is_made_by_a_command_of_ours():
    declared = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    files = {each["file"] for each in declared["secrets"].values()}
    made = {f"secrets/tls/{name}.pem" for name in certificates.BEARERS}
    made |= {f"secrets/tls/{name}_cle.pem" for name in certificates.BEARERS}
    made |= {f"secrets/consul_{name}" for name in (*SERVICES, registry_rights.READER)}
    made |= {"secrets/tls/autorite.pem"}
    # The guide says how these three are made.
    by_hand = {"secrets/postgresql", "secrets/jeton_public.pem", "secrets/jeton_prive.pem"}
    assert files == made | by_hand
    guide = (DEPLOY / "SECURITE.md").read_text()
    mounted = re.findall(r"\./secrets/([\w.]+)[:\"]", (DEPLOY / "compose.yaml").read_text())
    for name in (*(Path(file).name for file in by_hand), *mounted):
        assert name in guide, name


def test_a_process_mounts_its_own_certificate_and_no_other():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for process in PROCESSES:
        name = process.partition("-")[0]
        sources = {
            each["source"] if isinstance(each, dict) else each
            for each in services[process]["secrets"]
        }
        personal = {each for each in sources if each.startswith(("tls_", "consul_"))}
        own = {f"tls_{name}", f"tls_{name}_cle", f"consul_{name}"}
        assert personal - {"tls_autorite"} == (set() if process.endswith("-work") else own)


@pytest.mark.parametrize("name", [*SERVICES, "passerelle", "job"])
def test_an_example_holds_no_real_secret(name: str):
    text = (DEPLOY / "exemples" / f"{name}.env").read_text()
    for key, value in _NAME.findall(text):
        if ("_CLE" in key and not value.startswith("/")) or key.endswith("SECRET"):
            assert value == "CLE_EN_BASE64", key
        for password in re.findall(r"://\w+:([^@]+)@", value):
            assert password.startswith("MOT_DE_PASSE_"), key
