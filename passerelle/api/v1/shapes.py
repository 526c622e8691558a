"""Messages of the services as JSON. An unset field is null; an enum loses its prefix."""

from typing import Any

from espacecitoyen.avis.v1 import avis_service_pb2 as avis
from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.demandes.v1 import demandes_service_pb2 as demandes
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from passerelle import messages
from passerelle.home import Block, Home
from passerelle.visits import Visit

Json = dict[str, Any]


def word(enum: Any, prefix: str, value: int) -> str | None:
    """Return the name of an enum value without its prefix; null for UNSPECIFIED or unknown."""
    if not value or value not in enum.values():
        return None
    name: str = enum.Name(value)
    return name.removeprefix(prefix)


def profil(message: identite.Profil) -> Json:
    """Return a `Profil`."""
    return {
        "compte_id": message.compte_id,
        "courriel": message.courriel,
        "prenom": message.prenom,
        "nom": message.nom,
        "nom_utilisateur": message.nom_utilisateur or None,
        "date_naissance": message.date_naissance or None,
        "adresse": {
            "ligne": message.adresse.ligne,
            "ville": message.adresse.ville,
            "code_postal": message.adresse.code_postal,
        }
        if message.HasField("adresse")
        else None,
        "telephone": message.telephone or None,
        "langue": message.langue or None,
        "statut": word(identite.StatutCompte, "STATUT_COMPTE_", message.statut),
        "roles": list(message.roles),
    }


def visite(visit: Visit) -> Json:
    """Return who is logged in."""
    return {
        "compte_id": visit.compte_id,
        "prenom": visit.prenom,
        "nom": visit.nom,
        "langue": visit.langue or None,
        "roles": sorted(visit.roles),
        "expire_le": visit.expire_le or None,
    }


def piece(message: stockage.Piece) -> Json:
    """Return a `Piece`."""
    return {
        "piece_id": message.piece_id,
        "nom_fichier": message.nom_fichier,
        "genre": word(stockage.GenrePiece, "GENRE_PIECE_", message.genre),
        "libelle": message.libelle or None,
        "valide_jusqu_au": message.valide_jusqu_au or None,
        "statut": word(stockage.StatutPiece, "STATUT_PIECE_", message.statut),
        "type_media": message.type_media or None,
        "taille_octets": message.taille_octets,
        "deposee_le": message.deposee_le or None,
        "pages": message.pages,
        "sha256_recu": message.sha256_recu or None,
        "utilisee": message.utilisee,
        "document_id": message.document_id or None,
        "version": message.version,
        "versions": message.versions,
        "etat_validite": word(stockage.EtatValidite, "ETAT_VALIDITE_", message.etat_validite),
        "utilisations": message.utilisations,
        "courante": message.courante,
        "remplacement": word(stockage.StatutPiece, "STATUT_PIECE_", message.remplacement),
        "gelee": message.gelee,
    }


def utilisation(message: stockage.Utilisation) -> Json:
    """Return a `Utilisation`."""
    return {
        "service": message.service,
        "dossier_id": message.dossier_id,
        "piece_id": message.piece_id,
        "version": message.version,
        "retenue_le": message.retenue_le or None,
        "decidee_le": message.decidee_le or None,
        "purgee_apres": message.purgee_apres or None,
    }


def consultation(message: stockage.Consultation) -> Json:
    """Return a `Consultation`; who among the staff read it is for the city's own audit."""
    return {
        "lue_le": message.lue_le or None,
        "qualite": word(stockage.QualiteLecteur, "QUALITE_LECTEUR_", message.qualite),
        "motif": message.motif or None,
        "dossier_id": message.dossier_id or None,
        "variante": word(stockage.VariantePiece, "VARIANTE_PIECE_", message.variante),
        "version": message.version,
    }


def liste_pieces(message: stockage.ListPiecesResponse) -> Json:
    """Return a page of `Piece` and the state of the space."""
    return {
        "pieces": [piece(item) for item in message.pieces],
        "suivant": message.next_page_token or None,
        "total": message.total,
        "octets_utilises": message.octets_utilises,
        "quota_octets": message.quota_octets,
    }


def carte(message: cartes.Carte) -> Json:
    """Return a `Carte`."""
    return {
        "carte_id": message.carte_id,
        "numero": message.numero or None,
        "statut": word(cartes.StatutCarte, "STATUT_CARTE_", message.statut),
        "prenom": message.prenom,
        "nom": message.nom,
        "echeance": message.echeance or None,
        "numerique": message.numerique,
        "physique": message.physique,
        "demande": demande_carte(message.demande) if message.HasField("demande") else None,
        "renouvelable": message.renouvelable,
        "renouvelable_des": message.renouvelable_des or None,
    }


def liste_cartes(message: cartes.ListCartesResponse) -> Json:
    """Return the cards of a person."""
    return {"cartes": [carte(item) for item in message.cartes]}


def demande_carte(message: cartes.Demande) -> Json:
    """Return a `DemandeCarte`."""
    return {
        "demande_id": message.demande_id,
        "carte_id": message.carte_id,
        "compte_id": message.compte_id,
        "statut": word(cartes.StatutDemande, "STATUT_DEMANDE_", message.statut),
        "titulaire": titulaire(message.titulaire) if message.HasField("titulaire") else None,
        "pieces": [_preuve(item) for item in message.pieces],
        "deposee_le": message.deposee_le or None,
        "decidee_le": message.decidee_le or None,
        "carte_physique": message.carte_physique,
        "genre": word(cartes.GenreDemande, "GENRE_DEMANDE_", message.genre),
        "version": message.version,
    }


def titulaire(message: cartes.Titulaire) -> Json:
    """Return a `Titulaire`."""
    return {
        "prenom": message.prenom,
        "nom": message.nom,
        "date_naissance": message.date_naissance or None,
        "adresse": message.adresse,
        "ville": message.ville,
        "code_postal": message.code_postal,
    }


def liste_demandes_carte(message: cartes.ListDemandesResponse) -> Json:
    """Return a page of `DemandeCarte`."""
    return {
        "demandes": [demande_carte(item) for item in message.demandes],
        "suivant": message.next_page_token or None,
        "total": message.total,
    }


def types_demande(message: demandes.ListTypesDemandeResponse) -> Json:
    """Return a page of the catalogue."""
    return {
        "types": [
            {
                "code": item.code,
                "theme": item.theme,
                "theme_fr": item.theme_fr,
                "theme_en": item.theme_en,
                "titre_fr": item.titre_fr,
                "titre_en": item.titre_en,
                "description_fr": item.description_fr,
                "description_en": item.description_en,
                "compte_requis": item.compte_requis,
            }
            for item in message.types
        ],
        "suivant": message.next_page_token or None,
    }


def mes_avis(message: avis.GetMesAvisResponse) -> Json:
    """Return the subscriptions, channels and latest messages of a person."""
    return {
        "abonnements": [
            {
                "categorie": item.categorie,
                "libelle_fr": item.libelle_fr,
                "libelle_en": item.libelle_en,
                "obligatoire": item.obligatoire,
                "abonne": item.abonne,
            }
            for item in message.abonnements
        ],
        "canaux": list(message.canaux),
        "messages": [
            {
                "envoi_id": item.envoi_id,
                "gabarit": item.gabarit,
                "objet": item.objet,
                "canal": item.canal,
                "statut": word(avis.StatutEnvoi, "STATUT_ENVOI_", item.statut),
                "cree_le": item.cree_le or None,
            }
            for item in message.messages
        ],
    }


def accueil(home: Home) -> Json:
    """Return the aggregated home, one block per service."""
    return {
        "complet": home.complete,
        "profil": _block(home.profil, profil),
        "cartes": _block(home.cartes, liste_cartes),
        "demandes": _block(home.demandes, types_demande),
        "avis": _block(home.avis, mes_avis),
        "stockage": _block(home.stockage, liste_pieces),
    }


def _block(block: Block[Any], shape: Any) -> Json:
    error = block.error
    return {
        "valeur": None if block.value is None else shape(block.value),
        "erreur": None
        if error is None
        else {
            "code": error,
            "message_fr": messages.text(error, "fr"),
            "message_en": messages.text(error, "en"),
        },
    }


def _preuve(message: cartes.PieceJustificative) -> Json:
    statuts = cartes.StatutPieceJustificative
    return {
        "role": word(cartes.RolePiece, "ROLE_PIECE_", message.role),
        "piece_id": message.piece_id,
        "statut": word(statuts, "STATUT_PIECE_JUSTIFICATIVE_", message.statut),
        "motif": word(cartes.MotifRefus, "MOTIF_REFUS_", message.motif),
        "precision": message.precision or None,
    }
