"""The signed code of a card, its keys and its status list, over real gRPC (CAR-16)."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from chassis.grpc_client import RemoteError
from espacecitoyen.cartes.v1 import cartes_service_pb2 as m
from espacecitoyen.cartes.v1 import code_service_pb2 as c
from services.cartes.adapters import code_signe, liste_statuts
from services.cartes.domain import Attestation, Categorie, ClasseAge, StatutCode
from services.cartes.persistence import codes as rangees
from services.cartes.use_cases import signer_anciennes
from tests.kit.cartes_banc import Banc, anonyme, citoyen

pytestmark = [pytest.mark.integration, pytest.mark.exigence("CAR-16")]

COMPTE = "11111111-1111-4111-8111-111111111111"
EMETTEUR = "https://carte.exemple.ca"


def une_carte(banc: Banc, compte: str = COMPTE) -> m.Carte:
    carte = banc.demander(compte)
    banc.decider(carte.demande)
    return la_carte(banc, carte, compte)


def la_carte(banc: Banc, carte: m.Carte, compte: str = COMPTE) -> m.Carte:
    request = m.GetCarteRequest(carte_id=carte.carte_id)
    return banc.appeler("GetCarte", request, citoyen(compte)).carte


def cles(banc: Banc) -> dict[tuple[str, bytes], ec.EllipticCurvePublicKey]:
    """The keys as a verifier builds them from what is published."""
    lues = banc.appeler("ListClesPubliques", c.ListClesPubliquesRequest(), anonyme())
    return {
        (lues.emetteur, cle.kid): ec.EllipticCurvePublicNumbers(
            int.from_bytes(cle.x), int.from_bytes(cle.y), ec.SECP256R1()
        ).public_key()
        for cle in lues.cles
    }


def attestation(banc: Banc, carte: m.Carte) -> Attestation:
    return code_signe.verifier(carte.code, cles(banc))


def statut(banc: Banc, carte: m.Carte) -> StatutCode:
    """What a verifier finds in the list that the code names."""
    dite = attestation(banc, carte)
    liste_id = int(dite.liste.rpartition("/")[2])
    recue = banc.appeler("GetListeStatuts", c.GetListeStatutsRequest(liste_id=liste_id), anonyme())
    lue = liste_statuts.lire(
        recue.contenu,
        adresse=dite.liste,
        cles={kid: cle for (_, kid), cle in cles(banc).items()},
    )
    assert lue.rafraichir == timedelta(seconds=recue.rafraichir_s)
    return lue.statut(dite.indice)


def ecrire(banc: Banc, ordre: str, **valeurs: object) -> None:
    with banc.engine.begin() as connexion:
        connexion.execute(text(ordre), valeurs)


def test_an_approved_card_carries_a_code_that_the_published_key_verifies(banc: Banc) -> None:
    carte = une_carte(banc)
    dite = attestation(banc, carte)
    assert dite.emetteur == EMETTEUR
    assert dite.numero == carte.numero
    assert dite.titulaire == "TREMBLAY, ÉMILIE"
    assert (dite.ville, dite.categorie, dite.classe_age) == (
        73010,
        Categorie.RESIDENT,
        ClasseAge.ADULTE,
    )
    # The end of the last day in the city: midnight of the next one.
    lendemain = date.fromisoformat(carte.echeance) + timedelta(days=1)
    assert dite.expire_le == datetime(lendemain.year, lendemain.month, lendemain.day, 5, tzinfo=UTC)
    assert dite.emise_le == banc.horloge()


def test_the_pass_shows_the_same_code_and_the_waiting_card_none(banc: Banc) -> None:
    en_attente = banc.demander(COMPTE)
    assert en_attente.code == ""
    banc.decider(en_attente.demande)
    carte = la_carte(banc, en_attente)
    request = m.TelechargerPasseRequest(carte_id=carte.carte_id)
    passe = banc.appeler("TelechargerPasse", request, citoyen(COMPTE)).contenu
    with zipfile.ZipFile(io.BytesIO(passe)) as archive:
        contenu = json.loads(archive.read("pass.json"))
    assert [code["message"] for code in contenu["barcodes"]] == [carte.code]


def test_a_suspended_or_revoked_card_is_so_in_the_list(banc: Banc) -> None:
    carte = une_carte(banc)
    assert statut(banc, carte) is StatutCode.VALIDE
    for etat, attendu in (
        ("SUSPENDUE", StatutCode.SUSPENDU),
        ("REVOQUEE", StatutCode.INVALIDE),
        ("ACTIVE", StatutCode.VALIDE),
    ):
        ecrire(banc, "UPDATE carte SET statut = :etat", etat=etat)
        assert statut(banc, carte) is attendu


def test_a_card_that_is_not_active_shows_no_code(banc: Banc) -> None:
    carte = une_carte(banc)
    ecrire(banc, "UPDATE carte SET statut = 'SUSPENDUE'")
    assert la_carte(banc, carte).code == ""
    ecrire(banc, "UPDATE carte SET statut = 'ACTIVE'")
    banc.horloge.advance(days=800)
    assert la_carte(banc, carte).code == ""


def test_each_card_has_an_index_of_its_own_drawn_at_random(banc: Banc) -> None:
    comptes = [str(uuid4()) for _ in range(12)]
    attestations = [attestation(banc, une_carte(banc, compte)) for compte in comptes]
    indices = [dite.indice for dite in attestations]
    assert len(set(indices)) == len(indices)
    assert indices != sorted(indices)
    assert len({dite.identifiant for dite in attestations}) == len(attestations)


def test_an_index_is_not_given_twice_even_at_once(banc: Banc) -> None:
    cartes = [uuid4() for _ in range(40)]

    def tirer(carte_id: UUID) -> tuple[int, int]:
        with banc.servicer.sessions.begin() as session:
            return rangees.indice_de(session, carte_id)

    with ThreadPoolExecutor(8) as fils:
        places = list(fils.map(tirer, cartes))
    assert len(set(places)) == len(places)
    assert tirer(cartes[0]) == places[0]
    assert banc.sql("SELECT attribues FROM liste_statuts") == [(40,)]


def test_a_list_three_quarters_full_is_followed_by_another(banc: Banc) -> None:
    une_carte(banc)
    ecrire(banc, "UPDATE liste_statuts SET attribues = taille * 3 / 4")
    autre = une_carte(banc, str(uuid4()))
    assert attestation(banc, autre).liste != f"{EMETTEUR}/statuts/1"
    assert banc.sql("SELECT count(*) FROM liste_statuts") == [(2,)]


def test_each_year_signs_with_its_own_key_and_old_ones_stay_published(banc: Banc) -> None:
    ancienne = une_carte(banc)
    banc.horloge.advance(days=366)
    neuve = une_carte(banc, str(uuid4()))
    assert code_signe.lire(ancienne.code).kid != code_signe.lire(neuve.code).kid
    assert len(cles(banc)) == 2
    assert attestation(banc, ancienne).numero == ancienne.numero
    # A code of the first year has expired for good: its key may go.
    banc.horloge.advance(days=4 * 366)
    assert len(cles(banc)) == 0


def test_the_private_key_is_not_in_the_database(banc: Banc) -> None:
    une_carte(banc)
    scellee = bytes(banc.sql("SELECT privee_scellee FROM cle_signature")[0][0])
    # The mark of an EC key in PKCS#8, in DER and in base64.
    assert b"\x2a\x86\x48\xce\x3d\x02\x01" not in scellee
    assert base64.b64encode(b"\x2a\x86\x48\xce\x3d\x02\x01")[:8] not in scellee


def test_two_first_approvals_of_a_year_make_one_key(banc: Banc) -> None:
    demandes = [banc.demander(str(uuid4())).demande for _ in range(4)]
    with ThreadPoolExecutor(4) as fils:
        list(fils.map(banc.decider, demandes))
    assert banc.sql("SELECT count(*) FROM cle_signature") == [(1,)]
    assert banc.sql("SELECT count(DISTINCT code) FROM carte WHERE code <> ''") == [(4,)]


def test_cards_older_than_the_keys_get_their_code(banc: Banc) -> None:
    carte = une_carte(banc)
    ecrire(banc, "UPDATE carte SET code = ''")
    faits = [
        signer_anciennes(
            sessions=banc.servicer.sessions,
            codes=banc.servicer.codes,
            regles=banc.servicer.regles,
            maintenant=banc.horloge(),
        )
        for _ in range(2)
    ]
    assert faits == [1, 0]
    assert attestation(banc, la_carte(banc, carte)).numero == carte.numero


def test_an_unknown_list_is_said(banc: Banc) -> None:
    with pytest.raises(RemoteError) as fait:
        banc.appeler("GetListeStatuts", c.GetListeStatutsRequest(liste_id=99), anonyme())
    assert fait.value.reason == "LISTE_INCONNUE"
