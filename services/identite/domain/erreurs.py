"""Facts that end an act of identite, each beside the data that its reader needs."""

from collections.abc import Mapping, Sequence


class DonneesInvalides(Exception):
    """Some fields cannot be accepted as written.

    Attributes:
        fields: name of the field, as in the contract (`adresse.ville`), to its reason.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {reason}" for name, reason in fields.items()))
        self.fields = dict(fields)


class NomUtilisateurPris(Exception):
    """The user name belongs to somebody else (IDN-02)."""

    def __init__(self, suggestions: Sequence[str]) -> None:
        super().__init__("the user name is taken")
        self.fields = {"nom_utilisateur": "NOM_UTILISATEUR_PRIS"}
        self.suggestions = tuple(suggestions)

    def details(self) -> dict[str, str]:
        """Free user names close to the wanted one, separated by commas."""
        return {"suggestions": ",".join(self.suggestions)}


class LienInconnu(Exception):
    """No mailed link has this secret, or it serves another act."""


class LienExpire(Exception):
    """The link came after its end, or a newer one replaced it."""


class LienDejaUtilise(Exception):
    """The link has done its work, or what it was for is done."""


class IdentifiantsInvalides(Exception):
    """Log-in refused, without telling which part is wrong (R17)."""


class CompteNonActive(Exception):
    """The password is right but the e-mail was never confirmed."""


class CompteIntrouvable(Exception):
    """The caller's account no longer exists."""


class SessionExpiree(Exception):
    """The session ended, or never was."""


class TropDeTentatives(Exception):
    """Log-in refused unread: too many failures (R11)."""

    def __init__(self, attente_s: int) -> None:
        super().__init__(f"wait {attente_s} s")
        self.attente_s = attente_s

    def details(self) -> dict[str, str]:
        """Whole seconds to wait."""
        return {"reessayer_dans_s": str(self.attente_s)}


class TropOccupe(Exception):
    """Too many passwords are being hashed at this moment (R03)."""

    def details(self) -> dict[str, str]:
        """Whole seconds to wait."""
        return {"reessayer_dans_s": "5"}
