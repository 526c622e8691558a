"""Roles x routes x RPCs: every act of the staff has its cell, and is denied without one (API5)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from flask import Flask, g

from passerelle import visits
from passerelle.agents import droits as pages
from passerelle.clients import SERVICES
from passerelle.problems import Problem
from services.identite.domain import ROLES_PERSONNEL
from services.identite.domain.droits import (
    ACTES,
    PERMISSIONS,
    PROPRES,
    ROLES,
    permissions,
    porteurs,
)
from tests.kit.passerelle import gateway

pytestmark = [pytest.mark.architecture, pytest.mark.exigence("IDN-21")]

PERSONNEL = frozenset(role.value for role in ROLES_PERSONNEL)


def actes() -> dict[str, frozenset[str]]:
    """RPCs that some staff role may call, with those roles."""
    return {
        f"{service}.{rpc}": roles & PERSONNEL
        for service in SERVICES
        for rpc, roles in importlib.import_module(f"services.{service}.api").ACCESS.items()
        if roles & PERSONNEL
    }


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    with gateway(dict.fromkeys(SERVICES, "127.0.0.1:1")) as found:
        yield found


def routes(app: Flask) -> list[tuple[str, str]]:
    """Endpoint and method of each page under /agents."""
    return [
        (regle.endpoint, methode)
        for regle in app.url_map.iter_rules()
        if regle.rule == "/agents" or regle.rule.startswith("/agents/")
        for methode in (regle.methods or set()) - {"HEAD", "OPTIONS"}
    ]


def test_every_act_of_the_staff_has_its_cell() -> None:
    assert set(actes()) - PROPRES == set(ACTES)
    assert set(actes()) >= PROPRES


def test_each_service_allows_the_roles_that_the_matrix_says() -> None:
    fautes = {
        acte: (sorted(roles), sorted(porteurs(ACTES[acte])))
        for acte, roles in actes().items()
        if acte in ACTES and roles != porteurs(ACTES[acte])
    }
    assert fautes == {}


def test_roles_and_permissions_are_known_and_named() -> None:
    assert set(pages.ROLES) == set(ROLES) == PERSONNEL
    assert set().union(*ROLES.values()) == set(PERMISSIONS) == set(pages.PERMISSIONS)
    assert set(ACTES.values()) == set(PERMISSIONS)


def test_every_staff_page_has_its_cell(app: Flask) -> None:
    sans = sorted({point for point, _ in routes(app) if not pages.cellule(point)})
    assert sans == []
    connus = {pages.PORTE, pages.SOI, *PERMISSIONS}
    assert set(pages.CELLULES.values()) <= connus
    points = {point for point, _ in routes(app)}
    plans = {point.partition(".")[0] for point in points}
    assert [cle for cle in pages.CELLULES if cle not in points | plans] == []


@pytest.mark.parametrize("role", ["citoyen", *sorted(PERSONNEL)])
def test_each_role_opens_its_pages_and_no_other(app: Flask, role: str) -> None:
    visite = visits.Visit(
        compte_id="c", session_id="s", roles=frozenset({role}), permissions=permissions([role])
    )
    for point, methode in routes(app):
        voulue = pages.cellule(point)
        permise = voulue in {pages.PORTE, pages.SOI} or voulue in visite.permissions
        assert ouvre(app, point, methode, visite) == permise, (role, point, methode)


def test_a_page_without_a_cell_is_refused_to_everybody(app: Flask) -> None:
    tout = visits.Visit(compte_id="c", roles=PERSONNEL, permissions=frozenset(PERMISSIONS))
    assert not ouvre(app, "agents_inconnu.page", "GET", tout)
    assert not ouvre(app, "agents_inconnu.page", "GET", visits.ANONYME)


def ouvre(app: Flask, point: str, methode: str, visite: visits.Visit) -> bool:
    """Tell whether the guard lets a visitor reach a page; being led elsewhere is a no."""
    with app.test_request_context("/agents/x", method=methode) as contexte:
        contexte.request.url_rule = type("Regle", (), {"endpoint": point})()
        g.visit = visite
        try:
            return pages.garder() is None
        except Problem:
            return False
