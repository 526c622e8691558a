"""The card in a wallet: by its holder or by the mailed link, over real gRPC and PostgreSQL."""

from __future__ import annotations

import io
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest
from google.protobuf.json_format import Parse

from chassis import seal
from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from espacecitoyen.cartes.v1.evenements_pb2 import CarteApprouvee
from services.cartes.use_cases import purger_liens_expires
from tests.kit.cartes import CLE_SCELLE, cles
from tests.kit.cartes_banc import Banc, agent_de, anonyme, citoyen, un_banc, une_config

if TYPE_CHECKING:
    from pathlib import Path

    from services.cartes.config import Config

pytestmark = [pytest.mark.integration, pytest.mark.exigence("CAR-05")]

COMPTE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def carte(banc: Banc) -> m.Carte:
    demandee = banc.demander(COMPTE)
    banc.decider(demandee.demande)
    return demandee


@pytest.fixture
def jeton(banc: Banc, carte: m.Carte) -> str:
    del carte
    (corps,) = banc.sql("SELECT body FROM outbox WHERE routing_key = 'carte_approuvee.v1'")
    scelle = Parse(bytes(corps[0]), CarteApprouvee()).scelle
    return seal.unseal(scelle, key=CLE_SCELLE, context="CarteApprouvee")["jeton"]


def passe(banc: Banc, appelant: str, **acces: str) -> Any:
    return banc.appeler("TelechargerPasse", m.TelechargerPasseRequest(**acces), appelant)


def google(banc: Banc, appelant: str, **acces: str) -> str:
    request = m.ObtenirLienGoogleRequest(**acces)
    url: str = banc.appeler("ObtenirLienGoogle", request, appelant).url
    return url


def raison(banc: Banc, appelant: str, **acces: str) -> set[str]:
    """Return what both wallets answer."""
    raisons = set()
    for appel in (passe, google):
        with pytest.raises(RemoteError) as fait:
            appel(banc, appelant, **acces)
        raisons.add(fait.value.reason)
    return raisons


def test_le_passe_du_titulaire_se_verifie(banc: Banc, carte: m.Carte, tmp_path: Path) -> None:
    recu = passe(banc, citoyen(COMPTE), carte_id=carte.carte_id)
    assert recu.nom_fichier == "carte-citoyen.pkpass"
    zipfile.ZipFile(io.BytesIO(recu.contenu)).extractall(tmp_path / "passe")
    lu = subprocess.run(
        [
            *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"),
            *("-in", tmp_path / "passe" / "signature", "-out", "/dev/null"),
            *("-content", tmp_path / "passe" / "manifest.json"),
            *("-CAfile", tmp_path / "racine.pem"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert lu.returncode == 0, lu.stderr


def test_le_lien_du_courriel_ouvre_les_deux_portefeuilles(banc: Banc, jeton: str) -> None:
    assert passe(banc, anonyme(), jeton=jeton).contenu.startswith(b"PK")
    url = google(banc, anonyme(), jeton=jeton)
    assert len(url) < 1800
    lu = jwt.decode(
        url.rpartition("/")[2],
        cles()[0].public_key(),
        algorithms=["RS256"],
        audience="google",
        options={"verify_iat": False},
    )
    assert lu["payload"]["genericObjects"][0]["state"] == "ACTIVE"


def test_lien_inconnu_ou_vide(banc: Banc, jeton: str) -> None:
    for faux in ("x" * 43, jeton[:-1], ""):
        assert raison(banc, anonyme(), jeton=faux) == {"LIEN_INCONNU"}


def test_lien_expire_est_dit_puis_oublie(banc: Banc, jeton: str) -> None:
    banc.horloge.advance(days=14, seconds=-1)
    assert passe(banc, anonyme(), jeton=jeton)
    banc.horloge.advance(seconds=1)
    assert raison(banc, anonyme(), jeton=jeton) == {"LIEN_EXPIRE"}

    def purger() -> int:
        return purger_liens_expires(
            sessions=banc.servicer.sessions, regles=banc.servicer.regles, maintenant=banc.horloge()
        )

    banc.horloge.advance(days=90)
    assert purger() == 0
    banc.horloge.advance(seconds=1)
    assert purger() == 1
    assert purger() == 0
    assert raison(banc, anonyme(), jeton=jeton) == {"LIEN_INCONNU"}


def test_un_visiteur_n_a_que_le_lien(banc: Banc, carte: m.Carte) -> None:
    assert raison(banc, anonyme(), carte_id=carte.carte_id) == {"ACCES_REFUSE"}
    assert raison(banc, agent_de("agent-1"), carte_id=carte.carte_id) == {"ACCES_REFUSE"}
    assert raison(banc, citoyen(str(uuid4())), carte_id=carte.carte_id) == {"CARTE_INTROUVABLE"}
    assert raison(banc, citoyen(COMPTE), carte_id=str(uuid4())) == {"CARTE_INTROUVABLE"}
    assert raison(banc, citoyen(COMPTE)) == {"CARTE_INTROUVABLE"}


def test_carte_non_active_n_entre_pas_au_portefeuille(banc: Banc) -> None:
    attente = banc.demander(COMPTE)
    assert raison(banc, citoyen(COMPTE), carte_id=attente.carte_id) == {"CARTE_NON_ACTIVE"}
    banc.decider(attente.demande)
    banc.horloge.advance(days=732)  # 2 March 2028 is its last day
    assert raison(banc, citoyen(COMPTE), carte_id=attente.carte_id) == {"CARTE_NON_ACTIVE"}


def test_lien_d_une_carte_suspendue(banc: Banc, jeton: str) -> None:
    with banc.engine.begin() as connexion:
        connexion.exec_driver_sql("UPDATE carte SET statut = 'SUSPENDUE'")
    assert raison(banc, anonyme(), jeton=jeton) == {"CARTE_NON_ACTIVE"}


def test_ville_sans_portefeuille(clean_database: None, config: Config, tmp_path: Path) -> None:
    del clean_database
    sans = une_config(
        config.database_url,
        tmp_path,
        apple_certificat=None,
        apple_cle=None,
        apple_wwdr=None,
        google_compte=None,
        google_emetteur="",
    )
    with un_banc(sans) as banc:
        demandee = banc.demander(COMPTE)
        banc.decider(demandee.demande)
        raisons = raison(banc, citoyen(COMPTE), carte_id=demandee.carte_id)
    assert raisons == {"PORTEFEUILLE_NON_OFFERT"}
