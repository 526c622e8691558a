"""How many codes may be sent and tried, whatever account asks (R22, R26)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from chassis.grpc_client import RemoteError
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from tests.kit.coordonnees import (
    CELLULAIRE,
    Personne,
    messages,
    une_demande_de_code,
    une_personne,
    une_validation,
)
from tests.kit.identite import une_identite

pytestmark = pytest.mark.integration


@pytest.fixture
def zoe(identite) -> Personne:
    return une_personne(identite)


def faux(code: str) -> str:
    return "000000" if code != "000000" else "111111"


def test_les_limites_d_envoi_tiennent_pour_le_numero_quel_que_soit_le_compte(identite, zoe):
    une = zoe.ajouter(CELLULAIRE)
    zoe.code(une.coordonnee_id)
    refus = zoe.refus("DemanderCode", une_demande_de_code(coordonnee_id=une.coordonnee_id))
    assert refus.reason == "TROP_DE_CODES"
    assert int(refus.metadata["reessayer_dans_s"]) in (30, 31)
    # Taking the number away and adding it again, or another account: the same number counts.
    zoe.appeler(
        "RetirerCoordonnee",
        pb.RetirerCoordonneeRequest(request_id=str(uuid4()), coordonnee_id=une.coordonnee_id),
    )
    une = zoe.ajouter(CELLULAIRE)
    noe = une_personne(identite, "noe@exemple.ca")
    celle_de_noe = noe.ajouter(CELLULAIRE)
    for personne, cible in ((zoe, une), (noe, celle_de_noe)):
        refus = personne.refus(
            "DemanderCode", une_demande_de_code(coordonnee_id=cible.coordonnee_id)
        )
        assert refus.reason == "TROP_DE_CODES"
    for _ in range(2):
        identite.horloge.advance(seconds=31)
        noe.code(celle_de_noe.coordonnee_id)
    identite.horloge.advance(seconds=31)
    demande = une_demande_de_code(coordonnee_id=celle_de_noe.coordonnee_id)
    assert noe.refus("DemanderCode", demande).reason == "TROP_DE_CODES"
    for _ in range(2):
        identite.horloge.advance(minutes=16)
        noe.code(celle_de_noe.coordonnee_id)
    identite.horloge.advance(hours=2)
    demande = une_demande_de_code(coordonnee_id=celle_de_noe.coordonnee_id)
    assert noe.refus("DemanderCode", demande).reason == "TROP_DE_CODES"
    assert len(messages(identite)) == 5
    identite.horloge.advance(days=1)
    noe.code(celle_de_noe.coordonnee_id)


def test_mille_demandes_simultanees_envoient_un_seul_message(identite, zoe):
    une = zoe.ajouter(CELLULAIRE)

    def demander(_rang: int) -> str:
        demande = une_demande_de_code(coordonnee_id=une.coordonnee_id, adresse_ip="")
        try:
            zoe.appeler("DemanderCode", demande)
        except RemoteError as error:
            return error.reason
        return "OK"

    with ThreadPoolExecutor(8) as fils:
        verdicts = list(fils.map(demander, range(40)))
    assert verdicts.count("OK") == 1
    assert len(messages(identite)) == 1


def test_une_adresse_et_la_ville_ont_leurs_limites(database_url, clean_database):
    del clean_database
    reglages = {"codes_par_jour_adresse": 2, "codes_budget_jour": 3}
    with une_identite(database_url("identite"), **reglages) as identite:
        zoe = une_personne(identite)
        numeros = [zoe.ajouter(f"450 555-01{rang}").coordonnee_id for rang in range(30, 34)]
        for cible in numeros[:2]:
            zoe.code(cible, adresse_ip="203.0.113.9")
        demande = une_demande_de_code(coordonnee_id=numeros[2], adresse_ip="203.0.113.9")
        assert zoe.refus("DemanderCode", demande).reason == "TROP_DE_CODES"
        zoe.code(numeros[2], adresse_ip="198.51.100.2")
        demande = une_demande_de_code(coordonnee_id=numeros[3], adresse_ip="198.51.100.3")
        assert zoe.refus("DemanderCode", demande).reason == "BUDGET_EPUISE"
        assert identite.lignes("SELECT envois FROM code_budget")[0].envois == 3


def test_cent_echecs_ferment_le_numero(identite, zoe):
    une = zoe.ajouter(CELLULAIRE)
    code = zoe.code(une.coordonnee_id)
    identite.ecrire("UPDATE coordonnee SET echecs = 99")
    demande = une_validation(coordonnee_id=une.coordonnee_id, code=faux(code))
    assert zoe.refus("ValiderCoordonnee", demande).reason == "CODE_INVALIDE"
    bonne = une_validation(coordonnee_id=une.coordonnee_id, code=code)
    assert zoe.refus("ValiderCoordonnee", bonne).reason == "COORDONNEE_GELEE"
    autre = une_demande_de_code(coordonnee_id=une.coordonnee_id)
    assert zoe.refus("DemanderCode", autre).reason == "COORDONNEE_GELEE"
