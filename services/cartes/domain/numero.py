"""The 14-digit number of a card and its check digit."""

from __future__ import annotations

_CHIFFRE_DOUBLE_MAX = 9


def chiffre_de_controle(chiffres: str) -> str:
    """Return the Luhn check digit (ISO/IEC 7812-1) of a string of digits that lacks it."""
    total = 0
    for rang, chiffre in enumerate(reversed(chiffres)):
        valeur = int(chiffre) * (1 if rang % 2 else 2)
        total += valeur - 9 if valeur > _CHIFFRE_DOUBLE_MAX else valeur
    return str(-total % 10)


def composer_numero(institution: str, sequence: int) -> str:
    """Return a 14-digit library number: 2 (patron), institution, sequence, check digit.

    Args:
        institution: 4 digits given to the city's library.
        sequence: 1 to 99,999,999, never used twice.
    """
    sans_controle = f"2{institution}{sequence:08d}"
    return sans_controle + chiffre_de_controle(sans_controle)


def grouper_numero(numero: str) -> str:
    """Return the number as people read it: « 2 0042 00000123 7 »."""
    return f"{numero[0]} {numero[1:5]} {numero[5:13]} {numero[13:]}"
