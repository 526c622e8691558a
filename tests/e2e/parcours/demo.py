"""How an outside client on the same machine finds its way around a running demo."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.parcours.acces import Acces

_AGENT = "agent.exemple@exemple.test"


def acces_de_la_demo(dossier: Path, *, port: int) -> Acces:
    """Read what the demo of this folder tells its owner.

    Args:
        dossier: data folder of the demo, ``var/demo`` by default.
        port: the portal's; the mailbox is the next one.
    Raises: OSError when no demo was ever started there, ValueError when its files are not readable.
    """
    comptes: dict[str, str] = json.loads((dossier / "comptes.json").read_text())
    return Acces(
        portail=f"http://127.0.0.1:{port}",
        courrier=f"http://127.0.0.1:{port + 1}",
        agent=(_AGENT, comptes[_AGENT]),
        racine=dossier / "cles" / "apple" / "racine.pem",
        compte_google=dossier / "cles" / "google.json",
    )
