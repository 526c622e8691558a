"""The forms of « Mon profil » and of its contact points."""

from typing import ClassVar, Final

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, StringField, TelField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, Regexp

from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle.portail.forms import (
    CANAUX,
    CATEGORIES,
    CODE_POSTAL,
    ChampCoches,
    ChampDate,
    Formulaire,
    code_postal_canonique,
    requis,
    sans_bords,
)

MOYENS: Final = (
    SelectChoice("courriel", _l("Courriel")),
    SelectChoice("texto", _l("SMS (texto)")),
    SelectChoice("telephone", _l("Téléphone")),
)


class Profil(Formulaire):
    """What its owner may change (IDN-05, 07, 11)."""

    ALIAS: ClassVar = {"adresse": "ligne", "ville": "municipalite"}

    prenom = StringField(_l("Prénom"), [Optional(), Length(max=80)], [sans_bords])
    nom = StringField(_l("Nom"), [Optional(), Length(max=80)], [sans_bords])
    ligne = StringField(_l("Adresse (numéro et rue)"), [Optional(), Length(max=120)], [sans_bords])
    municipalite = StringField(_l("Ville"), [Optional(), Length(max=80)], [sans_bords])
    code_postal = StringField(
        _l("Code postal"),
        [
            Optional(),
            Regexp(CODE_POSTAL, message=_l("Écrivez un code postal canadien, comme J7E 1A1.")),
        ],
        [sans_bords],
    )
    date_naissance = ChampDate(_l("Date de naissance"), [Optional()])
    langue = RadioField(
        _l("Langue des messages"),
        [requis(_l("Choisissez une langue."))],
        choices=[SelectChoice("fr", "Français"), SelectChoice("en", "English")],
    )
    categories = ChampCoches(_l("Types d’avis"), choices=CATEGORIES)
    canaux = ChampCoches(_l("Modes de communication"), choices=CANAUX)
    moyen_prefere = RadioField(
        _l("Moyen de contact préféré"),
        [requis(_l("Choisissez un moyen de contact."))],
        choices=MOYENS,
    )

    def demande(self, version: int) -> pb.ModifierProfilRequest:
        """Return the change as the contract says it."""
        return pb.ModifierProfilRequest(
            request_id=self.request_id.data,
            version=version,
            adresse=identite.Adresse(
                ligne=self.ligne.data,
                ville=self.municipalite.data,
                code_postal=code_postal_canonique(self.code_postal.data),
            ),
            langue=self.langue.data,
            categories=self.categories.data,
            canaux=self.canaux.data,
            moyen_prefere=self.moyen_prefere.data,
            date_naissance=self.date_naissance.iso,
            prenom=self.prenom.data,
            nom=self.nom.data,
        )


class Numero(Formulaire):
    """A phone number to add, or that takes another's place."""

    numero = TelField(
        _l("Numéro de téléphone"),
        [requis(_l("Écrivez un numéro à 10 chiffres, comme 450 555-0123.")), Length(max=30)],
        [sans_bords],
    )
    genre = RadioField(
        _l("Ce numéro est"),
        [requis(_l("Dites si c’est un cellulaire ou un téléphone fixe."))],
        choices=[
            SelectChoice("CELLULAIRE", _l("un cellulaire")),
            SelectChoice("FIXE", _l("un téléphone fixe")),
        ],
        default="CELLULAIRE",
    )


class Code(Formulaire):
    """The six digits that a number received."""

    code = StringField(
        _l("Code de six chiffres"),
        [requis(_l("Écrivez le code de six chiffres.")), Length(max=20)],
        [sans_bords],
    )
