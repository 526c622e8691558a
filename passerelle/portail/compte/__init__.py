"""« Mon compte »: one file per page, one menu."""

from passerelle.portail.compte import coordonnees, navigation
from passerelle.portail.compte.profil import bp, lire

__all__ = ["bp", "coordonnees", "lire", "navigation"]
