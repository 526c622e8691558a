"""The forms of the portal: what is required, what each field accepts, and in which words.

The services judge again by themselves; these checks only spare people a trip. What a service says
about a field lands beside that field.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import ClassVar, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    Form,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    widgets,
)
from wtforms.fields import DateField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, Regexp, ValidationError

from passerelle import messages
from passerelle.problems import Problem, reader_language

CODE_POSTAL: Final = re.compile(r"[A-Za-z]\d[A-Za-z][ -]?\d[A-Za-z]\d")
_TELEPHONE: Final = re.compile(r"\+?[\d\s().-]{10,20}")
_COURRIEL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_AGE_MAX: Final = 130

CATEGORIES: Final = (
    SelectChoice("collectes_environnement", _l("Collectes et environnement")),
    SelectChoice("culture_loisirs", _l("Culture et loisirs")),
    SelectChoice("info_travaux", _l("Info-travaux")),
    SelectChoice("rappels_saisonniers", _l("Rappels saisonniers")),
    SelectChoice("taxes_municipales", _l("Taxes municipales")),
    SelectChoice("vie_democratique", _l("Vie démocratique")),
)
CANAUX: Final = (
    SelectChoice("courriel", _l("Courriel")),
    SelectChoice("texto", _l("SMS (texto)")),
    SelectChoice("telephone", _l("Appel téléphonique, pour les urgences seulement")),
)
GENRES: Final = (
    SelectChoice("IDENTITE", _l("Pièce d’identité")),
    SelectChoice("RESIDENCE", _l("Preuve de résidence")),
    SelectChoice("AUTRE", _l("Autre document")),
)


class Formulaire(Form):  # type: ignore[misc]
    """A form that keeps what was typed and says what is wrong, field by field.

    Attributes:
        generale: the fault that belongs to no field, empty when there is none.
    """

    # Names in contracts that differ from the field's.
    ALIAS: ClassVar[Mapping[str, str]] = {}

    request_id = HiddenField()

    generale: str = ""

    def noter(self, probleme: Problem) -> None:
        """Put what a service refused beside the fields it named, or on top."""
        langue = reader_language()
        placees = 0
        for nom, code in probleme.fields.items():
            champ = self._champ(nom)
            if champ is not None:
                champ.errors = [*champ.errors, messages.text(code, langue)]
                placees += 1
        if not placees:
            self.generale = probleme.detail(langue)

    def fautes(self) -> list[tuple[str, str]]:
        """Return (id of the field, sentence) of each fault, in the order of the page."""
        return [(champ.id, str(faute)) for champ in self for faute in champ.errors]

    def _champ(self, nom: str) -> Field | None:
        court = nom.rpartition(".")[2]
        trouve: Field | None = self._fields.get(self.ALIAS.get(nom, self.ALIAS.get(court, court)))
        return trouve


def requis(phrase: object) -> InputRequired:
    """Return the rule of a required field; the sentence says what to do, not « champ requis »."""
    return InputRequired(message=phrase)


def sans_bords(valeur: str | None) -> str:
    """Return what was typed without the spaces around it."""
    return (valeur or "").strip()


def _courriel(_form: Form, champ: Field) -> None:
    if champ.data and not _COURRIEL.fullmatch(champ.data):
        raise ValidationError(
            gettext("Écrivez une adresse courriel complète, comme prenom@exemple.ca.")
        )


def date_passee(_form: Form, champ: Field) -> None:
    """Refuse a birth date in the future, or of nobody alive."""
    aujourd_hui = datetime.now(UTC).date()
    if champ.data and not (
        aujourd_hui.year - _AGE_MAX <= champ.data.year and champ.data <= aujourd_hui
    ):
        raise ValidationError(gettext("Écrivez une date de naissance réelle."))


class ChampDate(DateField):  # type: ignore[misc]
    """A day; an unreadable one keeps what was typed and says how to write it."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read AAAA-MM-JJ, the form that browsers send."""
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            self.data = date.fromisoformat(valuelist[0].strip())
        except ValueError:
            raise ValueError(gettext("Écrivez la date ainsi : AAAA-MM-JJ.")) from None

    @property
    def iso(self) -> str:
        """The ISO date, empty when none was given."""
        return self.data.isoformat() if self.data else ""


class ChampCoches(SelectMultipleField):  # type: ignore[misc]
    """Check boxes that read as one question."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class AvecDefi(Formulaire):
    """A form that a check against robots precedes (IDN-03); see `portail.defi`."""

    defi = HiddenField()
    preuve = HiddenField()
    code_securite = StringField(_l("Code de sécurité"), [Optional(), Length(max=40)], [sans_bords])


class Inscription(AvecDefi):
    """Sign-up (IDN-01, 05)."""

    ALIAS: ClassVar[Mapping[str, str]] = {"adresse": "ligne"}

    prenom = StringField(
        _l("Prénom"), [requis(_l("Écrivez votre prénom.")), Length(max=100)], [sans_bords]
    )
    nom = StringField(
        _l("Nom"), [requis(_l("Écrivez votre nom de famille.")), Length(max=100)], [sans_bords]
    )
    courriel = EmailField(
        _l("Adresse courriel"),
        [requis(_l("Écrivez votre adresse courriel.")), Length(max=254), _courriel],
        [sans_bords],
    )
    nom_utilisateur = StringField(
        _l("Nom d’utilisateur"), [Optional(), Length(max=60)], [sans_bords]
    )
    mot_de_passe = PasswordField(
        _l("Mot de passe"), [requis(_l("Choisissez un mot de passe.")), Length(max=256)]
    )
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
    date_naissance = ChampDate(_l("Date de naissance"), [Optional(), date_passee])
    telephone = TelField(
        _l("Téléphone cellulaire"),
        [
            Optional(),
            Regexp(_TELEPHONE, message=_l("Écrivez un numéro à 10 chiffres, comme 450 555-0123.")),
        ],
        [sans_bords],
    )
    langue = RadioField(
        _l("Langue des messages"),
        choices=[SelectChoice("fr", "Français"), SelectChoice("en", "English")],
        default="fr",
    )
    categories = ChampCoches(_l("Types d’avis"), choices=CATEGORIES)
    canaux = ChampCoches(_l("Modes de communication"), choices=CANAUX, default=["courriel"])

    def validate_canaux(self, champ: Field) -> None:
        """SMS and calls need a number."""
        if {"texto", "telephone"} & set(champ.data or ()) and not self.telephone.data:
            raise ValidationError(
                gettext("Pour recevoir des SMS ou des appels, écrivez un numéro de téléphone.")
            )


class Courriel(Formulaire):
    """One address: a link sent again, a forgotten password."""

    courriel = EmailField(
        _l("Adresse courriel"),
        [requis(_l("Écrivez votre adresse courriel.")), Length(max=254), _courriel],
        [sans_bords],
    )


class Connexion(AvecDefi):
    """Log-in by e-mail or user name (IDN-02)."""

    suite = HiddenField()
    identifiant = StringField(
        _l("Courriel ou nom d’utilisateur"),
        [requis(_l("Écrivez votre courriel ou votre nom d’utilisateur.")), Length(max=254)],
        [sans_bords],
    )
    mot_de_passe = PasswordField(
        _l("Mot de passe"), [requis(_l("Écrivez votre mot de passe.")), Length(max=256)]
    )


class NouveauMotDePasse(Formulaire):
    """A new password with a mailed link (IDN-12)."""

    mot_de_passe = PasswordField(
        _l("Nouveau mot de passe"), [requis(_l("Choisissez un mot de passe.")), Length(max=256)]
    )


class ChangementMotDePasse(Formulaire):
    """One's own password (IDN-16)."""

    actuel = PasswordField(
        _l("Mot de passe actuel"),
        [requis(_l("Écrivez votre mot de passe actuel.")), Length(max=256)],
    )
    nouveau = PasswordField(
        _l("Nouveau mot de passe"), [requis(_l("Choisissez un mot de passe.")), Length(max=256)]
    )


class ChangementNomUtilisateur(Formulaire):
    """One's own user name (IDN-16); its password field has an id of its own on the page."""

    nom_utilisateur = StringField(
        _l("Nom d’utilisateur"), [Optional(), Length(max=60)], [sans_bords]
    )
    actuel = PasswordField(
        _l("Mot de passe actuel"),
        [requis(_l("Écrivez votre mot de passe actuel.")), Length(max=256)],
        id="actuel-nom",
    )


class Ticket(Formulaire):
    """The number of an acknowledgement e-mail (DEM-06)."""

    numero = StringField(
        _l("Numéro de ticket"),
        [requis(_l("Écrivez le numéro de ticket.")), Length(max=40)],
        [sans_bords],
    )

    @staticmethod
    def mal_ecrit() -> str:
        """Return what to say of a number that no acknowledgement can bear."""
        phrase: str = gettext(
            "Recopiez le numéro tel qu’il est écrit dans le courriel d’accusé de réception."
        )
        return phrase


class ChampsPiece(Formulaire):
    """The fields of a document (STO-01); its file is streamed, never read by this form."""

    genre = SelectField(_l("Genre de pièce"), choices=GENRES)
    libelle = StringField(_l("Libellé"), [Optional(), Length(max=200)], [sans_bords])
    valide_jusqu_au = ChampDate(_l("Valide jusqu’au"), [Optional()])


class DemandeCarte(Formulaire):
    """« Demander ma carte » (CAR-02)."""

    ALIAS: ClassVar[Mapping[str, str]] = {
        "piece_identite_id": "piece_identite",
        "piece_residence_id": "piece_residence",
        "ville": "municipalite",
    }

    piece_identite = RadioField(
        _l("Pièce d’identité"),
        [requis(_l("Choisissez une pièce d’identité."))],
        choices=[],
        validate_choice=False,
    )
    piece_residence = RadioField(
        _l("Preuve de résidence"),
        [requis(_l("Choisissez une preuve de résidence."))],
        choices=[],
        validate_choice=False,
    )
    carte_physique = BooleanField(_l("Carte physique (facultatif)"))
    prenom = StringField(
        _l("Prénom"), [requis(_l("Écrivez le prénom.")), Length(max=100)], [sans_bords]
    )
    nom = StringField(_l("Nom"), [requis(_l("Écrivez le nom.")), Length(max=100)], [sans_bords])
    date_naissance = ChampDate(
        _l("Date de naissance"), [requis(_l("Écrivez la date de naissance.")), date_passee]
    )
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

    def validate_piece_residence(self, champ: Field) -> None:
        """One document cannot prove both."""
        if champ.data and champ.data == self.piece_identite.data:
            raise ValidationError(
                gettext("Choisissez un document différent de la pièce d’identité.")
            )


class RemplacementPiece(Formulaire):
    """One refused proof is replaced, that one alone (CAR-04)."""

    piece_id = RadioField(
        _l("Nouvelle pièce"),
        [requis(_l("Choisissez un document."))],
        choices=[],
        validate_choice=False,
    )
    role = HiddenField()


def code_postal_canonique(code: str) -> str:
    """Return the form of the contracts: J7E1A1."""
    return re.sub(r"[\s-]", "", code).upper()


def telephone_e164(numero: str) -> str:
    """Return a North American number as +1 and ten digits; anything else as typed."""
    chiffres = re.sub(r"\D", "", numero)
    if len(chiffres) == len("4505550123"):
        return f"+1{chiffres}"
    return f"+{chiffres}" if chiffres else ""
