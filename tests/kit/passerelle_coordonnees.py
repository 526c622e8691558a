"""What the fake identite answers about profiles and contact points on a fine day."""

from __future__ import annotations

from typing import Any

from espacecitoyen.identite.v1 import coordonnee_pb2 as points
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2 as identite

COMPTE = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0001"
A_VERIFIER = "c0000000-0000-4000-8000-00000000c001"
VERIFIEE = "c0000000-0000-4000-8000-00000000c002"
RECUPERATION = "c0000000-0000-4000-8000-00000000c003"


def une_coordonnee(**changes: Any) -> points.Coordonnee:
    """A cellular that waits for its proof."""
    valeurs: dict[str, Any] = {
        "coordonnee_id": A_VERIFIER,
        "genre": points.GENRE_COORDONNEE_CELLULAIRE,
        "valeur": "+14505550123",
    }
    return points.Coordonnee(**(valeurs | changes))


def une_verifiee(**changes: Any) -> points.Coordonnee:
    """A number proved by a call."""
    return une_coordonnee(
        coordonnee_id=VERIFIEE,
        genre=points.GENRE_COORDONNEE_FIXE,
        valeur="+14505550199",
        verifiee=True,
        verifiee_le="2026-11-01T15:00:00+00:00",
        **changes,
    )


def mon_profil(**changes: Any) -> pb.MonProfil:
    """A profile with one number of each state."""
    mien = pb.MonProfil(
        profil=identite.Profil(
            compte_id=COMPTE,
            courriel="marie@exemple.ca",
            prenom="Marie",
            nom="Tremblay",
            date_naissance="1990-02-28",
            adresse=identite.Adresse(
                ligne="1, rue Turgeon", ville="Sainte-Thérèse", code_postal="J7E1A1"
            ),
            langue="fr",
            statut=identite.STATUT_COMPTE_ACTIF,
            roles=["citoyen"],
            moyen_prefere="courriel",
            a_verifier=[une_coordonnee()],
        ),
        version=7,
        categories=["info_travaux"],
        canaux=["courriel"],
        coordonnees=[une_coordonnee(), une_verifiee()],
        numero_appelant="+18195550143",
    )
    mien.MergeFrom(pb.MonProfil(**changes))
    return mien


def une_recuperation(**changes: Any) -> pb.Recuperation:
    """A recovery that waits for a second agent."""
    valeurs: dict[str, Any] = {
        "recuperation_id": RECUPERATION,
        "compte_id": COMPTE,
        "personne": "Marie Tremblay",
        "statut": pb.STATUT_RECUPERATION_DEMANDEE,
        "nouveau_courriel": "marie.neuve@exemple.ca",
        "controles": ["piece_identite", "presence"],
        "note": "Permis de conduire vu au comptoir",
        "demandee_par": "Andrée Exemple",
        "demandee_le": "2026-11-22T15:00:00+00:00",
    }
    return pb.Recuperation(**(valeurs | changes))


def un_dossier() -> pb.DossierCompte:
    """What staff see."""
    return pb.DossierCompte(
        mon_profil=mon_profil(),
        corrections=[
            pb.Correction(
                correction_id=VERIFIEE,
                faite_le="2026-11-20T15:00:00+00:00",
                agent="Andrée Exemple",
                champs=["nom"],
                motif="Mariage, certificat vu",
            )
        ],
    )


COORDONNEES: dict[str, Any] = {
    "GetMonProfil": pb.GetMonProfilResponse(mon_profil=mon_profil()),
    "ModifierProfil": pb.ModifierProfilResponse(mon_profil=mon_profil()),
    "AjouterCoordonnee": pb.AjouterCoordonneeResponse(coordonnee=une_coordonnee()),
    "RetirerCoordonnee": pb.RetirerCoordonneeResponse(),
    "DemanderCode": pb.DemanderCodeResponse(expire_le="2026-11-22T15:10:00+00:00"),
    "ValiderCoordonnee": pb.ValiderCoordonneeResponse(coordonnee=une_verifiee()),
    "ConfirmerCourriel": pb.ConfirmerCourrielResponse(),
    "ArreterRecuperation": pb.ArreterRecuperationResponse(),
    "ListComptes": pb.ListComptesResponse(
        comptes=[
            pb.CompteTrouve(
                compte_id=COMPTE,
                prenom="Marie",
                nom="Tremblay",
                courriel_masque="m…@exemple.ca",
                date_naissance="1990-02-28",
                statut=identite.STATUT_COMPTE_ACTIF,
            )
        ]
    ),
    "GetCompte": pb.GetCompteResponse(dossier=un_dossier()),
    "CorrigerCompte": pb.CorrigerCompteResponse(dossier=un_dossier()),
    "DemanderRecuperation": pb.DemanderRecuperationResponse(recuperation=une_recuperation()),
    "DeciderRecuperation": pb.DeciderRecuperationResponse(recuperation=une_recuperation()),
    "ListRecuperations": pb.ListRecuperationsResponse(recuperations=[une_recuperation()]),
}
