"""What avis hears: mails to send, contact points, choices, news of cards; and its timers.

Every handler notes its event in the ledger, then gives at once what can leave. What a death or an
absent mail server cuts short, the sweeper takes up: an event is never needed twice.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chassis.consumer import Event, subscribe, timer
from chassis.seal import unseal
from chassis.topology import Subscription
from espacecitoyen.cartes.v1.evenements_pb2 import (
    AssociationRefusee,
    CarteApprouvee,
    CarteAssociee,
    CarteDemandee,
    CarteRenouvelee,
    DemandeIncomplete,
    RappelEcheance,
    RenouvellementDemande,
)
from espacecitoyen.identite.v1.evenements_pb2 import (
    CompteActive,
    CoordonneesRetirees,
    CoordonneesValidees,
    CourrielDemande,
    MessageDemande,
    ProfilModifie,
)
from espacecitoyen.stockage.v1.evenements_pb2 import GelPose, PieceBientotExpiree
from services.avis import use_cases
from services.avis.domain import Gabarit, GabaritInconnu
from services.avis.use_cases import CONSOMMATEUR, Expedition, preferences
from services.avis.use_cases.messages import Messagerie, envoyer_message

# Declared by the deploy job; a contract test holds them equal to the handlers below.
SUBSCRIPTIONS: tuple[Subscription, ...] = (
    Subscription(CONSOMMATEUR, "cartes", "association_refusee.v1"),
    Subscription(CONSOMMATEUR, "cartes", "carte_approuvee.v1"),
    Subscription(CONSOMMATEUR, "cartes", "carte_associee.v1"),
    Subscription(CONSOMMATEUR, "cartes", "carte_demandee.v1"),
    Subscription(CONSOMMATEUR, "cartes", "carte_renouvelee.v1"),
    Subscription(CONSOMMATEUR, "cartes", "demande_incomplete.v1"),
    Subscription(CONSOMMATEUR, "cartes", "rappel_echeance.v1"),
    Subscription(CONSOMMATEUR, "cartes", "renouvellement_demande.v1"),
    Subscription(CONSOMMATEUR, "identite", "compte_active.v1"),
    Subscription(CONSOMMATEUR, "identite", "coordonnees_retirees.v1"),
    Subscription(CONSOMMATEUR, "identite", "coordonnees_validees.v1"),
    Subscription(CONSOMMATEUR, "identite", "courriel_demande.v1"),
    Subscription(CONSOMMATEUR, "identite", "message_demande.v1"),
    Subscription(CONSOMMATEUR, "identite", "profil_modifie.v1"),
    Subscription(CONSOMMATEUR, "stockage", "gel_pose.v1"),
    Subscription(CONSOMMATEUR, "stockage", "piece_bientot_expiree.v1"),
)

_Nouvelle = (
    Event[AssociationRefusee]
    | Event[CarteApprouvee]
    | Event[CarteAssociee]
    | Event[CarteDemandee]
    | Event[CarteRenouvelee]
    | Event[DemandeIncomplete]
    | Event[GelPose]
    | Event[PieceBientotExpiree]
    | Event[RappelEcheance]
    | Event[RenouvellementDemande]
)
_RAPPELS = {"PREMIER": Gabarit.RAPPEL_PREMIER, "DERNIER": Gabarit.RAPPEL_DERNIER}

_BALAYAGE_S = 1.0
_OUBLI_S = 600.0


def build(  # noqa: C901  (one nested function per event, no branch)
    *,
    expedition: Expedition,
    messagerie: Messagerie,
    cle_identite: bytes,
    cle_cartes: bytes,
    horloge: Callable[[], datetime],
    retention_donnees: timedelta,
    retention_envois: timedelta,
) -> type:
    """Make the nameko class of this service.

    Args:
        expedition: what sending mails needs.
        messagerie: what giving SMS and calls needs.
        cle_identite: opens what identite sealed, 32 bytes.
        cle_cartes: opens what cartes sealed, 32 bytes.
        horloge: gives aware UTC time.
        retention_donnees: how long the data of a finished mail are kept.
        retention_envois: how long a finished mail stays in the ledger.
    """

    def annoncer(
        event: _Nouvelle,
        gabarit: Gabarit,
        donnees: Mapping[str, str],
    ) -> None:
        envois = use_cases.inscrire_nouvelle(
            sessions=expedition.sessions,
            cle=expedition.cle,
            event_id=event.id,
            compte_id=event.message.compte_id,
            gabarit=gabarit,
            donnees=donnees,
            maintenant=horloge(),
        )
        use_cases.envoyer_tous(expedition=expedition, envois=envois)

    class AvisEvents:
        """Handlers and timers."""

        name = CONSOMMATEUR

        @subscribe("identite", CourrielDemande, consumer=CONSOMMATEUR)
        def sur_courriel_demande(self, event: Event[CourrielDemande]) -> None:
            message = event.message
            envois = use_cases.inscrire_courriel(
                sessions=expedition.sessions,
                cle=expedition.cle,
                event_id=event.id,
                compte_id=message.compte_id,
                gabarit=message.gabarit,
                langue=message.langue,
                donnees=unseal(message.scelle, key=cle_identite, context="CourrielDemande"),
                maintenant=horloge(),
            )
            use_cases.envoyer_tous(expedition=expedition, envois=envois)

        @subscribe("identite", CoordonneesValidees, consumer=CONSOMMATEUR)
        def sur_coordonnees_validees(self, event: Event[CoordonneesValidees]) -> None:
            message = event.message
            envois = use_cases.enregistrer_coordonnees(
                sessions=expedition.sessions,
                cle=expedition.cle,
                event_id=event.id,
                compte_id=message.compte_id,
                canal=message.canal,
                langue=message.langue,
                donnees=unseal(message.scelle, key=cle_identite, context="CoordonneesValidees"),
                verifie_le=event.time,
            )
            use_cases.envoyer_tous(expedition=expedition, envois=envois)

        @subscribe("identite", CoordonneesRetirees, consumer=CONSOMMATEUR)
        def sur_coordonnees_retirees(self, event: Event[CoordonneesRetirees]) -> None:
            message = event.message
            preferences.retirer_coordonnees(
                sessions=expedition.sessions,
                cle=expedition.cle,
                event_id=event.id,
                compte_id=message.compte_id,
                canal=message.canal,
                donnees=unseal(message.scelle, key=cle_identite, context="CoordonneesRetirees"),
                retire_le=event.time,
            )

        @subscribe("identite", MessageDemande, consumer=CONSOMMATEUR)
        def sur_message_demande(self, event: Event[MessageDemande]) -> None:
            message = event.message
            envoyer_message(
                messagerie=messagerie,
                event_id=event.id,
                gabarit=message.gabarit,
                canal=message.canal,
                langue=message.langue,
                donnees=unseal(message.scelle, key=cle_identite, context="MessageDemande"),
                maintenant=horloge(),
            )

        @subscribe("identite", ProfilModifie, consumer=CONSOMMATEUR)
        def sur_profil_modifie(self, event: Event[ProfilModifie]) -> None:
            message = event.message
            preferences.changer_abonnement(
                sessions=expedition.sessions,
                event_id=event.id,
                compte_id=message.compte_id,
                langue=message.langue,
                categories=message.categories,
                canaux=message.canaux,
                change_le=event.time,
            )

        @subscribe("identite", CompteActive, consumer=CONSOMMATEUR)
        def sur_compte_active(self, event: Event[CompteActive]) -> None:
            message = event.message
            use_cases.enregistrer_abonnement(
                sessions=expedition.sessions,
                event_id=event.id,
                compte_id=message.compte_id,
                langue=message.langue,
                categories=message.categories,
                canaux=message.canaux,
                active_le=event.time,
            )

        @subscribe("cartes", CarteDemandee, consumer=CONSOMMATEUR)
        def sur_carte_demandee(self, event: Event[CarteDemandee]) -> None:
            annoncer(event, Gabarit.CARTE_DEMANDEE, {})

        @subscribe("cartes", CarteApprouvee, consumer=CONSOMMATEUR)
        def sur_carte_approuvee(self, event: Event[CarteApprouvee]) -> None:
            scelle = unseal(event.message.scelle, key=cle_cartes, context="CarteApprouvee")
            donnees = {"jeton": scelle.get("jeton", ""), "echeance": event.message.echeance}
            annoncer(event, Gabarit.CARTE_APPROUVEE, donnees)

        @subscribe("cartes", DemandeIncomplete, consumer=CONSOMMATEUR)
        def sur_demande_incomplete(self, event: Event[DemandeIncomplete]) -> None:
            pieces = ",".join(f"{piece.role}={piece.motif}" for piece in event.message.pieces)
            annoncer(event, Gabarit.DEMANDE_INCOMPLETE, {"pieces": pieces})

        @subscribe("cartes", CarteAssociee, consumer=CONSOMMATEUR)
        def sur_carte_associee(self, event: Event[CarteAssociee]) -> None:
            scelle = unseal(event.message.scelle, key=cle_cartes, context="CarteAssociee")
            donnees = {"jeton": scelle.get("jeton", ""), "echeance": event.message.echeance}
            annoncer(event, Gabarit.CARTE_ASSOCIEE, donnees)

        @subscribe("cartes", AssociationRefusee, consumer=CONSOMMATEUR)
        def sur_association_refusee(self, event: Event[AssociationRefusee]) -> None:
            annoncer(event, Gabarit.ASSOCIATION_TENTEE, {})

        @subscribe("cartes", RenouvellementDemande, consumer=CONSOMMATEUR)
        def sur_renouvellement_demande(self, event: Event[RenouvellementDemande]) -> None:
            annoncer(event, Gabarit.RENOUVELLEMENT_DEMANDE, {})

        @subscribe("cartes", CarteRenouvelee, consumer=CONSOMMATEUR)
        def sur_carte_renouvelee(self, event: Event[CarteRenouvelee]) -> None:
            annoncer(event, Gabarit.CARTE_RENOUVELEE, {"echeance": event.message.echeance})

        @subscribe("cartes", RappelEcheance, consumer=CONSOMMATEUR)
        def sur_rappel_echeance(self, event: Event[RappelEcheance]) -> None:
            gabarit = _RAPPELS.get(event.message.genre)
            if gabarit is None:
                raise GabaritInconnu(event.message.genre)
            annoncer(event, gabarit, {"echeance": event.message.echeance})

        @subscribe("stockage", PieceBientotExpiree, consumer=CONSOMMATEUR)
        def sur_piece_bientot_expiree(self, event: Event[PieceBientotExpiree]) -> None:
            message = event.message
            donnees = {"genre": message.genre, "echeance": message.valide_jusqu_au}
            annoncer(event, Gabarit.PIECE_BIENTOT_EXPIREE, donnees)

        @subscribe("stockage", GelPose, consumer=CONSOMMATEUR)
        def sur_gel_pose(self, event: Event[GelPose]) -> None:
            if not event.message.sans_avis:
                annoncer(event, Gabarit.GEL_POSE, {})

        @timer(_BALAYAGE_S)
        def balayer(self) -> None:
            use_cases.balayer(expedition=expedition)

        @timer(_OUBLI_S)
        def oublier(self) -> None:
            use_cases.oublier(
                sessions=expedition.sessions, donnees=retention_donnees, envois=retention_envois
            )

    return AvisEvents
