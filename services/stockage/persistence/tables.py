"""Tables of stockage, as `migrations/` makes them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)

_meta = MetaData()
_instant = DateTime(timezone=True)

ESPACE = Table(
    "espace",
    _meta,
    Column("compte_id", Uuid, primary_key=True),
    Column("cle_version", Integer),
    Column("cle_enveloppe", LargeBinary),
    Column("octets_utilises", BigInteger),
    Column("nombre_pieces", BigInteger),
    Column("cree_le", _instant),
)
PIECE = Table(
    "piece",
    _meta,
    Column("piece_id", Uuid, primary_key=True),
    Column("compte_id", Uuid),
    Column("nom_fichier", Text),
    Column("genre", Text),
    Column("libelle", Text),
    Column("valide_jusqu_au", Date),
    Column("statut", Text),
    Column("raison", Text),
    Column("type_media", Text),
    Column("taille_octets", BigInteger),
    Column("pages", Integer),
    Column("deposee_le", _instant),
    Column("retiree_le", _instant),
    Column("sha256_recu", LargeBinary),
    Column("objet_nom", Text),
    Column("objet_enveloppe", LargeBinary),
    Column("objet_sha256", LargeBinary),
    Column("tentatives", Integer),
    Column("prochaine_tentative", _instant),
)
RETENUE = Table(
    "retenue",
    _meta,
    Column("service", Text, primary_key=True),
    Column("dossier_id", Text, primary_key=True),
    Column("piece_id", Uuid, primary_key=True),
    Column("compte_id", Uuid),
    Column("retenue_le", _instant),
    Column("liberee_le", _instant),
)
