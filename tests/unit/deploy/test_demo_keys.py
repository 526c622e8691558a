"""Keys of a demo: made once, readable by their owner alone, accepted by openssl."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy import demo_keys

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> demo_keys.Keys:
    return demo_keys.prepare(tmp_path_factory.mktemp("cles"))


def test_only_the_owner_reads_them(keys: demo_keys.Keys):
    keys.secret("un_secret")
    files = [file for file in keys.folder.rglob("*") if file.is_file()]
    assert len(files) == 8
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_second_start_keeps_them(keys: demo_keys.Keys):
    before = {file: file.read_bytes() for file in keys.folder.rglob("*") if file.is_file()}
    demo_keys.prepare(keys.folder)
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.exigence("CAR-05")
def test_the_pass_certificate_has_the_shape_of_apples(keys: demo_keys.Keys):
    leaf = x509.load_pem_x509_certificate((keys.apple / "passe.pem").read_bytes())
    wwdr = x509.load_pem_x509_certificate((keys.apple / "wwdr.pem").read_bytes())
    leaf.verify_directly_issued_by(wwdr)
    subject = {each.rfc4514_attribute_name: each.value for each in leaf.subject}
    assert subject["UID"] == demo_keys.PASS_TYPE
    assert subject["OU"] == demo_keys.TEAM
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [each.dotted_string for each in usage] == ["1.2.840.113635.100.4.14"]
    extension = leaf.extensions.get_extension_for_oid(
        x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")
    ).value
    assert isinstance(extension, x509.UnrecognizedExtension)
    assert extension.value[2:].decode() == demo_keys.PASS_TYPE


@pytest.mark.exigence("CAR-05")
def test_openssl_verifies_what_the_chain_signs(keys: demo_keys.Keys, tmp_path: Path):
    manifest, signature = tmp_path / "manifest.json", tmp_path / "signature"
    manifest.write_bytes(b'{"pass.json":"0"}')
    apple = keys.apple
    subprocess.run(
        ["openssl", "cms", "-sign", "-binary", "-in", manifest, "-signer", apple / "passe.pem",
         "-inkey", apple / "passe_cle.pem", "-certfile", apple / "wwdr.pem", "-outform", "DER",
         "-out", signature],
        check=True, capture_output=True,
    )  # fmt: skip
    verified = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content",
         manifest, "-CAfile", apple / "racine.pem", "-purpose", "any", "-out", "/dev/null"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr


def test_the_google_account_is_a_service_account(keys: demo_keys.Keys):
    account = json.loads(keys.google.read_text())
    assert account["type"] == "service_account"
    load_pem_private_key(account["private_key"].encode(), password=None)
