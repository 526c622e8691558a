"""The tus 1.0 protocol at the gateway: its headers, its refusals, and the bytes that go through."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from espacecitoyen.stockage.v1 import televersement_service_pb2 as pb
from passerelle import security
from tests.kit.passerelle import (
    PIECE,
    REFUS,
    TELEVERSEMENT,
    Fakes,
    bearer,
    log_in,
    un_televersement,
)

pytestmark = [pytest.mark.unit, pytest.mark.exigence("STO-05")]

ICI = "/api/v1/televersements"
CELUI_CI = f"{ICI}/{TELEVERSEMENT}"
TUS = {"Tus-Resumable": "1.0.0"}
SUITE = {**TUS, **bearer(), "Content-Type": "application/offset+octet-stream"}


class Recu:
    """What the fake storage was sent, and whether it was told that all came."""

    def __init__(self) -> None:
        self.entete = pb.EnteteSegment()
        self.octets = b""
        self.entier = False

    def __call__(self, requests: Iterator[pb.AjouterSegmentRequest]) -> pb.AjouterSegmentResponse:
        self.entete = next(requests).entete
        for item in requests:
            self.octets += item.bloc
            self.entier = item.HasField("fin")
        return pb.AjouterSegmentResponse(
            televersement=un_televersement(recus_octets=self.entete.position + len(self.octets))
        )


@pytest.fixture
def recu(services: Fakes) -> Recu:
    found = Recu()
    services.stockage.answers["AjouterSegment"] = found
    return found


def metadonnees(**champs: str) -> str:
    return ",".join(
        f"{nom} {base64.b64encode(valeur.encode()).decode()}" for nom, valeur in champs.items()
    )


def test_options_dit_ce_qui_se_parle_ici(client: FlaskClient) -> None:
    response = client.options(ICI)
    assert response.status_code == 200
    assert response.headers["Tus-Version"] == "1.0.0"
    assert set(response.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "termination", "expiration", "checksum",
    }  # fmt: skip
    assert response.headers["Tus-Max-Size"] == str(25 * 1024 * 1024)
    assert response.headers["Tus-Checksum-Algorithm"] == "md5,sha1,sha256"


def test_creer_lit_les_metadonnees(client: FlaskClient, services: Fakes) -> None:
    response = client.post(
        ICI,
        headers={
            **TUS,
            **bearer(),
            "Upload-Length": "8",
            "Upload-Metadata": metadonnees(
                filename="été.jpg", genre="IDENTITE", libelle="Passeport", filetype="image/jpeg"
            ),
        },
    )
    assert (response.status_code, response.headers["Location"]) == (201, CELUI_CI)
    assert response.headers["Tus-Resumable"] == "1.0.0"
    assert response.headers["Upload-Expires"] == "Mon, 23 Nov 2026 15:00:00 GMT"
    ((demande, _),) = services.stockage.calls("CreerTeleversement")
    assert (demande.nom_fichier, demande.libelle, demande.taille_octets) == (
        "été.jpg",
        "Passeport",
        8,
    )
    assert demande.genre == stockage.GENRE_PIECE_IDENTITE


def test_un_client_qui_ne_connait_pas_nos_champs_depose_quand_meme(
    client: FlaskClient, services: Fakes
) -> None:
    client.post(ICI, headers={**TUS, **bearer(), "Upload-Length": "8"})
    ((demande, _),) = services.stockage.calls("CreerTeleversement")
    assert demande.genre == stockage.GENRE_PIECE_AUTRE


def test_cinq_gigaoctets_sont_refuses_sans_un_octet(client: FlaskClient, services: Fakes) -> None:
    response = client.post(ICI, headers={**TUS, **bearer(), "Upload-Length": str(5 * 1024**3)})
    assert (response.status_code, response.get_json()["code"]) == (413, "PIECE_TROP_GRANDE")
    assert not services.stockage.calls("CreerTeleversement")


@pytest.mark.parametrize(
    "entetes",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "8o"},
        {"Upload-Length": "9" * 40},
        {"Upload-Length": "8", "Upload-Metadata": "filename pas-du-base64!"},
        {"Upload-Length": "8", "Upload-Metadata": "filename /w=="},
    ],
)
def test_un_entete_mal_ecrit_est_refuse(client: FlaskClient, entetes: dict[str, str]) -> None:
    response = client.post(ICI, headers={**TUS, **bearer(), **entetes})
    assert (response.status_code, response.get_json()["code"]) == (400, "ENTETE_TUS_INVALIDE")


@pytest.mark.parametrize("version", ["", "0.2.2", "2.0.0"])
@pytest.mark.parametrize("methode", ["POST", "HEAD", "PATCH", "DELETE"])
def test_une_autre_version_du_protocole_donne_412(
    client: FlaskClient, methode: str, version: str
) -> None:
    headers = {**bearer(), **({"Tus-Resumable": version} if version else {})}
    ou = ICI if methode == "POST" else CELUI_CI
    response = client.open(ou, method=methode, headers=headers)
    assert (response.status_code, response.headers["Tus-Version"]) == (412, "1.0.0")


def test_head_dit_ou_reprendre(client: FlaskClient, services: Fakes) -> None:
    services.stockage.answers["GetTeleversement"] = pb.GetTeleversementResponse(
        televersement=un_televersement(recus_octets=5)
    )
    response = client.head(CELUI_CI, headers={**TUS, **bearer()})
    assert response.status_code == 200
    assert (response.headers["Upload-Offset"], response.headers["Upload-Length"]) == ("5", "8")
    assert response.headers["Cache-Control"] == "no-store"


def test_head_d_un_fichier_refuse_ne_passe_pas_pour_recu(
    client: FlaskClient, services: Fakes
) -> None:
    services.stockage.answers["GetTeleversement"] = pb.GetTeleversementResponse(
        televersement=un_televersement(recus_octets=8, raison="PIECE_INFECTEE")
    )
    services.stockage.answers["TerminerTeleversement"] = REFUS["PIECE_INFECTEE"]
    assert client.head(CELUI_CI, headers={**TUS, **bearer()}).status_code == 422
    recu = client.get(CELUI_CI, headers=bearer()).get_json()
    assert (recu["raison"], recu["piece_id"]) == ("PIECE_INFECTEE", None)
    assert "virus" in recu["message_fr"]


def test_head_d_un_envoi_entier_dit_son_document(client: FlaskClient, services: Fakes) -> None:
    services.stockage.answers["GetTeleversement"] = pb.GetTeleversementResponse(
        televersement=un_televersement(recus_octets=8)
    )
    response = client.head(CELUI_CI, headers={**TUS, **bearer()})
    assert response.headers["Content-Location"] == f"/api/v1/pieces/{PIECE}"


def test_les_octets_passent_et_la_fin_donne_le_document(
    client: FlaskClient, services: Fakes, recu: Recu
) -> None:
    somme = base64.b64encode(hashlib.sha256(b"12345678").digest()).decode()
    response = client.patch(
        CELUI_CI,
        data=b"12345678",
        headers={**SUITE, "Upload-Offset": "0", "Upload-Checksum": f"sha256 {somme}"},
    )
    assert (response.status_code, response.get_data()) == (204, b"")
    assert response.headers["Upload-Offset"] == "8"
    assert response.headers["Content-Location"] == f"/api/v1/pieces/{PIECE}"
    assert (recu.octets, recu.entier) == (b"12345678", True)
    assert recu.entete.somme == hashlib.sha256(b"12345678").digest()
    assert len(services.stockage.calls("TerminerTeleversement")) == 1


def test_la_creation_peut_porter_les_premiers_octets(client: FlaskClient, recu: Recu) -> None:
    response = client.post(ICI, data=b"123", headers={**SUITE, "Upload-Length": "8"})
    assert (response.status_code, response.headers["Upload-Offset"]) == (201, "3")
    assert recu.octets == b"123"


def test_une_coupure_transmet_ce_qui_est_arrive(app: Flask, recu: Recu) -> None:
    response = app.test_client().patch(
        CELUI_CI,
        environ_overrides={
            "wsgi.input": io.BytesIO(b"1234"),
            "CONTENT_LENGTH": "8",
            "CONTENT_TYPE": SUITE["Content-Type"],
        },
        headers={**SUITE, "Upload-Offset": "0"},
    )
    assert response.get_json()["code"] == "PIECE_TRONQUEE"
    assert (recu.octets, recu.entier) == (b"1234", False)


@pytest.mark.parametrize("position", ["1", "8"])
def test_une_autre_position_donne_409_sans_rien_envoyer(
    client: FlaskClient, services: Fakes, position: str
) -> None:
    response = client.patch(CELUI_CI, data=b"1", headers={**SUITE, "Upload-Offset": position})
    assert (response.status_code, response.get_json()["code"]) == (409, "POSITION_DIFFERENTE")
    assert not services.stockage.calls("AjouterSegment")


def test_plus_long_qu_annonce_est_refuse_avant_d_etre_lu(
    client: FlaskClient, services: Fakes
) -> None:
    response = client.patch(CELUI_CI, data=b"1" * 9, headers={**SUITE, "Upload-Offset": "0"})
    assert (response.status_code, response.get_json()["code"]) == (413, "PIECE_TROP_GRANDE")
    assert not services.stockage.calls("AjouterSegment")


def test_un_autre_type_de_contenu_est_refuse(client: FlaskClient) -> None:
    headers = {**SUITE, "Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    assert client.patch(CELUI_CI, data=b"1", headers=headers).status_code == 415


def test_une_somme_fausse_donne_460(client: FlaskClient, services: Fakes) -> None:
    services.stockage.answers["AjouterSegment"] = REFUS["SOMME_DIFFERENTE"]
    response = client.patch(
        CELUI_CI,
        data=b"12345678",
        headers={**SUITE, "Upload-Offset": "0", "Upload-Checksum": "md5 AAAA"},
    )
    assert (response.status_code, response.get_json()["code"]) == (460, "SOMME_DIFFERENTE")


def test_un_algorithme_inconnu_est_refuse(client: FlaskClient) -> None:
    headers = {**SUITE, "Upload-Offset": "0", "Upload-Checksum": "crc32 AAAA"}
    response = client.patch(CELUI_CI, data=b"1", headers=headers)
    assert (response.status_code, response.get_json()["code"]) == (400, "ENTETE_TUS_INVALIDE")


def test_un_fichier_refuse_le_dit_au_dernier_octet(client: FlaskClient, services: Fakes) -> None:
    services.stockage.answers["TerminerTeleversement"] = REFUS["PIECE_INFECTEE"]
    response = client.patch(CELUI_CI, data=b"12345678", headers={**SUITE, "Upload-Offset": "0"})
    assert (response.status_code, response.get_json()["code"]) == (422, "PIECE_INFECTEE")
    assert response.headers["Tus-Resumable"] == "1.0.0"


def test_l_envoi_d_une_autre_personne_est_inconnu(client: FlaskClient, services: Fakes) -> None:
    services.stockage.answers["GetTeleversement"] = REFUS["TELEVERSEMENT_INTROUVABLE"]
    assert client.head(CELUI_CI, headers={**TUS, **bearer()}).status_code == 404
    response = client.patch(CELUI_CI, data=b"1", headers={**SUITE, "Upload-Offset": "0"})
    assert response.status_code == 404


def test_une_page_envoie_avec_son_temoin_et_son_jeton(client: FlaskClient, recu: Recu) -> None:
    log_in(client)
    entetes = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    refuse = client.patch(CELUI_CI, data=b"12345678", headers=entetes)
    assert (refuse.status_code, refuse.get_json()["code"]) == (403, "FORMULAIRE_PERIME")
    jeton = client.get("/api/v1/session").get_json()["jeton_csrf"]
    entetes[security.CSRF_HEADER] = jeton
    assert client.patch(CELUI_CI, data=b"12345678", headers=entetes).status_code == 204
    assert recu.entier


def test_delete_abandonne(client: FlaskClient, services: Fakes) -> None:
    assert client.delete(CELUI_CI, headers={**TUS, **bearer()}).status_code == 204
    ((demande, _),) = services.stockage.calls("AbandonnerTeleversement")
    assert demande.televersement_id == TELEVERSEMENT
