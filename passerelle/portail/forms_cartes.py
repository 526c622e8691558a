"""The forms of a card that exists (CAR-03, CAR-09)."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, RadioField, StringField
from wtforms.validators import Length, Regexp, ValidationError

from passerelle.portail.forms import (
    CODE_POSTAL,
    ChampDate,
    Formulaire,
    date_passee,
    requis,
    sans_bords,
)

_NUMERO: Final = re.compile(r"(?:\d[ -]?){13}\d")


class AssociationCarte(Formulaire):
    """« Associer mon compte à une carte existante » (CAR-03)."""

    numero = StringField(
        _l("Numéro de la carte"),
        [
            requis(_l("Écrivez le numéro de la carte.")),
            Regexp(_NUMERO, message=_l("Écrivez les 14 chiffres imprimés sur la carte.")),
        ],
        [sans_bords],
    )
    date_naissance = ChampDate(
        _l("Date de naissance"), [requis(_l("Écrivez la date de naissance.")), date_passee]
    )
    code_postal = StringField(
        _l("Code postal"),
        [
            requis(_l("Écrivez le code postal.")),
            Regexp(CODE_POSTAL, message=_l("Écrivez un code postal canadien, comme J7E 1A1.")),
        ],
        [sans_bords],
    )
    carte_physique = BooleanField(_l("Je garde aussi ma carte physique"))


class RenouvellementCarte(Formulaire):
    """« Renouveler » (CAR-09)."""

    ALIAS: ClassVar[Mapping[str, str]] = {
        "piece_identite_id": "piece_identite",
        "piece_residence_id": "piece_residence",
        "ville": "municipalite",
    }

    piece_residence = RadioField(
        _l("Preuve de résidence"),
        [requis(_l("Choisissez une preuve de résidence."))],
        choices=[],
        validate_choice=False,
    )
    piece_identite = RadioField(_l("Pièce d’identité"), choices=[], validate_choice=False)
    carte_physique = BooleanField(_l("Recevoir une nouvelle carte physique (facultatif)"))
    adresse = StringField(
        _l("Adresse (numéro et rue)"),
        [requis(_l("Écrivez l’adresse.")), Length(max=120)],
        [sans_bords],
    )
    municipalite = StringField(
        _l("Ville"), [requis(_l("Écrivez la ville.")), Length(max=80)], [sans_bords]
    )
    code_postal = StringField(
        _l("Code postal"),
        [
            requis(_l("Écrivez le code postal.")),
            Regexp(CODE_POSTAL, message=_l("Écrivez un code postal canadien, comme J7E 1A1.")),
        ],
        [sans_bords],
    )

    def validate_piece_identite(self, champ: Field) -> None:
        """One document cannot prove both."""
        if champ.data and champ.data == self.piece_residence.data:
            raise ValidationError(
                gettext("Choisissez un document différent de la preuve de résidence.")
            )
