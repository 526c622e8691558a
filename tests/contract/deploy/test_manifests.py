"""The files that ship the suite are valid for their own schemas, and say what the code needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ("identite", "cartes", "demandes", "avis", "stockage")
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def documents() -> list[dict]:
    return [doc for path in MANIFESTS for doc in yaml.safe_load_all(path.read_text()) if doc]


def compose() -> dict:
    return yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())


def test_compose_follows_the_compose_specification():
    done = subprocess.run(
        [program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec",
         str(ROOT / "deploy" / "compose.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_kubernetes_accepts_the_manifests(path):
    done = subprocess.run(
        [program("kubernetes-validate"), "--strict", "-k", "1.37", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_manifest_is_refused(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        (ROOT / "deploy/kubernetes/20-cartes.yaml")
        .read_text()
        .replace("replicas: 2", "replicas: deux", 1)
    )
    done = subprocess.run(
        [program("kubernetes-validate"), "--strict", "-k", "1.37", str(broken)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0


def test_both_ship_every_process():
    processes = {f"{service}-{kind}" for service in SERVICES for kind in ("serve", "work")}
    processes.add("passerelle")
    deployments = {doc["metadata"]["name"] for doc in documents() if doc["kind"] == "Deployment"}
    assert deployments == processes
    assert processes | {"job"} <= set(compose()["services"])


def test_no_container_runs_with_rights_it_does_not_need():
    for doc in documents():
        if doc["kind"] not in {"Deployment", "Job"}:
            continue
        pod = doc["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


def test_only_the_portal_is_published():
    published = {name for name, part in compose()["services"].items() if part.get("ports")}
    assert published == {"passerelle"}
    kinds = {doc["metadata"]["name"] for doc in documents() if doc["kind"] == "Ingress"}
    assert kinds == {"passerelle"}


def test_an_image_copies_its_own_service_only():
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    stage = re.search(r"AS service\n(.*?)\nFROM", text, re.DOTALL)
    assert stage is not None
    copied = re.findall(r"^COPY (\S+)", stage.group(1), re.MULTILINE)
    assert copied == ["services/__init__.py", "services/${SERVICE}"]
