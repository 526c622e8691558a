"""An upload over real gRPC: what is accepted, what is refused, and what a refusal leaves."""

from __future__ import annotations

import hashlib
import io
import threading
from uuid import uuid4

import grpc
import pytest
from PIL import Image

from chassis.grpc_client import RemoteError
from espacecitoyen.stockage.v1 import stockage_service_pb2 as pb
from services.stockage.domain import Zone
from tests.kit import stockage as kit
from tests.kit.identity import token
from tests.kit.wait import wait_until

pytestmark = pytest.mark.integration


def refus(banc, octets, **champs) -> RemoteError:
    with pytest.raises(RemoteError) as erreur:
        banc.deposer(octets, **champs)
    return erreur.value


@pytest.mark.exigence("STO-01", "STO-04")
def test_a_photo_is_stored_clean_and_upright(banc):
    recu = kit.une_photo()
    assert kit.AUTEUR.encode() in recu
    piece = banc.deposer(recu, nom="IMG_0001.JPG", libelle="Permis", genre=pb.GENRE_PIECE_IDENTITE)
    assert piece.statut == pb.STATUT_PIECE_SAINE
    assert (piece.type_media, piece.pages, piece.nom_fichier) == ("image/jpeg", 1, "IMG_0001.JPG")
    assert piece.sha256_recu == hashlib.sha256(recu).hexdigest()
    entete, octets = banc.lire(piece.piece_id)
    assert (entete.type_media, entete.taille_octets) == ("image/jpeg", len(octets))
    assert piece.taille_octets == len(octets)
    assert kit.AUTEUR.encode() not in octets
    assert kit.GPS.encode() not in octets
    assert b"Exif" not in octets
    image = Image.open(io.BytesIO(octets))
    assert image.size == (480, 640)
    assert image.getexif() == {}
    rouge, vert, bleu = _point(image, (470, 10))
    assert rouge > 180
    assert max(vert, bleu) < 60
    assert banc.evenements()[0] == "piece_deposee.v1"


@pytest.mark.exigence("STO-01", "STO-04")
def test_a_pdf_is_stored_as_it_came(banc):
    recu = kit.un_pdf(pages=2)
    piece = banc.deposer(recu, nom="bail.pdf", valide_jusqu_au="2027-06-30")
    assert (piece.type_media, piece.pages) == ("application/pdf", 2)
    assert piece.valide_jusqu_au == "2027-06-30"
    assert banc.lire(piece.piece_id)[1] == recu


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L", "P", "1", "LA", "I;16"])
def test_a_png_of_any_mode_is_stored_without_its_texts(banc, mode):
    recu = kit.un_png(mode=mode)
    piece = banc.deposer(recu, nom="carte.png")
    _, octets = banc.lire(piece.piece_id)
    assert kit.AUTEUR.encode() not in octets
    avant, apres = (Image.open(io.BytesIO(o)).convert("RGBA") for o in (recu, octets))
    assert avant.tobytes() == apres.tobytes()


def test_a_burst_photo_keeps_its_first_picture(banc):
    piece = banc.deposer(kit.une_photo_rafale(), nom="rafale.jpg")
    image = Image.open(io.BytesIO(banc.lire(piece.piece_id)[1]))
    assert (image.format, image.size) == ("JPEG", (320, 240))


def test_colours_of_a_profile_are_applied_before_it_is_dropped(banc):
    piece = banc.deposer(kit.une_photo_a_profil(), nom="profil.jpg")
    image = Image.open(io.BytesIO(banc.lire(piece.piece_id)[1]))
    assert "icc_profile" not in image.info
    rouge, _, bleu = _point(image, (32, 32))
    assert bleu > 200
    assert rouge < 60


@pytest.mark.exigence("STO-04")
def test_bytes_on_disk_hold_no_plain_text(banc):
    marque = b"BT /F1 24 Tf 72 700 Td"
    recu = kit.un_pdf(pages=2, titre="Canari")
    assert marque in recu
    banc.deposer(recu)
    (fichier,) = banc.fichiers()
    stocke = fichier.read_bytes()
    assert not any(mot in stocke for mot in (marque, b"%PDF", b"Canari", b"endobj"))
    [(sha256, recu_sha256)] = banc.rangees("SELECT objet_sha256, sha256_recu FROM piece")
    assert sha256 == hashlib.sha256(stocke).digest()
    assert recu_sha256 == hashlib.sha256(recu).digest()
    assert fichier.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("octets", "nom"),
    [
        (kit.EICAR, "eicar.com"),
        (kit.EICAR + b"\n", "photo.jpg"),
        (kit.un_zip({"eicar.com": kit.EICAR}), "piece.zip"),
        (kit.un_zip({"dedans.zip": kit.un_zip({"e.pdf": kit.EICAR})}), "piece.pdf"),
    ],
    ids=["seul", "ligne", "zip", "zip_dans_zip"],
)
@pytest.mark.exigence("STO-04")
def test_an_infected_file_is_refused_whatever_its_name(banc, octets, nom):
    assert refus(banc, octets, nom=nom).reason == "PIECE_INFECTEE"
    assert banc.rien_ne_reste()
    assert banc.evenements() == []


@pytest.mark.parametrize("nom", kit.polyglottes())
def test_a_file_that_is_not_plainly_one_of_three_types_is_refused(banc, nom):
    assert refus(banc, kit.polyglottes()[nom], nom="piece.pdf").reason == "TYPE_NON_ACCEPTE"
    assert banc.rien_ne_reste()


@pytest.mark.parametrize(
    ("octets", "raison", "details"),
    [
        (b"", "PIECE_VIDE", {}),
        (kit.une_bombe_png(), "PIECE_TROP_GRANDE", {"limite": "PIXELS", "maximum": "25000000"}),
        (kit.un_pdf(pages=51), "PIECE_TROP_GRANDE", {"limite": "PAGES", "maximum": "50"}),
        (kit.une_photo()[:9000], "PIECE_TRONQUEE", {"cause": "ILLISIBLE"}),
        (kit.un_png()[:9000], "PIECE_TRONQUEE", {"cause": "ILLISIBLE"}),
        (kit.un_pdf(remplissage=9000)[:-1200], "PIECE_TRONQUEE", {"cause": "FIN_ABSENTE"}),
        (b"%PDF-1.7 rien %%EOF", "PIECE_TRONQUEE", {"cause": "ILLISIBLE"}),
        (kit.un_pdf_protege(), "TYPE_NON_ACCEPTE", {"cause": "PROTEGE"}),
    ],
    ids=["vide", "bombe", "51_pages", "jpeg", "png", "pdf_coupe", "pdf_faux", "pdf_protege"],
)
@pytest.mark.exigence("STO-04")
def test_bad_bytes_are_refused_and_leave_nothing(banc, octets, raison, details):
    erreur = refus(banc, octets)
    assert (erreur.reason, erreur.metadata) == (raison, details)
    assert erreur.domain == "stockage"
    assert banc.rien_ne_reste()


def test_an_announced_size_is_refused_before_the_file_is_read(banc):
    erreur = refus(banc, b"x", taille=5_000_000_000)
    assert erreur.reason == "PIECE_TROP_GRANDE"
    assert erreur.metadata == {"limite": "OCTETS", "maximum": str(25 * 1024 * 1024)}


def test_a_stream_without_end_is_cut_at_the_limit(banc):
    lus = 0

    def parties():
        nonlocal lus
        entete = pb.EntetePiece(
            request_id=str(uuid4()), nom_fichier="x.pdf", genre=pb.GENRE_PIECE_AUTRE
        )
        yield pb.DeposerPieceRequest(entete=entete)
        while lus < 4096:
            lus += 1
            yield pb.DeposerPieceRequest(bloc=bytes(1024 * 1024))

    with pytest.raises(RemoteError) as erreur:
        banc.remote.upload(lambda s: s.DeposerPiece, parties(), token=banc.jeton(), deadline=60)
    assert erreur.value.reason == "PIECE_TROP_GRANDE"
    assert lus < 100
    assert banc.rien_ne_reste()


def test_fewer_and_more_bytes_than_announced_are_refused(banc):
    octets = kit.un_pdf()
    assert refus(banc, octets, taille=len(octets) + 1).metadata == {"cause": "OCTETS_MANQUANTS"}
    assert refus(banc, octets, taille=len(octets) - 1).metadata["limite"] == "ANNONCE"
    assert banc.rien_ne_reste()


@pytest.mark.parametrize("fin", [None, 1, 10**9])
def test_a_stream_that_does_not_say_its_end_is_no_document(banc, fin):
    entete = pb.EntetePiece(
        request_id=str(uuid4()), nom_fichier="x.pdf", genre=pb.GENRE_PIECE_AUTRE
    )
    parties = [
        pb.DeposerPieceRequest(entete=entete), pb.DeposerPieceRequest(bloc=kit.un_pdf()),
    ]  # fmt: skip
    if fin is not None:
        parties.append(pb.DeposerPieceRequest(fin=pb.FinPiece(taille_octets=fin)))
    with pytest.raises(RemoteError) as erreur:
        banc.remote.upload(lambda s: s.DeposerPiece, iter(parties), token=banc.jeton())
    assert erreur.value.reason == ("DEPOT_INTERROMPU" if fin is None else "PIECE_TRONQUEE")
    assert banc.rien_ne_reste()


def test_a_client_that_goes_away_leaves_nothing(banc):
    suite = threading.Event()

    def parties():
        entete = pb.EntetePiece(
            request_id=str(uuid4()), nom_fichier="x.pdf", genre=pb.GENRE_PIECE_AUTRE
        )
        yield pb.DeposerPieceRequest(entete=entete)
        yield pb.DeposerPieceRequest(bloc=kit.un_pdf(remplissage=200_000))
        suite.wait(30)

    with pytest.raises(RemoteError) as erreur:
        banc.remote.upload(lambda s: s.DeposerPiece, parties(), token=banc.jeton(), deadline=1)
    assert erreur.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    suite.set()
    wait_until(banc.rien_ne_reste, what="no file left of a broken upload")


@pytest.mark.exigence("STO-04")
def test_the_real_type_wins_over_the_extension(banc):
    piece = banc.deposer(kit.une_photo(), nom="../../facture\u202efdp.pdf")
    assert piece.type_media == "image/jpeg"
    assert piece.nom_fichier == "facturefdp.jpg"


def test_a_name_of_nothing_and_wrong_fields_are_refused(banc):
    assert refus(banc, kit.un_pdf(), nom="../").reason == "NOM_INVALIDE"
    erreur = refus(banc, kit.un_pdf(), genre=pb.GENRE_PIECE_UNSPECIFIED, valide_jusqu_au="demain")
    assert erreur.reason == "DONNEES_INVALIDES"
    assert erreur.fields == {"genre": "GENRE_REQUIS", "valide_jusqu_au": "DATE_INVALIDE"}
    assert refus(banc, kit.un_pdf(), request_id="abc").reason == "REQUEST_ID_INVALIDE"
    with pytest.raises(RemoteError) as sans_entete:
        banc.remote.upload(
            lambda s: s.DeposerPiece,
            iter([pb.DeposerPieceRequest(bloc=b"x")]),
            token=banc.jeton(),
        )
    assert sans_entete.value.fields == {"entete": "ENTETE_REQUISE"}
    assert banc.rien_ne_reste()


def test_a_repeated_request_gives_the_same_document(banc):
    octets, request_id = kit.un_pdf(), str(uuid4())
    premiere = banc.deposer(octets, request_id=request_id)
    seconde = banc.deposer(octets, request_id=request_id)
    assert seconde == premiere
    assert len(banc.fichiers()) == 1
    assert banc.evenements() == ["piece_deposee.v1"]
    assert refus(banc, kit.un_pdf(pages=3), request_id=request_id).reason == "REQUEST_ID_REUTILISE"
    assert banc.lister().octets_utilises == len(octets)
    banc.supprimer(premiere.piece_id)
    assert refus(banc, octets, request_id=request_id).reason == "PIECE_INTROUVABLE"
    assert banc.rien_ne_reste()


def test_a_double_click_makes_one_document(banc):
    octets, request_id = kit.une_photo(), str(uuid4())
    recues: list[pb.Piece] = []
    fils = [
        threading.Thread(target=lambda: recues.append(banc.deposer(octets, request_id=request_id)))
        for _ in range(4)
    ]
    for fil in fils:
        fil.start()
    for fil in fils:
        fil.join()
    assert len({piece.piece_id for piece in recues}) == 1
    assert len(recues) == 4
    assert len(banc.fichiers()) == 1
    assert banc.lister().total == 1


def test_a_refused_upload_may_be_sent_again_under_the_same_request(banc):
    request_id = str(uuid4())
    refus(banc, kit.EICAR, request_id=request_id)
    assert banc.deposer(kit.un_pdf(), request_id=request_id).statut == pb.STATUT_PIECE_SAINE


@pytest.mark.exigence("STO-04")
def test_the_quota_counts_what_is_kept(banc):
    gros = kit.un_pdf(remplissage=20 * 1024 * 1024)
    piece = banc.deposer(gros)
    erreur = refus(banc, gros)
    assert erreur.reason == "QUOTA_DEPASSE"
    assert erreur.metadata["restants"] == str(40 * 1024 * 1024 - len(gros))
    # Without an announced size it is known at the end only; nothing stays all the same.
    assert refus(banc, gros, taille=0).reason == "QUOTA_DEPASSE"
    assert len(banc.fichiers()) == 1
    banc.supprimer(piece.piece_id)
    assert banc.lister().octets_utilises == 0
    assert banc.deposer(gros).statut == pb.STATUT_PIECE_SAINE


def test_only_a_citizen_uploads(banc):
    for jeton in (token("", "anonyme"), banc.jeton("agent_cartes"), banc.jeton("admin")):
        assert refus(banc, kit.un_pdf(), jeton=jeton).reason == "ACCES_REFUSE"
    assert refus(banc, kit.un_pdf(), jeton="faux").code is grpc.StatusCode.UNAUTHENTICATED
    assert banc.rien_ne_reste()


def test_a_full_disk_is_told_and_leaves_nothing(banc, monkeypatch):
    def plein(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("services.stockage.adapters.dossier.os.fsync", plein)
    erreur = refus(banc, kit.un_pdf())
    assert (erreur.code, erreur.reason) == (grpc.StatusCode.UNAVAILABLE, "ESPACE_PLEIN")
    monkeypatch.undo()
    assert banc.rien_ne_reste()
    assert list(banc.coffre.lister(Zone.QUARANTAINE)) == []


def _point(image: Image.Image, place: tuple[int, int]) -> tuple[int, ...]:
    """The colour of one point of an RGB image."""
    couleur = image.getpixel(place)
    assert isinstance(couleur, tuple)
    return couleur
