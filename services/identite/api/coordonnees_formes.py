"""Contact points, profiles and recoveries as messages."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from espacecitoyen.identite.v1 import coordonnee_pb2 as points
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from services.identite.domain import StatutCompte
from services.identite.domain.coordonnees import (
    Coordonnee,
    Genre,
    Recuperation,
    courriel_masque,
)
from services.identite.persistence.recuperation import Trouve
from services.identite.use_cases.coordonnees import MonProfil
from services.identite.use_cases.coordonnees_agents import Dossier
from services.identite.use_cases.coordonnees_regles import ReglesCoordonnees

_GENRES: Final = {
    Genre.COURRIEL: points.GENRE_COORDONNEE_COURRIEL,
    Genre.CELLULAIRE: points.GENRE_COORDONNEE_CELLULAIRE,
    Genre.FIXE: points.GENRE_COORDONNEE_FIXE,
}


def coordonnee(une: Coordonnee) -> points.Coordonnee:
    """Give a contact point."""
    return points.Coordonnee(
        coordonnee_id=str(une.id),
        genre=_GENRES[une.genre],
        valeur=une.valeur,
        verifiee=une.verifiee_le is not None,
        verifiee_le=une.verifiee_le.isoformat() if une.verifiee_le else "",
        remplace_id=str(une.remplace_id or ""),
        gelee=une.gelee,
    )


def a_verifier(ligne: str) -> points.Coordonnee:
    """Give a contact point from the one line that the home's read makes of it."""
    coordonnee_id, genre, valeur = ligne.split(" ", 2)
    return points.Coordonnee(
        coordonnee_id=coordonnee_id, genre=_GENRES[Genre(genre)], valeur=valeur
    )


def mon_profil(lu: MonProfil, regles: ReglesCoordonnees) -> pb.MonProfil:
    """Give a profile whole, for its owner."""
    compte = lu.compte
    return pb.MonProfil(
        profil=identite.Profil(
            compte_id=str(compte.id),
            courriel=compte.courriel,
            prenom=compte.prenom,
            nom=compte.nom,
            nom_utilisateur=compte.nom_utilisateur or "",
            date_naissance=compte.date_naissance.isoformat() if compte.date_naissance else "",
            adresse=identite.Adresse(
                ligne=compte.adresse_ligne,
                ville=compte.adresse_ville,
                code_postal=compte.adresse_code_postal,
            ),
            telephone=compte.telephone,
            langue=compte.langue,
            statut=_statut(compte.statut),
            roles=compte.roles,
            moyen_prefere=lu.preferences.moyen_prefere,
            a_verifier=[
                coordonnee(une)
                for une in lu.coordonnees
                if une.genre is not Genre.COURRIEL and une.verifiee_le is None
            ],
        ),
        version=lu.preferences.version,
        categories=lu.preferences.categories,
        canaux=lu.preferences.canaux,
        coordonnees=[coordonnee(une) for une in lu.coordonnees],
        noms_modifiables=regles.noms_modifiables,
        numero_appelant=regles.numero_appelant,
        # Its owner learns that it exists and when the link leaves, not who made it.
        recuperation=None if lu.recuperation is None else recuperation(lu.recuperation, {}, None),
    )


def dossier(lu: Dossier, regles: ReglesCoordonnees, agent_id: UUID) -> pb.DossierCompte:
    """Give what staff see of one person."""
    profil = mon_profil(lu.profil, regles)
    if lu.profil.recuperation is not None:
        profil.recuperation.CopyFrom(recuperation(lu.profil.recuperation, {}, agent_id))
    return pb.DossierCompte(
        mon_profil=profil,
        corrections=[
            pb.Correction(
                correction_id=str(une.id),
                faite_le=une.faite_le.isoformat(),
                agent=une.agent,
                champs=une.champs,
                motif=une.motif,
            )
            for une in lu.corrections
        ],
    )


def compte_trouve(une: Trouve) -> pb.CompteTrouve:
    """Give one person of a list, with no more than tells two namesakes apart."""
    return pb.CompteTrouve(
        compte_id=str(une.id),
        prenom=une.prenom,
        nom=une.nom,
        courriel_masque=courriel_masque(une.courriel),
        date_naissance=une.date_naissance.isoformat() if une.date_naissance else "",
        statut=_statut(une.statut),
    )


def recuperation(
    une: Recuperation, noms: Mapping[UUID, str], agent_id: UUID | None
) -> pb.Recuperation:
    """Give a recovery; `agent_id` is None for the person, who sees no agent and no note."""
    agent = agent_id is not None
    return pb.Recuperation(
        recuperation_id=str(une.id),
        compte_id=str(une.compte_id),
        personne=noms.get(une.compte_id, ""),
        statut=pb.StatutRecuperation.Value(f"STATUT_RECUPERATION_{une.statut}"),
        nouveau_courriel=une.nouveau_courriel if agent else "",
        controles=une.controles if agent else (),
        note=une.note if agent else "",
        demandee_par=noms.get(une.demandee_par, ""),
        decidee_par=noms.get(une.decidee_par, "") if une.decidee_par else "",
        demandee_le=une.demandee_le.isoformat(),
        decidee_le=une.decidee_le.isoformat() if une.decidee_le else "",
        envoi_le=une.envoi_le.isoformat() if une.envoi_le else "",
        de_l_appelant=agent and agent_id == une.demandee_par,
    )


def _statut(statut: str) -> identite.StatutCompte.ValueType:
    return identite.StatutCompte.Value(f"STATUT_COMPTE_{StatutCompte(statut)}")
