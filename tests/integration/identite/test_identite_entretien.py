"""Upkeep on the real database: what ended goes, the rest stays."""

from __future__ import annotations

import pytest

from services.identite import use_cases
from services.identite.use_cases import Regles
from tests.kit.identite import une_config, une_demande_de_compte

pytestmark = pytest.mark.integration


def purger(identite):
    return dict(
        use_cases.purger(
            sessions=identite.servicer._sessions,
            regles=Regles.de(une_config()),
            maintenant=identite.horloge(),
        )
    )


@pytest.mark.exigence("IDN-04")
def test_accounts_never_confirmed_go_after_seven_days(identite):
    identite.un_compte()
    identite.inscrire(courriel="oubli@exemple.ca", nom_utilisateur="oubli")
    identite.horloge.advance(days=7)
    assert purger(identite)["compte"] == 0
    identite.horloge.advance(seconds=1)
    assert purger(identite)["compte"] == 1
    (reste,) = identite.lignes("SELECT courriel FROM compte")
    assert reste.courriel == "zoe.tremblay@exemple.ca"
    # Both names are free again.
    identite.inscrire(courriel="oubli@exemple.ca", nom_utilisateur="oubli")


def test_ended_sessions_links_counts_and_names_go(identite):
    identite.un_compte()
    identite.ouvrir()
    identite.appeler("CreerCompte", une_demande_de_compte(nom_utilisateur="reserve"))
    tables = ("session_ouverte", "lien", "frein", "courriel_recent", "nom_reserve")
    assert all(identite.lignes(f"SELECT 1 FROM {table}") for table in tables)
    assert set(purger(identite).values()) == {0}
    identite.horloge.advance(days=32)
    purger(identite)
    for table in tables:
        assert identite.lignes(f"SELECT 1 FROM {table}") == [], table
    assert set(purger(identite).values()) == {0}


def test_more_than_one_packet_goes(identite):
    identite.ecrire(
        "INSERT INTO nom_reserve SELECT 'nom' || n, '2020-01-01' FROM generate_series(1, 2500) n"
    )
    assert purger(identite)["nom_reserve"] == 2500
