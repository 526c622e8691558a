"""``make bench``: measures, prints, writes ``bench/resultats.json`` and a picture of each row."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import click

from bench import ligne

# Row name -> module that measures it; one module may give several rows.
MEASURES = {
    "passe": "passe",
    "evenements": "evenements",
    "demarrage": "suite",
    "memoire": "suite",
    "accueil": "suite",
    "accueil_p99": "suite",
    "connexion": "connexion",
    "session": "session",
    "jeton": "jeton",
    "import_comptes": "import_comptes",
    "import_echelle": "import_comptes",
    "depot": "depot",
    "retrait": "depot",
    "memoire_depot": "depot",
    "liste_pieces": "liste_pieces",
    "verifier": "verifier",
}


@click.command()
@click.argument("noms", nargs=-1)
@click.option("--petit", is_flag=True, help="Small sizes: proves that the measure works.")
@click.option(
    "--sortie",
    type=click.Path(path_type=Path, file_okay=False),
    default=ligne.FOLDER,
    help="Folder of resultats.json and images/.",
)
def bench(noms: tuple[str, ...], *, petit: bool, sortie: Path) -> None:
    """Measure the rows NOMS, or all of them."""
    unknown = [nom for nom in noms if nom not in MEASURES]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)} ? Connus : {', '.join(MEASURES)}")
    wanted = frozenset(noms or MEASURES)
    sortie.mkdir(parents=True, exist_ok=True)
    for module in dict.fromkeys(MEASURES[nom] for nom in MEASURES if nom in wanted):
        print(f"… {module}", flush=True)
        measured = importlib.import_module(f"bench.{module}").mesurer(petit=petit, noms=wanted)
        _publish([row for row in measured if row.nom in wanted], sortie)


def _publish(rows: Sequence[ligne.Ligne], sortie: Path) -> None:
    """Write and print rows at once: a later module may be interrupted."""
    ligne.write(rows, sortie / "resultats.json", order=tuple(MEASURES))
    for row in rows:
        ligne.draw(row, sortie / "images")
        reference = "" if row.reference is None else f" / {row.reference:.4g}"
        verdict = "tenu" if row.tenu else "SOUS LE PLANCHER"
        print(
            f"{row.nom:14} {row.valeur:.4g}{reference} {row.unite}"
            f"  ratio {row.ratio:.3g}  but {row.but:g}  plancher {row.plancher:g}  {verdict}",
            flush=True,
        )


if __name__ == "__main__":
    bench()
