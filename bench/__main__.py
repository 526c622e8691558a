"""``make bench``: measures, prints, writes ``bench/resultats.json`` and a picture of each row."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from bench import ligne

# Row name -> module that measures it; one module may give several rows.
MEASURES = {
    "demarrage": "suite",
    "memoire": "suite",
    "accueil": "accueil",
    "accueil_p99": "accueil",
    "passe": "passe",
    "evenements": "evenements",
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
    wanted = noms or tuple(MEASURES)
    rows: list[ligne.Ligne] = []
    for module in dict.fromkeys(MEASURES[nom] for nom in wanted):
        measured = importlib.import_module(f"bench.{module}").mesurer(petit=petit)
        rows += [row for row in measured if row.nom in wanted]
    sortie.mkdir(parents=True, exist_ok=True)
    ligne.write(rows, sortie / "resultats.json")
    for row in rows:
        ligne.draw(row, sortie / "images")
        reference = "" if row.reference is None else f" / {row.reference:.4g}"
        verdict = "tenu" if row.tenu else "SOUS LE PLANCHER"
        print(
            f"{row.nom:14} {row.valeur:.4g}{reference} {row.unite}"
            f"  ratio {row.ratio:.3g}  but {row.but:g}  plancher {row.plancher:g}  {verdict}"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    bench()
