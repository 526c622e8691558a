"""Tables of the cartes service and how they map to the domain."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
)
from sqlalchemy import (
    Sequence as DatabaseSequence,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import composite, registry, relationship

from services.cartes.domain import (
    Carte,
    Categorie,
    Demande,
    GenreDemande,
    GenreRappel,
    Lien,
    MotifRefus,
    Origine,
    PieceJustificative,
    RolePiece,
    StatutCarte,
    StatutDemande,
    StatutPieceJustificative,
    Titulaire,
)

_INSTANT = DateTime(timezone=True)


def _names(kind: type[Any]) -> Enum:
    """Return the column type of an enum kept as its name; the migration holds the CHECK."""
    return Enum(kind, native_enum=False, create_constraint=False, length=40)


_metadata = MetaData()
_registry = registry(metadata=_metadata)

numero_carte = DatabaseSequence("numero_carte", metadata=_metadata)

carte = Table(
    "carte",
    _metadata,
    Column("carte_id", Uuid, primary_key=True),
    Column("personne_id", String, nullable=False),
    Column("compte_id", String, nullable=False),
    Column("prenom", String, nullable=False),
    Column("nom", String, nullable=False),
    Column("serie", String, nullable=False),
    Column("statut", _names(StatutCarte), nullable=False),
    Column("numero", String),
    Column("numerique", Boolean, nullable=False),
    Column("physique", Boolean, nullable=False),
    Column("approuvee_le", _INSTANT),
    Column("echeance", Date),
    Column("demandee_le", _INSTANT, nullable=False),
    Column("categorie", _names(Categorie), nullable=False),
    Column("date_naissance", Date),
    Column("code_postal", String, nullable=False),
    Column("origine", _names(Origine), nullable=False),
    Column("associee_le", _INSTANT),
    Column("code", String, nullable=False),
)
demande = Table(
    "demande",
    _metadata,
    Column("demande_id", Uuid, primary_key=True),
    Column("carte_id", Uuid, ForeignKey("carte.carte_id"), nullable=False),
    Column("compte_id", String, nullable=False),
    Column("genre", _names(GenreDemande), nullable=False),
    Column("statut", _names(StatutDemande), nullable=False),
    Column("prenom", String, nullable=False),
    Column("nom", String, nullable=False),
    Column("date_naissance", Date, nullable=False),
    Column("adresse", String, nullable=False),
    Column("ville", String, nullable=False),
    Column("code_postal", String, nullable=False),
    Column("carte_physique", Boolean, nullable=False),
    Column("deposee_le", _INSTANT, nullable=False),
    Column("modifiee_le", _INSTANT, nullable=False),
    Column("decidee_le", _INSTANT),
    Column("version", Integer, nullable=False),
)
piece = Table(
    "piece_justificative",
    _metadata,
    Column("demande_id", Uuid, ForeignKey("demande.demande_id"), primary_key=True),
    Column("role", _names(RolePiece), primary_key=True),
    Column("piece_id", String, nullable=False),
    Column("statut", _names(StatutPieceJustificative), nullable=False),
    Column("motif", _names(MotifRefus)),
    Column("precision", String, nullable=False),
)
decision = Table(
    "decision",
    _metadata,
    Column("demande_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("role", _names(RolePiece), nullable=False),
    Column("piece_id", String, nullable=False),
    Column("agent_id", String, nullable=False),
    Column("acceptee", Boolean, nullable=False),
    Column("motif", _names(MotifRefus)),
    Column("precision", String, nullable=False),
    Column("prise_le", _INSTANT, nullable=False),
)
lien = Table(
    "lien",
    _metadata,
    Column("empreinte", LargeBinary, primary_key=True),
    Column("carte_id", Uuid, ForeignKey("carte.carte_id"), nullable=False),
    Column("cree_le", _INSTANT, nullable=False),
    Column("expire_le", _INSTANT, nullable=False),
)

rappel = Table(
    "rappel",
    _metadata,
    Column("carte_id", Uuid, primary_key=True),
    Column("echeance", Date, primary_key=True),
    Column("genre", _names(GenreRappel), primary_key=True),
    Column("fait_le", _INSTANT, nullable=False),
)
essai_association = Table(
    "essai_association",
    _metadata,
    Column("sujet", String, nullable=False),
    Column("essaye_le", _INSTANT, nullable=False),
)
lot_registre = Table(
    "lot_registre",
    _metadata,
    Column("lot_id", Uuid, primary_key=True),
    Column("fichier", String, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("commence_le", _INSTANT, nullable=False),
    Column("fini_le", _INSTANT),
    Column("annule_le", _INSTANT),
)
registre_change = Table(
    "registre_change",
    _metadata,
    Column("lot_id", Uuid, primary_key=True),
    Column("carte_id", Uuid, primary_key=True),
    Column("avant", JSONB),
)
cle_signature = Table(
    "cle_signature",
    _metadata,
    Column("kid", LargeBinary, primary_key=True),
    Column("annee", Integer, nullable=False),
    Column("publique", LargeBinary, nullable=False),
    Column("privee_scellee", LargeBinary, nullable=False),
    Column("creee_le", _INSTANT, nullable=False),
)
liste_statuts = Table(
    "liste_statuts",
    _metadata,
    Column("liste_id", Integer, primary_key=True),
    Column("taille", Integer, nullable=False),
    Column("attribues", Integer, nullable=False),
)
indice_statut = Table(
    "indice_statut",
    _metadata,
    Column("liste_id", Integer, primary_key=True),
    Column("indice", Integer, primary_key=True),
    Column("carte_id", Uuid, nullable=False),
    Column("retire_le", _INSTANT),
)

_registry.map_imperatively(PieceJustificative, piece)
_registry.map_imperatively(
    Demande,
    demande,
    properties={
        "pieces": relationship(
            PieceJustificative, order_by=piece.c.role, cascade="all", lazy="selectin"
        ),
        "titulaire": composite(
            Titulaire,
            demande.c.prenom,
            demande.c.nom,
            demande.c.date_naissance,
            demande.c.adresse,
            demande.c.ville,
            demande.c.code_postal,
        ),
    },
)
_registry.map_imperatively(Carte, carte)
_registry.map_imperatively(Lien, lien)
