"""One row of ``bench/resultats.json``, and the statistics behind it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, kw_only=True)
class Ligne:
    """A figure.

    Attributes:
        nom: name of the row, as in ``bench/README.md``.
        valeur: median of ours, in ``unite``.
        unite: unit of ``valeur`` and ``reference``.
        reference: median of the baseline of the same run; None where the goal is absolute.
        ratio: ``valeur / reference``, or ``valeur`` itself where there is no baseline.
        but: goal for ``ratio``.
        plancher: worst ratio that is accepted.
        moins_est_mieux: True where a smaller ratio is better.
        rondes: what each interleaved round gave, ours and the baseline.
    """

    nom: str
    valeur: float
    unite: str
    reference: float | None
    ratio: float
    but: float
    plancher: float
    moins_est_mieux: bool = False
    rondes: tuple[tuple[float, float | None], ...] = ()

    @property
    def tenu(self) -> bool:
        """Whether the floor is kept."""
        if self.moins_est_mieux:
            return self.ratio <= self.plancher
        return self.ratio >= self.plancher

    def publie(self) -> dict[str, object]:
        """The published form: the seven fields of the contract."""
        chosen = ("nom", "valeur", "unite", "reference", "ratio", "but", "plancher")
        fields = asdict(self)
        return {name: _rounded(fields[name]) for name in chosen}


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def compare(
    ours: Callable[[], float], baseline: Callable[[], float], *, rounds: int
) -> tuple[tuple[tuple[float, float], ...], float, float, float]:
    """Run both in turn, A B A B …, so that a machine whose speed drifts wrongs neither.

    Returns: the rounds, the median of ours, the median of the baseline, the median ratio.
    """
    pairs = tuple((ours(), baseline()) for _ in range(rounds))
    return (
        pairs,
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def write(rows: Sequence[Ligne], target: Path, *, order: Sequence[str]) -> None:
    """Write or refresh rows in the results file, in ``order``; rows of other names stay."""
    known: dict[str, dict[str, object]] = {}
    if target.exists():
        known = {row["nom"]: row for row in json.loads(target.read_text())}
    known |= {row.nom: row.publie() for row in rows}
    ranks = {nom: rank for rank, nom in enumerate(order)}
    published = sorted(known.values(), key=lambda row: ranks.get(str(row["nom"]), len(ranks)))
    target.write_text(json.dumps(published, ensure_ascii=False, indent=2) + "\n")


def draw(row: Ligne, folder: Path) -> None:
    """Draw the rounds of one row against its goal and floor, as ``<nom>.svg``."""
    import matplotlib as mpl  # noqa: PLC0415  a second of import that only a picture needs

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415  idem, and after the back end is chosen

    ratios = [a if b is None else a / b for a, b in row.rondes] or [row.ratio]
    figure, axes = plt.subplots(figsize=(7, 3))
    axes.plot(range(1, len(ratios) + 1), ratios, "o-", color="#00436b", label="mesuré")
    axes.axhline(row.ratio, color="#00436b", linewidth=1, label=f"médiane {row.ratio:.3g}")
    axes.axhline(row.but, color="#1a7f37", linestyle="--", label=f"but {row.but:g}")
    axes.axhline(row.plancher, color="#b42318", linestyle=":", label=f"plancher {row.plancher:g}")
    axes.set(title=row.nom, xlabel="ronde", ylabel="ratio" if row.reference else row.unite)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
    figure.tight_layout()
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"{row.nom}.svg", metadata={"Date": None})
    plt.close(figure)
