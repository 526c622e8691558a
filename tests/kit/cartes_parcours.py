"""Acts of holders of a card, over the bench of `cartes_banc`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from espacecitoyen.cartes.v1 import parcours_service_pb2 as p
from services.cartes.domain import composer_numero
from tests.kit.cartes_banc import Banc, citoyen

COMPTE, AUTRE = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
NUMERO = composer_numero("0042", 7_000_123)
ADRESSE = p.Adresse(adresse="12, rue Turgeon", ville="Sainte-Thérèse", code_postal="J7E 3H2")


def refus(acte: Callable[[], Any]) -> RemoteError:
    with pytest.raises(RemoteError) as fait:
        acte()
    return fait.value


def ensemble(actes: list[Callable[[], Any]]) -> list[Any]:
    """Start the acts at the same instant; return results, or what they raised."""
    depart = Barrier(len(actes))

    def jouer(acte: Callable[[], Any]) -> Any:
        depart.wait(10)
        try:
            return acte()
        except RemoteError as error:
            return error

    with ThreadPoolExecutor(len(actes)) as fils:
        return list(fils.map(jouer, actes))


def au_registre(banc: Banc, numero: str = NUMERO, **changes: Any) -> str:
    """A card of the city's register that no account holds yet; gives its id."""
    carte_id = str(uuid4())
    valeurs = {
        "carte_id": carte_id,
        "personne_id": f"registre:{numero}",
        "numero": numero,
        "serie": uuid4().hex,
        "echeance": banc.horloge().date() + timedelta(days=400),
        "naissance": date(1990, 5, 17),
        "code_postal": "J7E 3L1",
        **changes,
    }
    with banc.engine.begin() as connexion:
        connexion.execute(
            text(
                "INSERT INTO carte (carte_id, personne_id, compte_id, prenom, nom, serie, statut,"
                " numero, numerique, physique, approuvee_le, echeance, demandee_le,"
                " date_naissance, code_postal, origine)"
                " VALUES (:carte_id, :personne_id, '', 'Émilie', 'Tremblay', :serie, 'ACTIVE',"
                " :numero, false, true, now(), :echeance, now(), :naissance, :code_postal,"
                " 'REGISTRE')"
            ),
            valeurs,
        )
    return carte_id


def associer(banc: Banc, compte: str = COMPTE, **changes: Any) -> m.Carte:
    champs = {
        "request_id": str(uuid4()),
        "numero": NUMERO,
        "date_naissance": "1990-05-17",
        "code_postal": "j7e 3l1",
        **changes,
    }
    return banc.appeler("AssocierCarte", p.AssocierCarteRequest(**champs), citoyen(compte)).carte


def renouveler(banc: Banc, carte: m.Carte, compte: str = COMPTE, **changes: Any) -> m.Carte:
    champs = {
        "request_id": str(uuid4()),
        "carte_id": carte.carte_id,
        "adresse": ADRESSE,
        **({} if "piece_residence_id" in changes else une_residence(banc)),
        **changes,
    }
    request = p.RenouvelerCarteRequest(**champs)
    return banc.appeler("RenouvelerCarte", request, citoyen(compte)).carte


def une_residence(banc: Banc) -> dict[str, str]:
    return {"piece_residence_id": banc.deux_pieces()[1]}


def la_carte(banc: Banc, carte: m.Carte, compte: str = COMPTE) -> m.Carte:
    request = m.GetCarteRequest(carte_id=carte.carte_id)
    return banc.appeler("GetCarte", request, citoyen(compte)).carte


def une_carte_active(banc: Banc, compte: str = COMPTE) -> m.Carte:
    carte = banc.demander(compte)
    banc.decider(carte.demande)
    return la_carte(banc, carte, compte)


def au_jour(banc: Banc, carte: m.Carte, ecart: int) -> None:
    """Move the clock to noon in the city, `ecart` days from the card's last day."""
    jour = date.fromisoformat(carte.echeance) + timedelta(days=ecart)
    banc.horloge.now = datetime(jour.year, jour.month, jour.day, 17, tzinfo=UTC)
