"""The forms of second factors and of the proof before a sensitive act."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import Length

from passerelle.portail.forms import Formulaire, requis, sans_bords


class Verification(Formulaire):
    """A code, or what a passkey answered: one of them, so the form itself judges neither."""

    reponse = HiddenField()
    code = StringField(_l("Code"), [requis(_l("Écrivez le code.")), Length(max=40)], [sans_bords])


class Confirmation(Verification):
    """« Confirmez que c’est vous » (R36)."""

    epreuve = HiddenField()
    mot_de_passe = PasswordField(
        _l("Mot de passe"), [requis(_l("Écrivez votre mot de passe.")), Length(max=256)]
    )


class NouvelleApplication(Formulaire):
    """The first code of an application."""

    code = StringField(
        _l("Code à 6 chiffres"),
        [requis(_l("Écrivez le code que montre l’application.")), Length(max=40)],
        [sans_bords],
    )


class NouvelleCle(Formulaire):
    """The name of a passkey, and what its authenticator answered."""

    epreuve = HiddenField()
    reponse = HiddenField()
    nom = StringField(
        _l("Nom de la clé"),
        [requis(_l("Donnez un nom à cette clé, par exemple « Mon téléphone ».")), Length(max=60)],
        [sans_bords],
    )


class NomCle(Formulaire):
    """Another name for a passkey."""

    nom = StringField(
        _l("Nom de la clé"), [requis(_l("Écrivez un nom.")), Length(max=60)], [sans_bords]
    )
