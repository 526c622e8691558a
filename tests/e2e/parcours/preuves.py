"""What anybody can check of a wallet pass and of a save link, with programs that are not ours."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_LINK_LENGTH = 1800


def verifier_passe(contenu: bytes, racine: Path) -> dict[str, object]:
    """Check the archive, its hashes and its signature (OpenSSL); returns ``pass.json``.

    Raises: AssertionError with what is wrong, subprocess.CalledProcessError when OpenSSL refuses.
    """
    with zipfile.ZipFile(io.BytesIO(contenu)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    hashed = {
        name: hashlib.sha1(data, usedforsecurity=False).hexdigest()
        for name, data in members.items()
        if name not in {"manifest.json", "signature"}
    }
    assert manifest == hashed, "the manifest does not match the files"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("manifest.json", "signature"):
            (Path(folder) / name).write_bytes(members[name])
        subprocess.run(
            ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature",
             "-content", "manifest.json", "-CAfile", str(racine.resolve()), "-purpose", "any",
             "-out", "/dev/null"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    about: dict[str, object] = json.loads(members["pass.json"])
    return about


def verifier_lien_google(url: str, compte: Path) -> dict[str, object]:
    """Check address, length, algorithm and signature of a save link; returns its claims."""
    assert len(url) < _LINK_LENGTH, f"{len(url)} characters"
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "pay.google.com")
    assert parts.path.startswith("/gp/v/save/")
    token = parts.path.removeprefix("/gp/v/save/")
    account = json.loads(compte.read_text())
    key = load_pem_private_key(account["private_key"].encode(), password=None)
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    public = key.public_key()
    assert isinstance(public, RSAPublicKey)
    claims: dict[str, object] = jwt.decode(
        token,
        public,
        algorithms=["RS256"],
        audience="google",
    )
    assert claims["typ"] == "savetowallet"
    assert isinstance(claims["iat"], int)
    return claims
