"""The pass as a phone will read it: archive, texts, manifest, signature, certificate."""

import base64
import hashlib
import hmac
import io
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7Options,
    PKCS7SignatureBuilder,
    load_der_pkcs7_certificates,
)
from PIL import Image

from services.cartes.adapters import certificat_apple, images_passe, textes_passe
from services.cartes.adapters.certificat_apple import CertificatPasse
from services.cartes.adapters.portefeuille_apple import (
    PortefeuilleApple,
    PortefeuilleAppleAbsent,
    jeton_de_passe,
    signer,
)
from services.cartes.domain import PortefeuilleNonOffert
from tests.kit.cartes import EQUIPE, MAINTENANT, TYPE_PASSE, un_passe, une_chaine

pytestmark = [pytest.mark.unit, pytest.mark.exigence("CAR-05")]

OPTION = PKCS7Options
# DER of that identifier, as it stands among the signed attributes.
SIGNING_TIME_DER = bytes.fromhex("06092a864886f70d010905")
MESSAGE_DIGEST_DER = bytes.fromhex("06092a864886f70d010904")
SHA256_DER = bytes.fromhex("0609608648016503040201")


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


def portefeuille(certificat: CertificatPasse, **changes: Any) -> PortefeuilleApple:
    return PortefeuilleApple(
        certificat,
        **{
            "ville_nom": "Ville de Sainte-Thérèse",
            "couleur_fond": "#003c71",
            "couleur_texte": "#ffffff",
            "url_publique": "https://espace.sainte-therese.ca",
            "images": images_passe.dessiner(fond="#003c71", texte="#ffffff", initiales="ST"),
            **changes,
        },
    )


@pytest.fixture(scope="module")
def archive(certificat):
    return zipfile.ZipFile(io.BytesIO(portefeuille(certificat).construire(un_passe())))


def openssl(
    dossier: Path, signature: bytes, contenu: bytes, *options: str
) -> subprocess.CompletedProcess[str]:
    (dossier / "signature").write_bytes(signature)
    (dossier / "manifest.json").write_bytes(contenu)
    return subprocess.run(
        [
            *("openssl", "cms", "-verify", *options, "-inform", "DER"),
            *("-in", dossier / "signature", "-content", dossier / "manifest.json"),
            *("-CAfile", dossier / "racine.pem", "-purpose", "any"),
            *("-out", dossier / "sortie"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


# --- archive -------------------------------------------------------------------------------------


def test_archive_lue_par_un_autre_programme(archive, dossier) -> None:
    assert archive.testzip() is None
    assert set(archive.namelist()) == {
        *(f"{nom}{s}.png" for nom in ("icon", "logo") for s in ("", "@2x", "@3x")),
        "fr.lproj/pass.strings",
        "en.lproj/pass.strings",
        "pass.json",
        "manifest.json",
        "signature",
    }
    # No encryption, stored or deflated, no folder entry.
    for membre in archive.infolist():
        assert membre.flag_bits == 0
        assert membre.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        assert not membre.is_dir()
    archive.extractall(dossier / "ouvert")
    assert (dossier / "ouvert" / "fr.lproj" / "pass.strings").is_file()


def test_manifeste_donne_le_sha1_de_chaque_fichier(archive) -> None:
    brut = archive.read("manifest.json")
    manifeste = json.loads(brut)
    assert manifeste == {
        nom: hashlib.sha1(archive.read(nom), usedforsecurity=False).hexdigest()
        for nom in archive.namelist()
        if nom not in {"manifest.json", "signature"}
    }
    assert b"\n" not in brut
    assert brut == json.dumps(manifeste, separators=(",", ":")).encode()


def test_images_aux_tailles_des_appareils(archive) -> None:
    tailles = {
        nom: Image.open(io.BytesIO(archive.read(nom))).size
        for nom in archive.namelist()
        if nom.endswith(".png")
    }
    assert tailles == {
        "icon.png": (38, 38),
        "icon@2x.png": (76, 76),
        "icon@3x.png": (114, 114),
        "logo.png": (50, 50),
        "logo@2x.png": (100, 100),
        "logo@3x.png": (150, 150),
    }
    grande = Image.open(io.BytesIO(archive.read("icon@3x.png"))).convert("RGB")
    assert grande.getpixel((0, 0)) == (0, 60, 113)
    assert grande.getpixel((57, 4)) == (255, 255, 255)
    couleurs = {couleur for _, couleur in grande.getcolors(maxcolors=10_000) or []}
    assert len(couleurs) > 10, "the initials are drawn, with their soft edges"


def test_couleurs_illisibles_sont_refusees() -> None:
    images_passe.verifier_contraste("#003c71", "#ffffff")
    with pytest.raises(images_passe.CouleursIllisibles):
        images_passe.verifier_contraste("#88aacc", "#ffffff")


# --- pass.json -----------------------------------------------------------------------------------


def test_pass_json_porte_ce_qu_apple_demande(certificat) -> None:
    passe = json.loads(portefeuille(certificat).pass_json(un_passe()))
    assert passe["formatVersion"] == 1
    assert passe["passTypeIdentifier"] == TYPE_PASSE
    assert passe["teamIdentifier"] == EQUIPE
    assert passe["organizationName"] == "Ville de Sainte-Thérèse"
    assert passe["description"] == "Carte citoyen"
    assert len(passe["serialNumber"]) >= 16
    assert passe["expirationDate"] == "2028-03-14T23:59:59-04:00"
    assert passe["sharingProhibited"] is True
    assert passe["voided"] is False
    assert re.fullmatch(r"rgb\(\d+, \d+, \d+\)", passe["backgroundColor"])
    assert passe["barcodes"] == [
        {
            "format": "PKBarcodeFormatQR",
            "message": "20042000001230",
            "messageEncoding": "iso-8859-1",
            "altText": "2 0042 00000123 0",
        }
    ]
    assert [style for style in ("generic", "storeCard", "coupon") if style in passe] == ["generic"]
    assert "barcode" not in passe


def test_champs_sont_uniques_et_l_echeance_previent_de_son_changement(certificat) -> None:
    generique = json.loads(portefeuille(certificat).pass_json(un_passe()))["generic"]
    champs = [champ for groupe in generique.values() for champ in groupe]
    assert len({champ["key"] for champ in champs}) == len(champs)
    assert all(champ["value"] for champ in champs)
    assert len(generique["primaryFields"]) == 1
    assert generique["primaryFields"][0]["value"] == "Émilie Tremblay"
    echeance = generique["secondaryFields"][0]
    assert "%@" in echeance["changeMessage"]
    assert echeance["ignoresTimeZone"] is True
    assert len(generique["secondaryFields"]) + len(generique["auxiliaryFields"]) <= 4


def test_le_numero_n_est_pas_dans_la_serie_et_rien_de_plus_que_le_nom(certificat) -> None:
    brut = portefeuille(certificat).pass_json(un_passe()).decode()
    assert "1990" not in brut
    assert "rue de" not in brut
    assert "J7E" not in brut


def test_adresse_de_mise_a_jour_et_jeton_vont_ensemble(certificat) -> None:
    sans = json.loads(portefeuille(certificat).pass_json(un_passe()))
    assert "webServiceURL" not in sans
    assert "authenticationToken" not in sans
    cle = bytes(range(32))
    avec = json.loads(
        portefeuille(
            certificat, mise_a_jour=("https://carte.sainte-therese.ca/apple", cle)
        ).pass_json(un_passe())
    )
    assert avec["webServiceURL"] == "https://carte.sainte-therese.ca/apple"
    attendu = hmac.new(cle, un_passe().serie.encode(), hashlib.sha256).digest()
    jeton = avec["authenticationToken"]
    assert len(jeton) == 43
    assert base64.urlsafe_b64decode(jeton + "=") == attendu
    assert jeton == jeton_de_passe(un_passe().serie, cle)


def lire_strings(octets: bytes) -> dict[str, str]:
    lignes = octets.decode("utf-8").splitlines()
    motif = re.compile(r'"((?:[^"\\]|\\.)*)" = "((?:[^"\\]|\\.)*)";')
    lus = [motif.fullmatch(ligne) for ligne in lignes]
    assert all(lus), lignes
    return {m[1]: m[2] for m in lus if m}


def test_chaque_texte_fixe_est_traduit(archive) -> None:
    francais = lire_strings(archive.read("fr.lproj/pass.strings"))
    anglais = lire_strings(archive.read("en.lproj/pass.strings"))
    assert francais == {cle: cle for cle in anglais}
    passe = json.loads(archive.read("pass.json"))
    champs = [champ for groupe in passe["generic"].values() for champ in groupe]
    textes = {champ["label"] for champ in champs} | {passe["description"], passe["logoText"]}
    textes |= {champ["changeMessage"] for champ in champs if "changeMessage" in champ}
    assert textes <= set(anglais)
    assert all("%@" in t for cle, t in anglais.items() if "%@" in cle)
    assert textes_passe.anglais("Carte citoyen") == "Citizen card"


# --- signature: openssl, then each of the four traps ---------------------------------------------


def test_openssl_verifie_la_signature(archive, dossier) -> None:
    manifeste = archive.read("manifest.json")
    lu = openssl(dossier, archive.read("signature"), manifeste, "-binary")
    assert lu.returncode == 0, lu.stderr
    assert (dossier / "sortie").read_bytes() == manifeste


def test_openssl_refuse_un_manifeste_change(archive, dossier) -> None:
    manifeste = archive.read("manifest.json")
    change = manifeste.replace(b'"icon.png":"', b'"icon.png":"0', 1)
    assert openssl(dossier, archive.read("signature"), change, "-binary").returncode != 0


def test_signature_sha256_avec_heure_et_deux_certificats(archive, certificat) -> None:
    signature = archive.read("signature")
    assert SIGNING_TIME_DER in signature
    assert MESSAGE_DIGEST_DER in signature
    assert SHA256_DER in signature
    lus = load_der_pkcs7_certificates(signature)
    assert {c.serial_number for c in lus} == {
        certificat.feuille.serial_number,
        certificat.wwdr.serial_number,
    }
    assert len(lus) == 2


def test_heure_de_signature_lue_par_openssl(archive, dossier) -> None:
    (dossier / "signature").write_bytes(archive.read("signature"))
    lu = subprocess.run(
        [
            *("openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "DER"),
            *("-in", dossier / "signature"),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "signingTime" in lu
    assert "eContent: <ABSENT>" in lu
    # Signed attributes sorted as DER wants: a strict wallet refuses another order.
    attributs = re.findall(r"object: (\w+) \(1\.2\.840\.113549\.1\.9", lu)
    assert attributs[:3] == ["contentType", "signingTime", "messageDigest"]


def signer_autrement(
    certificat: CertificatPasse,
    manifeste: bytes,
    options: list[PKCS7Options],
    *,
    wwdr_d_abord: bool = False,
) -> bytes:
    if wwdr_d_abord:
        constructeur = PKCS7SignatureBuilder().add_certificate(certificat.wwdr).set_data(manifeste)
    else:
        constructeur = PKCS7SignatureBuilder().set_data(manifeste).add_certificate(certificat.wwdr)
    return constructeur.add_signer(certificat.feuille, certificat.cle, SHA256()).sign(
        Encoding.DER, options
    )


def test_piege_a_sans_binary_un_manifeste_de_plusieurs_lignes_ne_se_verifie_pas(
    certificat, dossier
) -> None:
    manifeste = b'{\n"a":"b"\n}\n'
    mauvaise = signer_autrement(certificat, manifeste, [OPTION.DetachedSignature])
    assert openssl(dossier, mauvaise, manifeste, "-binary").returncode != 0
    lu = openssl(dossier, signer(manifeste, certificat), manifeste, "-binary")
    assert lu.returncode == 0, lu.stderr


def test_piege_b_sans_detached_le_manifeste_est_dans_la_signature(certificat, archive) -> None:
    manifeste = archive.read("manifest.json")
    assert manifeste in signer_autrement(certificat, manifeste, [OPTION.Binary])
    assert manifeste not in signer(manifeste, certificat)


def test_piege_c_noattributes_enleve_l_heure(certificat, archive) -> None:
    manifeste = archive.read("manifest.json")
    sans = signer_autrement(
        certificat, manifeste, [OPTION.DetachedSignature, OPTION.Binary, OPTION.NoAttributes]
    )
    assert SIGNING_TIME_DER not in sans
    assert SIGNING_TIME_DER in signer(manifeste, certificat)


def test_piege_d_set_data_apres_le_wwdr_le_perd(certificat, archive) -> None:
    manifeste = archive.read("manifest.json")
    perdue = signer_autrement(
        certificat, manifeste, [OPTION.DetachedSignature, OPTION.Binary], wwdr_d_abord=True
    )
    assert len(load_der_pkcs7_certificates(perdue)) == 1
    assert len(load_der_pkcs7_certificates(signer(manifeste, certificat))) == 2


def test_ville_sans_certificat_n_offre_pas_le_passe() -> None:
    with pytest.raises(PortefeuilleNonOffert):
        PortefeuilleAppleAbsent().construire(un_passe())
