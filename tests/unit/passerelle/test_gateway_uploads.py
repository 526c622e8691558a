"""A document passes through in constant memory, and only a whole one is stored."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from tests.kit.passerelle import REFUS, Fakes, bearer, deposer, gateway, multipart, une_piece

pytestmark = pytest.mark.unit

MB = 1024 * 1024


class Seen:
    """What the fake storage received, and how its stream ended."""

    def __init__(self) -> None:
        self.entete = stockage.EntetePiece()
        self.sizes: list[int] = []
        self.data = b""
        self.whole = False

    def __call__(
        self, requests: Iterator[stockage.DeposerPieceRequest]
    ) -> stockage.DeposerPieceResponse:
        self.entete = next(requests).entete
        for item in requests:
            if item.HasField("fin"):
                # The rule of stockage, on which the abort of an upload stands: no end, no document.
                self.whole = item.fin.taille_octets == len(self.data)
                break
            self.sizes.append(len(item.bloc))
            self.data += item.bloc
        if not self.whole:
            raise REFUS["DONNEES_INVALIDES"]
        return stockage.DeposerPieceResponse(piece=une_piece(taille_octets=len(self.data)))


def endless(stream: io.IOBase, content_type: str) -> dict[str, object]:
    """The environment of a chunked request, whose size nobody announced."""
    return {
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "CONTENT_TYPE": content_type,
    }


@pytest.fixture
def seen(services: Fakes) -> Seen:
    found = Seen()
    services.stockage.answers["DeposerPiece"] = found
    return found


def test_un_formulaire_arrive_octet_pour_octet(client: FlaskClient, seen: Seen) -> None:
    data = bytes(range(256)) * 4000 + b"\r\n--limit\r\n--limitee\r\n-"
    body, kind = multipart({"genre": "RESIDENCE", "libelle": "Hydro"}, ("été.pdf", data))
    response = client.post("/api/v1/pieces", data=body, content_type=kind, headers=bearer())
    assert response.status_code == 201
    assert response.headers["Location"].startswith("/api/v1/pieces/")
    assert seen.data == data
    assert max(seen.sizes) <= 256 * 1024 + 100
    assert (seen.entete.nom_fichier, seen.entete.libelle) == ("été.pdf", "Hydro")
    assert seen.entete.genre == stockage.GENRE_PIECE_RESIDENCE
    assert len(seen.entete.request_id) == 36


def test_un_corps_brut_arrive_octet_pour_octet(client: FlaskClient, seen: Seen) -> None:
    data = b"\xff\xd8\xff" + b"x" * MB
    response = client.post(
        "/api/v1/pieces?nom_fichier=photo.jpg&genre=IDENTITE&valide_jusqu_au=2030-01-01",
        data=data,
        content_type="image/jpeg",
        headers=bearer(),
    )
    assert response.status_code == 201
    assert seen.data == data
    assert (seen.entete.taille_octets, seen.entete.nom_fichier) == (len(data), "photo.jpg")
    assert seen.entete.valide_jusqu_au == "2030-01-01"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (multipart({"genre": "AUTRE"})[0], 422, "PIECE_REQUISE"),
        (multipart({}, ("", b""))[0], 422, "PIECE_REQUISE"),
        (multipart({"genre": "PASSEPORT"}, ("a.pdf", b"x"))[0], 422, "DONNEES_INVALIDES"),
        (
            multipart({"genre": "AUTRE"}, ("a.pdf", b"x"), ("b.pdf", b"y"))[0],
            422,
            "UNE_SEULE_PIECE",
        ),
        (multipart({}, ("a.pdf", b"x" * 100_000))[0][:-40], 400, "PIECE_TRONQUEE"),
        (multipart({"libelle": "x" * 5000}, ("a.pdf", b"x"))[0], 400, "FORMULAIRE_MALFORME"),
        (b"pas un formulaire", 400, "PIECE_TRONQUEE"),
        (b"--limite\r\nX: y\r\n\r\nz\r\n--limite--\r\n", 400, "FORMULAIRE_MALFORME"),
    ],
)
def test_un_mauvais_envoi_ne_depose_rien(
    client: FlaskClient, seen: Seen, body: bytes, status: int, code: str
) -> None:
    response = client.post(
        "/api/v1/pieces",
        data=body,
        content_type="multipart/form-data; boundary=limite",
        headers=bearer(),
    )
    assert (response.status_code, response.get_json()["code"]) == (status, code)
    assert not seen.whole


def test_un_formulaire_sans_frontiere_est_refuse(client: FlaskClient, seen: Seen) -> None:
    response = client.post(
        "/api/v1/pieces", data=b"x", content_type="multipart/form-data", headers=bearer()
    )
    assert (response.status_code, response.get_json()["code"]) == (400, "FORMULAIRE_MALFORME")
    assert not seen.whole


def test_une_piece_trop_grande_est_refusee_meme_sans_taille_annoncee(
    services: Fakes, seen: Seen
) -> None:
    body, kind = multipart({"genre": "AUTRE"}, ("a.pdf", b"x" * 2 * MB))
    with gateway(services.adresses, piece_max_octets=MB) as app:
        announced = app.test_client().post(
            "/api/v1/pieces", data=body, content_type=kind, headers=bearer()
        )
        chunked = app.test_client().post(
            "/api/v1/pieces",
            environ_overrides=endless(io.BytesIO(body), kind),
            headers=bearer(),
        )
    for response in (announced, chunked):
        assert (response.status_code, response.get_json()["code"]) == (413, "PIECE_TROP_GRANDE")
        assert response.headers["Connection"] == "close"
    assert not seen.whole


def test_un_client_qui_part_ne_depose_rien(app: Flask, seen: Seen) -> None:
    for kind, body in (
        ("image/jpeg", b"x" * 100_000),
        ("multipart/form-data; boundary=limite", multipart({}, ("a.pdf", b"x" * 100_000))[0]),
    ):
        response = app.test_client().post(
            "/api/v1/pieces",
            environ_overrides={
                "wsgi.input": io.BytesIO(body[:50_000]),
                "CONTENT_LENGTH": str(len(body)),
                "CONTENT_TYPE": kind,
            },
            headers=bearer(),
        )
        assert (response.status_code, response.get_json()["code"]) == (400, "PIECE_TRONQUEE")
        assert not seen.whole


def test_un_refus_precoce_de_stockage_arrive_au_client(
    client: FlaskClient, services: Fakes
) -> None:
    services.stockage.answers["DeposerPiece"] = REFUS["QUOTA_DEPASSE"]()
    body, kind = multipart({"genre": "AUTRE"}, ("a.pdf", b"x" * 20 * MB))
    response = client.post("/api/v1/pieces", data=body, content_type=kind, headers=bearer())
    assert (response.status_code, response.get_json()["code"]) == (409, "QUOTA_DEPASSE")


class Endless(io.RawIOBase):
    """A multipart body of a given size that is made while it is read."""

    def __init__(self, size: int) -> None:
        head, _ = multipart({"genre": "AUTRE"}, ("gros.bin", b""))
        self._parts = [head[:-14], b"\r\n--limite--\r\n"]
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if len(self._parts) == 2:
            data = self._parts.pop(0)
        elif self._left:
            data = b"\0" * min(self._left, len(buffer))
            self._left -= len(data)
        else:
            data = self._parts.pop() if self._parts else b""
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.exigence("STO-05")
def test_la_memoire_ne_suit_pas_la_taille(services: Fakes) -> None:
    services.stockage.answers["DeposerPiece"] = deposer
    size = 200 * MB
    with gateway(services.adresses, piece_max_octets=300 * MB) as app:
        client = app.test_client()
        tracemalloc.start()
        try:
            response = client.post(
                "/api/v1/pieces",
                environ_overrides=endless(Endless(size), "multipart/form-data; boundary=limite"),
                headers=bearer(),
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert response.status_code == 201
    assert response.get_json()["taille_octets"] == size
    # The test's own server is in this process too.
    assert peak < 16 * MB
