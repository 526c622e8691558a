"""« Mon espace de stockage »: what the pages ask, what they say, and what they let out."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from tests.kit.passerelle import PIECE, REFUS, RESIDENCE, Fakes, log_in, multipart, une_piece
from tests.unit.passerelle.portail.conftest import Envoyer, caches, texte

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _citoyenne(client: FlaskClient) -> None:
    log_in(client)


def espace(services: Fakes, *pieces: stockage.Piece, suite: str = "") -> None:
    services.stockage.answers["ListPieces"] = stockage.ListPiecesResponse(
        pieces=pieces, octets_utilises=1, quota_octets=10, total=len(pieces), next_page_token=suite
    )


@pytest.mark.exigence("STO-01")
def test_chercher_filtrer_et_trier_vont_ensemble(client: FlaskClient, services: Fakes) -> None:
    espace(services, une_piece(), suite="xyz")
    page = client.get(
        "/stockage?recherche=hydro&genre=residence&tri=validite&validite=bientot&suivant=abc"
    )
    ((demande, _),) = services.stockage.calls("ListPieces")
    assert (demande.recherche, demande.page_token) == ("hydro", "abc")
    assert demande.genre == stockage.GENRE_PIECE_RESIDENCE
    assert demande.tri == stockage.TRI_PIECE_VALIDITE
    assert demande.validite == stockage.ETAT_VALIDITE_BIENTOT_EXPIREE
    suivante = "recherche=hydro&genre=residence&tri=validite&validite=bientot&suivant=xyz"
    assert suivante in texte(page)
    assert "Revenir au début" in texte(page)


def test_un_choix_inconnu_est_ignore(client: FlaskClient, services: Fakes) -> None:
    assert client.get("/stockage?genre=x&tri=y&validite=z").status_code == 200
    ((demande, _),) = services.stockage.calls("ListPieces")
    assert (demande.genre, demande.validite) == (0, 0)


def test_un_curseur_d_une_autre_recherche_mene_au_debut(
    client: FlaskClient, services: Fakes
) -> None:
    def lister(request: stockage.ListPiecesRequest) -> object:
        if request.page_token:
            return REFUS["DONNEES_INVALIDES"](page_token="CURSEUR_INVALIDE")
        return stockage.ListPiecesResponse(pieces=[une_piece()])

    services.stockage.answers["ListPieces"] = lister
    assert "Passeport" in client.get("/stockage?tri=nom&suivant=vieux").text


@pytest.mark.parametrize(
    ("etat", "francais", "anglais"),
    [
        (stockage.ETAT_VALIDITE_VALIDE, "Valide", "Valid"),
        (stockage.ETAT_VALIDITE_BIENTOT_EXPIREE, "Bientôt expirée", "Expires soon"),
        (stockage.ETAT_VALIDITE_EXPIREE, "Expirée", "Expired"),
    ],
)
def test_la_validite_se_lit_en_mots(
    client: FlaskClient,
    services: Fakes,
    etat: stockage.EtatValidite.ValueType,
    francais: str,
    anglais: str,
) -> None:
    espace(services, une_piece(etat_validite=etat))
    assert f"</svg>{francais}</span>" in client.get("/stockage?lang=fr").text
    assert f"</svg>{anglais}</span>" in client.get("/stockage?lang=en").text


def test_un_document_qui_attend_le_dit_et_la_page_se_rafraichit(
    client: FlaskClient, services: Fakes
) -> None:
    espace(services, une_piece(statut=stockage.STATUT_PIECE_EN_ANALYSE))
    page = client.get("/stockage")
    assert "attend l’analyse de l’antivirus" in texte(page)
    assert 'hx-trigger="every 4s"' in page.text
    assert f'href="/stockage/{PIECE}"' not in page.text
    espace(services, une_piece())
    assert 'hx-trigger="every 4s"' not in client.get("/stockage").text


@pytest.mark.exigence("STO-02")
def test_un_document_dit_ou_il_sert_et_ses_versions(client: FlaskClient, services: Fakes) -> None:
    services.stockage.answers["ListVersions"] = stockage.ListVersionsResponse(
        versions=[
            une_piece(version=2, versions=2),
            une_piece(piece_id=RESIDENCE, version=1, versions=2, courante=False),
        ]
    )
    page = texte(client.get(f"/stockage/{PIECE}"))
    assert "Demande de carte citoyen" in page
    assert f'href="/stockage/{RESIDENCE}"' in page
    assert "Consultée par la Ville (1)" in page
    assert "validation d’une demande de carte" in page


def test_supprimer_dit_ce_qui_reste(client: FlaskClient) -> None:
    page = texte(client.get(f"/stockage/{PIECE}/supprimer"))
    assert "la demande garde sa copie" in page
    assert "Demande de carte citoyen" in page


def test_remplacer_garde_la_fiche_et_envoie_la_version_suivante(
    client: FlaskClient, services: Fakes
) -> None:
    recues: list[stockage.EntetePiece] = []

    def deposer(requests: object) -> stockage.DeposerPieceResponse:
        recues.extend(item.entete for item in requests if item.HasField("entete"))  # type: ignore[attr-defined]
        return stockage.DeposerPieceResponse(piece=une_piece(piece_id=RESIDENCE))

    services.stockage.answers["DeposerPiece"] = deposer
    page = client.get(f"/stockage/{PIECE}/remplacer")
    champs = caches(page.text, f"/stockage/{PIECE}/remplacer")
    corps, media = multipart(champs, ("nouveau.jpg", b"\xff\xd8\xff"))
    suite = client.post(f"/stockage/{PIECE}/remplacer", data=corps, content_type=media)
    assert (suite.status_code, suite.location) == (
        303,
        f"/stockage/{RESIDENCE}?fait=piece_ajoutee",
    )
    (entete,) = recues
    assert (entete.remplace_piece_id, entete.genre) == (PIECE, 0)


def test_un_remplacement_refuse_le_dit_sur_sa_page(client: FlaskClient, services: Fakes) -> None:
    services.stockage.answers["DeposerPiece"] = REFUS["PIECE_INFECTEE"]
    page = client.get(f"/stockage/{PIECE}/remplacer")
    champs = caches(page.text, f"/stockage/{PIECE}/remplacer")
    corps, media = multipart(champs, ("nouveau.jpg", b"\xff\xd8\xff"))
    refus = client.post(f"/stockage/{PIECE}/remplacer", data=corps, content_type=media)
    assert refus.status_code == 422
    assert "contient un virus" in texte(refus)


@pytest.mark.exigence("STO-03")
@pytest.mark.parametrize("chemin", ["fichier", "apercu"])
def test_ce_qui_sort_n_est_ni_garde_ni_interprete(client: FlaskClient, chemin: str) -> None:
    sorti = client.get(f"/stockage/{PIECE}/{chemin}")
    genre = "attachment" if chemin == "fichier" else "inline"
    assert sorti.headers["Content-Disposition"].startswith(f"{genre}; ")
    assert sorti.headers["Content-Security-Policy"] == (
        "default-src 'none'; sandbox; frame-ancestors 'none'"
    )
    assert sorti.headers["X-Content-Type-Options"] == "nosniff"
    assert sorti.headers["Cache-Control"] == "no-store"


def test_le_script_d_envoi_n_est_que_sur_les_pages_qui_envoient(
    client: FlaskClient, envoyer: Envoyer
) -> None:
    del envoyer
    for page in ("/stockage/ajouter", f"/stockage/{PIECE}/remplacer"):
        assert "/static/depot.js" in client.get(page).text
    assert "/static/depot.js" not in client.get("/stockage").text
