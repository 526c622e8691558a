"""« Mon espace de stockage » (STO-01, 02, 03): one file per thing that people do there.

`liste` finds documents, `ajout` brings files in, `piece` shows one and changes it, `mots` says
states in words.
"""

from passerelle.portail.stockage import ajout, liste, mots, piece
from passerelle.portail.stockage.espace import GENRES, bp, lire, lister

__all__ = ["GENRES", "ajout", "bp", "lire", "liste", "lister", "mots", "piece"]
