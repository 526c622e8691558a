"""Consul's access control: one policy and one token for each process that asks it.

A service's token enters and removes that service's own name and finds the others; the gateway's
token finds only. The policies are the files of ``deploy/consul``; Consul denies everything else.

Run once Consul answers: ``CONSUL_HTTP_TOKEN=… python -m deploy.registry_rights --consul
http://consul:8500 --dossier deploy/secrets`` writes ``consul_<name>`` files (mode 0600), the values
of ``ESPACE_CONSUL_TOKEN_FILE``. Without a management token it asks Consul for the first one, which
Consul gives once, and writes it to ``consul_gestion``. Policies are replaced at each run; a token
whose file exists stays.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from deploy import SERVICES

READER = "passerelle"
_POLICIES = Path(__file__).parent / "consul"
_TIMEOUT_S = 10


class Registry:
    """Consul's access control seen by who manages it.

    Args:
        url: of the agent's HTTP API.
        token: a management token; "" only for ``bootstrap``.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url.rstrip("/")
        self.token = token

    def bootstrap(self) -> str:
        """Take the first management token. Raises: HTTPError 403 when it was taken already."""
        self.token = str(self._ask("PUT", "acl/bootstrap")["SecretID"])
        return self.token

    def write_policies(self) -> None:
        """Create or replace the policy of each service and of the gateway."""
        known = {policy["Name"]: policy["ID"] for policy in self._ask("GET", "acl/policies")}
        for name in (*SERVICES, READER):
            body = {"Name": name, "Rules": rules(name)}
            if name in known:
                self._ask("PUT", f"acl/policy/{known[name]}", {"ID": known[name], **body})
            else:
                self._ask("PUT", "acl/policy", body)

    def make_token(self, name: str) -> str:
        """Give a new token with the policy of that name."""
        body = {"Description": name, "Policies": [{"Name": name}]}
        return str(self._ask("PUT", "acl/token", body)["SecretID"])

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the operator's own http(s) URL
            f"{self._url}/v1/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Consul-Token": self.token} if self.token else {},
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - idem
            return json.load(answer)


def rules(name: str) -> str:
    """Give the policy of a service or of the gateway, in HCL."""
    if name == READER:
        return (_POLICIES / "lecteur.hcl").read_text()
    return (_POLICIES / "service.hcl").read_text().replace("@SERVICE@", name)


def main() -> int:
    """Write policies and the tokens that are missing; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.registry_rights")
    parser.add_argument("--consul", required=True, metavar="URL")
    parser.add_argument("--dossier", type=Path, required=True)
    options = parser.parse_args()
    registry = Registry(options.consul, os.environ.get("CONSUL_HTTP_TOKEN", ""))
    folder: Path = options.dossier
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        if not registry.token:
            _write(folder / "consul_gestion", registry.bootstrap())
        registry.write_policies()
        for name in (*SERVICES, READER):
            place = folder / f"consul_{name}"
            if not place.exists():
                _write(place, registry.make_token(name))
                print(f"{name}: {place}")
    except urllib.error.URLError as error:
        print(f"Consul: {error}", file=sys.stderr)
        return 1
    return 0


def _write(place: Path, text: str) -> None:
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())
