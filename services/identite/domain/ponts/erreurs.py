"""Facts that end an act on imported or linked accounts."""


class EmpreinteIllisible(Exception):
    """A password hash is in none of the four formats, or asks for an absurd amount of work."""


class FichierInattendu(Exception):
    """The file's header lacks columns that its kind of import needs."""

    def __init__(self, manquantes: tuple[str, ...]) -> None:
        super().__init__(f"missing columns: {', '.join(manquantes)}")
        self.manquantes = manquantes


class ImportEnCours(Exception):
    """Another import, or the undo of one, runs at this moment."""


class ImportInconnu(Exception):
    """No import has this id."""


class LiaisonInconnue(Exception):
    """No link has this id, or it is somebody else's."""


class LiaisonDejaDecidee(Exception):
    """The link is no longer in the state that this act starts from."""


class CompteTaxesNonLie(Exception):
    """The caller has no linked tax account."""


class EspaceFamilleNonOffert(Exception):
    """The city has no Espace Famille (setting)."""


class EspaceFamilleRefuse(Exception):
    """The Espace Famille does not know this code and password."""

    def __init__(self) -> None:
        super().__init__("code or password refused")
        self.fields = {"mot_de_passe": "CODE_FAMILLE_REFUSE"}


class SystemeIndisponible(Exception):
    """A linked system of the city does not answer, or not as its contract says."""
