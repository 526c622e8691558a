"""The forms of the back office."""

from typing import Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import Field, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from passerelle.portail.forms import Formulaire, sans_bords

# Sentences that the citizen reads; the agent chooses instead of writing (one per MotifRefus).
MOTIFS: Final = (
    SelectChoice("", _l("Choisissez un motif")),
    SelectChoice("ILLISIBLE", _l("Le document est illisible.")),
    SelectChoice("EXPIREE", _l("Le document est expiré.")),
    SelectChoice("NOM_DIFFERENT", _l("Le nom n’est pas celui de la demande.")),
    SelectChoice("ADRESSE_DIFFERENTE", _l("L’adresse n’est pas celle de la demande.")),
    SelectChoice("GENRE_NON_ACCEPTE", _l("Ce genre de document n’est pas accepté.")),
    SelectChoice("AUTRE", _l("Autre motif")),
)


class DecisionPreuve(Formulaire):
    """What the agent decides about one proof (CAR-04)."""

    verdict = RadioField(
        _l("Décision"),
        [DataRequired(message=_l("Acceptez ou refusez cette pièce."))],
        choices=[SelectChoice("accepter", _l("Accepter")), SelectChoice("refuser", _l("Refuser"))],
    )
    motif = SelectField(_l("Motif du refus"), choices=MOTIFS, default="")
    precision = TextAreaField(
        _l("Précision pour la personne"), [Optional(), Length(max=500)], [sans_bords]
    )

    def validate_motif(self, champ: Field) -> None:
        """A refusal says why."""
        if self.verdict.data == "refuser" and not champ.data:
            raise ValidationError(gettext("Choisissez le motif du refus."))

    def validate_precision(self, champ: Field) -> None:
        """« Autre motif » alone would leave the person without an answer."""
        if self.verdict.data == "refuser" and champ.data == "" and self.motif.data == "AUTRE":
            raise ValidationError(gettext("Écrivez le motif."))

    def decision(self, role: cartes.RolePiece.ValueType) -> cartes.DecisionPiece:
        """Return the decision as the contract says it; an accepted proof has no reason."""
        acceptee = self.verdict.data == "accepter"
        return cartes.DecisionPiece(
            role=role,
            acceptee=acceptee,
            motif=cartes.MotifRefus.Value(
                f"MOTIF_REFUS_{'UNSPECIFIED' if acceptee else self.motif.data}"
            ),
            precision="" if acceptee else self.precision.data,
        )
