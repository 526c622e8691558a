"""Every reason that a service may give has its two sentences."""

from __future__ import annotations

import importlib

import pytest

from passerelle import messages
from passerelle.clients import SERVICES

pytestmark = pytest.mark.contract


@pytest.mark.parametrize("service", SERVICES)
def test_chaque_raison_d_un_service_a_ses_phrases(service: str) -> None:
    errors = importlib.import_module(f"services.{service}.api").ERRORS
    assert errors
    assert {row.reason for row in errors.values()} - set(messages.MESSAGES) == set()
