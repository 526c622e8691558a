"""The Pass Type ID certificate is checked at the start, and refused with one sentence."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.cartes.adapters import certificat_apple
from services.cartes.adapters.certificat_apple import CertificatPasse
from tests.kit.cartes import EQUIPE, MAINTENANT, TYPE_PASSE, cles, une_chaine

pytestmark = [pytest.mark.unit, pytest.mark.exigence("CAR-05")]


@pytest.fixture(scope="module")
def chaine():
    return une_chaine()


@pytest.fixture(scope="module")
def dossier(chaine, tmp_path_factory):
    chemin = tmp_path_factory.mktemp("apple")
    chaine.ecrire(chemin)
    return chemin


def charger(dossier: Path, **changes: Any) -> CertificatPasse:
    return certificat_apple.charger(
        **{
            "certificat": dossier / "certificat.pem",
            "cle": dossier / "cle.pem",
            "wwdr": dossier / "wwdr.cer",
            "type_passe": TYPE_PASSE,
            "equipe": EQUIPE,
            "maintenant": MAINTENANT,
            **changes,
        }
    )


@pytest.fixture(scope="module")
def certificat(dossier):
    return charger(dossier)


# --- certificate ---------------------------------------------------------------------------------


def test_certificat_dit_son_sujet_et_sa_fin(certificat) -> None:
    assert f"UID={TYPE_PASSE}" in certificat.sujet
    assert certificat.expire_le == datetime(2036, 1, 1, tzinfo=UTC)
    assert not certificat.bientot_expire(MAINTENANT)
    assert certificat.bientot_expire(datetime(2035, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("chaine_changee", "message"),
    [
        ({"type_passe": "pass.ca.autre"}, "UID is pass.ca.autre"),
        ({"equipe": "ZZZZZZZZZZ"}, "OU is ZZZZZZZZZZ"),
        ({"extension": None}, "lacks extension 1.2.840.113635.100.6.1.16"),
        ({"extension": b"\x0c\x04faux"}, "does not name"),
        ({"extension": b"\x30"}, "does not name"),
        ({"debut": datetime(2027, 1, 1, tzinfo=UTC)}, "valid from 2027-01-01"),
        ({"fin": datetime(2026, 2, 1, tzinfo=UTC)}, "to 2026-02-01"),
    ],
)
def test_certificat_qui_ne_convient_pas_est_refuse_au_depart(
    tmp_path, chaine_changee, message
) -> None:
    une_chaine(**chaine_changee).ecrire(tmp_path)
    with pytest.raises(certificat_apple.CertificatRefuse, match=re.escape(message)):
        charger(tmp_path)


def test_fichiers_qui_ne_vont_pas_ensemble_sont_refuses(tmp_path, dossier) -> None:
    autre = une_chaine()
    autre.ecrire(tmp_path)
    (tmp_path / "wwdr.cer").write_bytes(autre.racine.public_bytes(Encoding.DER))
    with pytest.raises(certificat_apple.CertificatRefuse, match="did not issue"):
        charger(tmp_path)
    (tmp_path / "cle.pem").write_bytes(
        cles()[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(certificat_apple.CertificatRefuse, match="does not belong"):
        charger(dossier, cle=tmp_path / "cle.pem")
    elliptique = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "cle.pem").write_bytes(
        elliptique.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(certificat_apple.CertificatRefuse, match="is RSA"):
        charger(dossier, cle=tmp_path / "cle.pem")
    (tmp_path / "cle.pem").write_bytes(b"-----BEGIN NOTHING-----")
    with pytest.raises(certificat_apple.CertificatRefuse, match="cannot be read"):
        charger(dossier, cle=tmp_path / "cle.pem")
    with pytest.raises(certificat_apple.CertificatRefuse, match="cannot be read"):
        charger(dossier, certificat=tmp_path / "absent.pem")
