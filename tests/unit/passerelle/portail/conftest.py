"""What a visitor does with a form: take its hidden fields along, send it, read the answer."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_CACHE = re.compile(r'<input[^>]*type="hidden"[^>]*>')

Envoyer = Callable[..., TestResponse]


def texte(response: TestResponse) -> str:
    """The page as people read it: entities and no-break spaces undone."""
    return html.unescape(response.text).replace("\u00a0", " ")


def caches(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to `action`."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert form, f"no form goes to {action}"
    return {
        name[1]: value[1] if (value := re.search(r'value="([^"]*)"', tag)) else ""
        for tag in _CACHE.findall(form[0])
        if (name := re.search(r'name="([^"]*)"', tag))
    }


@pytest.fixture
def envoyer(client: FlaskClient) -> Envoyer:
    """Open a page, fill in its form, send it."""

    def envoi(page: str, champs: dict[str, Any], action: str | None = None) -> TestResponse:
        action = action or page.partition("?")[0]
        lue = client.get(page)
        assert lue.status_code == 200, lue.text
        return client.post(action, data={**caches(lue.text, action), **champs})

    return envoi
