"""What the fake services of the gateway's tests answer on a fine day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import grpc

from chassis.grpc_server import ErrorRow
from espacecitoyen.avis.v1 import avis_service_pb2 as avis
from espacecitoyen.cartes.v1 import cartes_service_pb2 as cartes
from espacecitoyen.cartes.v1 import code_service_pb2 as code
from espacecitoyen.cartes.v1 import parcours_service_pb2 as parcours
from espacecitoyen.demandes.v1 import demandes_service_pb2 as demandes
from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from espacecitoyen.identite.v1 import facteurs_service_pb2 as facteurs
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from espacecitoyen.stockage.v1 import stockage_service_pb2 as stockage
from services.identite.domain.droits import permissions
from tests.kit.passerelle_coordonnees import COORDONNEES
from tests.kit.passerelle_espace import ESPACE, PIECE

COMPTE = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0001"
SESSION = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0002"
AUTRE_SESSION = "b0000000-0000-4000-8000-00000000000b"
APPAREIL = "a9000000-0000-4000-8000-0000000000a9"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
DEFI = "inscription.4.1795420800.0123456789abcdef0123456789abcdef.sceau"
RESIDENCE = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0004"
CARTE = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0005"
DEMANDE = "0b1f6f2e-7a53-4c55-9a5e-3f6f2b8f0006"
CITOYENNE = "c" * 43
AGENT = "a" * 43
JETON = "J" * 43

Code = grpc.StatusCode


class Refus(Exception):
    """What a fake service refuses; the subclass says the reason."""

    def __init__(self, **fields: str) -> None:
        super().__init__(type(self).__name__)
        self.fields = fields

    def details(self) -> dict[str, str]:
        return {}


_ROWS = {
    "SESSION_EXPIREE": Code.UNAUTHENTICATED,
    "IDENTIFIANTS_INVALIDES": Code.UNAUTHENTICATED,
    "TROP_DE_TENTATIVES": Code.RESOURCE_EXHAUSTED,
    "LIEN_EXPIRE": Code.FAILED_PRECONDITION,
    "LIEN_DEJA_UTILISE": Code.FAILED_PRECONDITION,
    "LIEN_INCONNU": Code.NOT_FOUND,
    "DONNEES_INVALIDES": Code.INVALID_ARGUMENT,
    "NOM_UTILISATEUR_PRIS": Code.INVALID_ARGUMENT,
    "DEFI_REQUIS": Code.INVALID_ARGUMENT,
    "DEFI_PERIME": Code.INVALID_ARGUMENT,
    "CODE_SECURITE_INVALIDE": Code.INVALID_ARGUMENT,
    "CARTE_DEJA_DEMANDEE": Code.ALREADY_EXISTS,
    "CARTE_INTROUVABLE": Code.NOT_FOUND,
    "PIECE_INTROUVABLE": Code.NOT_FOUND,
    "PIECE_INFECTEE": Code.FAILED_PRECONDITION,
    "PIECE_TROP_GRANDE": Code.INVALID_ARGUMENT,
    "TYPE_NON_ACCEPTE": Code.INVALID_ARGUMENT,
    "QUOTA_DEPASSE": Code.RESOURCE_EXHAUSTED,
    "VERSION_PERIMEE": Code.ABORTED,
    "CODE_INVALIDE": Code.INVALID_ARGUMENT,
    "CODE_EXPIRE": Code.FAILED_PRECONDITION,
    "TROP_DE_CODES": Code.RESOURCE_EXHAUSTED,
    "CELLULAIRE_DEJA_PRIS": Code.FAILED_PRECONDITION,
    "COORDONNEE_DEJA_VERIFIEE": Code.FAILED_PRECONDITION,
    "COORDONNEE_INTROUVABLE": Code.NOT_FOUND,
    "MEME_AGENT": Code.PERMISSION_DENIED,
    "TELEVERSEMENT_INTROUVABLE": Code.NOT_FOUND,
    "POSITION_DIFFERENTE": Code.ABORTED,
    "SOMME_DIFFERENTE": Code.ABORTED,
    "ACCES_REFUSE": Code.PERMISSION_DENIED,
    "EPREUVE_EXPIREE": Code.FAILED_PRECONDITION,
    "FACTEUR_REFUSE": Code.INVALID_ARGUMENT,
    "PREUVE_REQUISE": Code.PERMISSION_DENIED,
    "RAISON_SANS_PHRASE": Code.FAILED_PRECONDITION,
}
REFUS: dict[str, type[Refus]] = {reason: type(reason, (Refus,), {}) for reason in _ROWS}
ERRORS: dict[type[Exception], ErrorRow] = {
    REFUS[reason]: ErrorRow(code, reason) for reason, code in _ROWS.items()
}


def un_profil() -> identite.Profil:
    return identite.Profil(
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
    )


def une_piece(**changes: Any) -> stockage.Piece:
    piece = stockage.Piece(
        piece_id=PIECE,
        nom_fichier="passeport.jpg",
        genre=stockage.GENRE_PIECE_IDENTITE,
        libelle="Passeport",
        valide_jusqu_au="2030-01-01",
        statut=stockage.STATUT_PIECE_SAINE,
        type_media="image/jpeg",
        taille_octets=1234,
        deposee_le="2026-11-22T15:00:00Z",
        pages=1,
        sha256_recu="0" * 64,
        document_id=PIECE,
        version=1,
        versions=1,
        etat_validite=stockage.ETAT_VALIDITE_VALIDE,
        courante=True,
    )
    for name, value in changes.items():
        setattr(piece, name, value)
    return piece


def une_demande() -> cartes.Demande:
    return cartes.Demande(
        demande_id=DEMANDE,
        carte_id=CARTE,
        compte_id=COMPTE,
        statut=cartes.STATUT_DEMANDE_INCOMPLETE,
        titulaire=cartes.Titulaire(
            prenom="Marie",
            nom="Tremblay",
            date_naissance="1990-02-28",
            adresse="1, rue Turgeon",
            ville="Sainte-Thérèse",
            code_postal="J7E1A1",
        ),
        pieces=[
            cartes.PieceJustificative(
                role=cartes.ROLE_PIECE_IDENTITE,
                piece_id=PIECE,
                statut=cartes.STATUT_PIECE_JUSTIFICATIVE_ACCEPTEE,
            ),
            cartes.PieceJustificative(
                role=cartes.ROLE_PIECE_RESIDENCE,
                piece_id=RESIDENCE,
                statut=cartes.STATUT_PIECE_JUSTIFICATIVE_REFUSEE,
                motif=cartes.MOTIF_REFUS_ILLISIBLE,
                precision="La date ne se lit pas.",
            ),
        ],
        deposee_le="2026-11-22T15:00:00Z",
        version=2,
    )


def une_carte() -> cartes.Carte:
    return cartes.Carte(
        carte_id=CARTE,
        statut=cartes.STATUT_CARTE_EN_ATTENTE_VALIDATION,
        prenom="Marie",
        nom="Tremblay",
        numerique=True,
        demande=une_demande(),
    )


def verifier_session(request: identite.VerifierSessionRequest) -> Any:
    """Know the two sessions of the tests."""
    roles = {CITOYENNE: ["citoyen"], AGENT: ["agent_cartes"]}.get(request.jeton_session)
    if roles is None:
        return REFUS["SESSION_EXPIREE"]()
    return identite.VerifierSessionResponse(
        compte_id=COMPTE,
        session_id=SESSION,
        roles=roles,
        permissions=sorted(permissions(roles)),
        prenom="Marie",
        nom="Tremblay",
        langue="fr",
        expire_le="2099-01-01T00:00:00Z",
        prouvee_le=datetime.now(UTC).isoformat(),
    )


def deposer(requests: Iterator[stockage.DeposerPieceRequest]) -> stockage.DeposerPieceResponse:
    """Count the bytes of a document and keep its first message."""
    entete = next(requests).entete
    size = ended = 0
    for item in requests:
        size += len(item.bloc)
        ended = item.fin.taille_octets if item.HasField("fin") else ended
    return stockage.DeposerPieceResponse(
        piece=une_piece(
            nom_fichier=entete.nom_fichier,
            genre=entete.genre,
            libelle=entete.libelle,
            taille_octets=size,
        )
    )


def lire(request: stockage.LirePieceRequest) -> Iterator[stockage.LirePieceResponse]:
    apercu = request.variante == stockage.VARIANTE_PIECE_APERCU
    media = "image/png" if apercu else "image/jpeg"
    yield stockage.LirePieceResponse(
        entete=stockage.EnteteLecture(
            nom_fichier='été "2026".jpg', type_media=media, taille_octets=6
        )
    )
    yield stockage.LirePieceResponse(bloc=b"abc")
    yield stockage.LirePieceResponse(bloc=b"def")


ANSWERS: dict[str, dict[str, Any]] = {
    "identite": {
        "VerifierSession": verifier_session,
        **COORDONNEES,
        "GetProfil": identite.GetProfilResponse(profil=un_profil()),
        "CreerCompte": identite.CreerCompteResponse(),
        "ActiverCompte": identite.ActiverCompteResponse(compte_id=COMPTE),
        "RenvoyerActivation": identite.RenvoyerActivationResponse(),
        "DemanderReinitialisation": identite.DemanderReinitialisationResponse(),
        "ReinitialiserMotDePasse": identite.ReinitialiserMotDePasseResponse(),
        "OuvrirSession": identite.OuvrirSessionResponse(
            jeton_session=CITOYENNE, profil=un_profil(), expire_le="2026-11-22T15:30:00Z"
        ),
        "FermerSession": identite.FermerSessionResponse(),
        "CommencerEpreuve": facteurs.CommencerEpreuveResponse(
            epreuve="e" * 43, options_json='{"challenge": "AAAA"}', totp=True
        ),
        "TerminerConnexion": facteurs.TerminerConnexionResponse(
            jeton_session=CITOYENNE, compte_id=COMPTE, expire_le="2026-11-22T15:30:00Z"
        ),
        "ObtenirDefi": acces.ObtenirDefiResponse(
            jeton=DEFI, bits=4, expire_le="2026-11-23T02:00:00Z"
        ),
        "LireCode": lambda demande: acces.LireCodeResponse(
            contenu=b"RIFF" if demande.forme == acces.FORME_CODE_SON else b"\x89PNG",
            type_media="audio/wav" if demande.forme == acces.FORME_CODE_SON else "image/png",
        ),
        "ListSessions": acces.ListSessionsResponse(
            sessions=[
                acces.SessionPersonnelle(
                    session_id=SESSION,
                    appareil=FIREFOX,
                    ouverte_le="2026-11-22T14:00:00Z",
                    vue_le="2026-11-22T15:00:00Z",
                    courante=True,
                ),
                acces.SessionPersonnelle(
                    session_id=AUTRE_SESSION,
                    appareil="okhttp/4.12",
                    ouverte_le="2026-11-21T14:00:00Z",
                    vue_le="2026-11-21T15:00:00Z",
                ),
            ],
            appareils=[
                acces.Appareil(
                    appareil_id=APPAREIL,
                    libelle=FIREFOX,
                    cree_le="2026-10-01T14:00:00Z",
                    vu_le="2026-11-22T14:00:00Z",
                )
            ],
        ),
        "TerminerSession": acces.TerminerSessionResponse(),
        "TerminerAutresSessions": acces.TerminerAutresSessionsResponse(),
        "OublierAppareil": acces.OublierAppareilResponse(),
        "ChangerMotDePasse": acces.ChangerMotDePasseResponse(jeton_session=CITOYENNE),
        "ChangerNomUtilisateur": acces.ChangerNomUtilisateurResponse(),
        "AnnulerChangement": acces.AnnulerChangementResponse(),
    },
    "cartes": {
        "ListCartes": cartes.ListCartesResponse(cartes=[une_carte()]),
        "GetCarte": cartes.GetCarteResponse(carte=une_carte()),
        "DemanderCarte": cartes.DemanderCarteResponse(carte=une_carte()),
        "ListClesPubliques": code.ListClesPubliquesResponse(
            emetteur="https://carte.exemple.ca",
            cles=[code.ClePublique(kid=b"k" * 8, x=b"x" * 32, y=b"y" * 32, annee=2026)],
        ),
        "GetListeStatuts": code.GetListeStatutsResponse(contenu=b"liste", rafraichir_s=900),
        "AssocierCarte": parcours.AssocierCarteResponse(carte=une_carte()),
        "RenouvelerCarte": parcours.RenouvelerCarteResponse(carte=une_carte()),
        "RemplacerPiece": cartes.RemplacerPieceResponse(carte=une_carte()),
        "ListDemandes": cartes.ListDemandesResponse(
            demandes=[une_demande()], next_page_token="suite", total=7
        ),
        "GetDemande": cartes.GetDemandeResponse(demande=une_demande()),
        "DeciderDemande": cartes.DeciderDemandeResponse(demande=une_demande()),
        "TelechargerPasse": cartes.TelechargerPasseResponse(
            contenu=b"PK\x03\x04passe", nom_fichier="carte.pkpass"
        ),
        "ObtenirLienGoogle": cartes.ObtenirLienGoogleResponse(
            url="https://pay.google.com/gp/v/save/e30.e30.c2ln"
        ),
    },
    "demandes": {
        "ListTypesDemande": demandes.ListTypesDemandeResponse(
            types=[
                demandes.TypeDemande(
                    code="requete_generale",
                    theme="general",
                    theme_fr="Général",
                    theme_en="General",
                    titre_fr="Requête générale",
                    titre_en="General request",
                    description_fr="Une question à la ville.",
                    description_en="A question to the city.",
                )
            ]
        )
    },
    "avis": {
        "GetMesAvis": avis.GetMesAvisResponse(
            abonnements=[
                avis.Abonnement(
                    categorie="urgence",
                    libelle_fr="Urgences",
                    libelle_en="Emergencies",
                    obligatoire=True,
                    abonne=True,
                )
            ],
            canaux=["courriel"],
            messages=[
                avis.Message(
                    envoi_id=DEMANDE,
                    gabarit="activation",
                    objet="Activez votre compte",
                    canal="courriel",
                    statut=avis.STATUT_ENVOI_ENVOYE,
                    cree_le="2026-11-22T15:00:00Z",
                )
            ],
        )
    },
    "stockage": {
        "ListPieces": stockage.ListPiecesResponse(
            pieces=[une_piece()], octets_utilises=1234, quota_octets=1_000_000_000, total=1
        ),
        "GetPiece": stockage.GetPieceResponse(piece=une_piece()),
        "ModifierPiece": stockage.ModifierPieceResponse(piece=une_piece()),
        "SupprimerPiece": stockage.SupprimerPieceResponse(),
        "DeposerPiece": deposer,
        "LirePiece": lire,
        **ESPACE,
    },
}
