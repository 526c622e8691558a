"""One role and one database for each service, on any PostgreSQL: no role enters another's database.

Run: ``python -m deploy.database_roles --mots-de-passe FILE > roles.sql`` and give the result to the
server's administrator (``psql -f``, or the folder that the container reads at its first start).
Passwords that the file lacks are drawn and added to it; the SQL holds their SCRAM verifiers alone.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy import SERVICES
from deploy.passwords import drawn

_ITERATIONS = 4096
# 60 connections serve both processes of a service in several copies, and starve no other service.
_NO_MORE = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 60"


def statements(passwords: Mapping[str, str], services: Sequence[str] = SERVICES) -> str:
    """Give the SQL, which is run once, by a superuser.

    Raises: KeyError for a service without a password.
    """
    lines = [
        # What every role could enter by default, and what a later database would be copied from.
        "REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC;",
        "REVOKE CONNECT, TEMPORARY ON DATABASE template1 FROM PUBLIC;",
    ]
    for service in services:
        word = verifier(passwords[service])
        lines += [
            f"CREATE ROLE {service} LOGIN PASSWORD '{word}' {_NO_MORE};",
            f"CREATE DATABASE {service} OWNER {service} TEMPLATE template0 ENCODING 'UTF8';",
            f"REVOKE ALL ON DATABASE {service} FROM PUBLIC;",
        ]
    return "\n".join(lines) + "\n"


def verifier(password: str) -> str:
    """Give what PostgreSQL stores of an ASCII password (RFC 5802, RFC 7677)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(x).decode() for x in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt64}${stored64}:{server64}"


def main() -> int:
    """Print the SQL."""
    parser = argparse.ArgumentParser(prog="python -m deploy.database_roles")
    parser.add_argument("--mots-de-passe", type=Path, required=True, help="JSON: service -> word")
    options = parser.parse_args()
    print(statements(drawn(options.mots_de_passe, SERVICES)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
