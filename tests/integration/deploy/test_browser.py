"""The browser of the tests runs on a small Debian too, where it comes from npm."""

from __future__ import annotations

import pytest

from deploy import browser

pytestmark = pytest.mark.integration


def test_the_chromium_of_npm_lays_out_text():
    assert browser.runs(*browser.from_npm())


def test_the_chromium_that_the_tests_use_lays_out_text():
    assert browser.runs(*browser.chromium_path())
