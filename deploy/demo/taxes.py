"""Reference server of a tax system: ``python -m deploy.demo.taxes --port 8098 --cle fichier``.

``GET /v1/comptes/<reference>`` gives balance, bills and due dates of one account, in cents
(docs/ponts.md). The accounts are made up from their number, so that each keeps its figures.
"""

from __future__ import annotations

import zlib
from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from deploy.demo.serveur import serve

_CITY = ZoneInfo("America/Toronto")
_DUE = ((3, 10), (6, 9), (9, 8), (11, 10))


def account(reference: str, today: date) -> dict[str, object]:
    """Make up the account of a number: one bill of this year in four payments, one of last year."""
    mark = zlib.crc32(reference.encode())
    yearly = 240_000 + mark % 180_000
    share = yearly // len(_DUE)
    dues = [date(today.year, month, day) for month, day in _DUE]
    left = sum(share for due in dues if due >= today)
    water = 18_500 + mark % 9_000
    return {
        "reference": reference,
        "immeuble": f"{1 + mark % 900}, rue de l’Exemple, Sainte-Thérèse",
        "solde_cents": left,
        "factures": [
            {
                "numero": f"{today.year}-{mark % 100_000:05}",
                "libelle": f"Taxes foncières {today.year}",
                "emise_le": date(today.year, 1, 31).isoformat(),
                "montant_cents": share * len(_DUE),
                "solde_cents": left,
            },
            {
                "numero": f"{today.year - 1}-{mark % 100_000:05}",
                "libelle": f"Consommation d’eau {today.year - 1}",
                "emise_le": date(today.year - 1, 10, 15).isoformat(),
                "montant_cents": water,
                "solde_cents": 0,
            },
        ],
        "echeances": [
            {"date": due.isoformat(), "montant_cents": share, "acquittee": due < today}
            for due in dues
        ],
    }


def _read(path: str, _body: Any) -> tuple[int, object]:
    reference = unquote(path)
    if not reference.startswith("M-"):
        return HTTPStatus.NOT_FOUND, {"erreur": "compte_inconnu"}
    return HTTPStatus.OK, account(reference, datetime.now(_CITY).date())


ROUTES = {("GET", "/v1/comptes/"): _read}

if __name__ == "__main__":
    serve(ROUTES)
