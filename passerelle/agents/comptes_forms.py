"""The forms of the desk that looks after accounts."""

from typing import Final

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, Field, SearchField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from passerelle.portail.forms import ChampCoches, Formulaire, requis, sans_bords

CONTROLES: Final = (
    SelectChoice("piece_identite", _l("Pièce d’identité avec photo, au nom du compte")),
    SelectChoice("preuve_residence", _l("Preuve de résidence à l’adresse du compte")),
    SelectChoice("presence", _l("La personne est présente au comptoir")),
    SelectChoice("questions", _l("Réponses justes à des questions sur le dossier")),
)
_CONTROLES_MIN: Final = 2


class Recherche(Formulaire):
    """Whom to look for."""

    recherche = SearchField(
        _l("Courriel, nom d’utilisateur, téléphone ou nom de famille"),
        [requis(_l("Écrivez qui vous cherchez.")), Length(max=254)],
        [sans_bords],
    )


class Correction(Formulaire):
    """What staff correct, and why."""

    prenom = StringField(
        _l("Prénom"), [requis(_l("Écrivez le prénom.")), Length(max=80)], [sans_bords]
    )
    nom = StringField(_l("Nom"), [requis(_l("Écrivez le nom.")), Length(max=80)], [sans_bords])
    courriel = EmailField(
        _l("Adresse courriel"),
        [requis(_l("Écrivez l’adresse courriel.")), Length(max=254)],
        [sans_bords],
    )
    motif = TextAreaField(
        _l("Motif de la correction"),
        [requis(_l("Écrivez ce qui a été vu, en quelques mots.")), Length(max=500)],
        [sans_bords],
    )


class Recuperation(Formulaire):
    """The identity check of somebody whose mailbox is lost."""

    nouveau_courriel = EmailField(
        _l("Nouvelle adresse courriel"),
        [requis(_l("Écrivez l’adresse courriel.")), Length(max=254)],
        [sans_bords],
    )
    nouveau_courriel_encore = EmailField(
        _l("Nouvelle adresse courriel, encore une fois"),
        [requis(_l("Écrivez l’adresse une deuxième fois.")), Length(max=254)],
        [sans_bords],
    )
    controles = ChampCoches(_l("Contrôles d’identité faits"), choices=CONTROLES)
    note = TextAreaField(
        _l("Ce qui a été vu"),
        [requis(_l("Écrivez ce qui a été vu, en quelques mots.")), Length(max=500)],
        [sans_bords],
    )

    def validate_nouveau_courriel_encore(self, champ: Field) -> None:
        """The link goes there and nowhere else: a slip would lose the account."""
        if champ.data != self.nouveau_courriel.data:
            raise ValidationError(str(_l("Les deux adresses sont différentes.")))

    def validate_controles(self, champ: Field) -> None:
        """One check alone is too little."""
        if len(champ.data or ()) < _CONTROLES_MIN:
            raise ValidationError(str(_l("Faites au moins deux contrôles d’identité.")))


class Decision(Formulaire):
    """The second agent's answer."""

    motif = TextAreaField(_l("Motif du refus"), [Optional(), Length(max=500)], [sans_bords])
