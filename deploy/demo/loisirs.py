"""Reference server of a recreation platform: ``python -m deploy.demo.loisirs --port 8097 …``.

``GET /v1/comptes.csv`` exports its accounts in the form that ``espace identite importer-loisirs``
reads (docs/ponts.md). Its people log in at the Espace citoyen: the platform itself is a client of
its OpenID Connect provider and keeps no password.
"""

from __future__ import annotations

import csv
import io
from http import HTTPStatus
from typing import Any

from deploy.demo.serveur import serve

COLUMNS = ("reference", "courriel", "prenom", "nom", "date_naissance")
ACCOUNTS = (
    ("L-2001", "camille.exemple@exemple.test", "Camille", "EXEMPLE", "1990-05-14"),
    # Same e-mail, another birth date: staff decide.
    ("L-2002", "sacha.exemple@exemple.test", "Sacha", "Exemple", "1958-03-30"),
    ("L-2003", "jamais.venue@exemple.test", "Andrée", "Modèle", ""),
)


def export() -> str:
    """Return every account as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((COLUMNS, *ACCOUNTS))
    return text.getvalue()


def _export(_path: str, _body: Any) -> tuple[int, object]:
    return HTTPStatus.OK, export()


ROUTES = {("GET", "/v1/comptes.csv"): _export}

if __name__ == "__main__":
    serve(ROUTES)
