"""Events taken into the ledger: mails asked for, contact points proved, choices made."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from chassis import inbox, telemetry
from chassis.db import Sessions
from chassis.seal import seal
from services.avis import domain, persistence
from services.avis.domain import Canal, Gabarit, Langue
from services.avis.use_cases.ports import SCELLE_ENVOI, SCELLE_POINT

CONSOMMATEUR = "avis"


def inscrire_courriel(
    *,
    sessions: Sessions,
    cle: bytes,
    event_id: UUID,
    compte_id: str,
    gabarit: str,
    langue: str,
    donnees: Mapping[str, str],
    maintenant: datetime,
) -> tuple[UUID, ...]:
    """Note a mail that another service asks for, with the address it brings (AVI-07).

    Args:
        sessions: of this service's database.
        cle: seals the data at rest.
        event_id: the mail exists once per event, however often the event is delivered.
        compte_id: whose mail it is.
        gabarit: name of the text.
        langue: "fr" or "en".
        donnees: opened data: adresse, prenom, and jeton for a text with a link.
        maintenant: aware UTC time, read at the edge.
    Returns: ids of the messages of this event that can leave now; none when they already left.
    Raises: GabaritInconnu, LangueInconnue, AdresseInvalide, JetonManquant.
    """
    texte = domain.gabarit(gabarit)
    adresse = domain.normaliser_courriel(donnees.get("adresse", ""))
    _exiger_jeton(texte, donnees)
    langue_lue = domain.langue(langue)
    with sessions.begin() as session:
        if not inbox.already_seen(session, event_id=event_id, consumer=CONSOMMATEUR):
            persistence.ajouter_envoi(
                session,
                event_id=event_id,
                canal=Canal.COURRIEL,
                cible=domain.empreinte(adresse, cle=cle),
                compte_id=compte_id,
                gabarit=texte,
                langue=langue_lue,
                adresse_propre=True,
                pret=True,
                donnees=seal({**donnees, "adresse": adresse}, key=cle, context=SCELLE_ENVOI),
                traceparent=telemetry.traceparent(),
                cree_le=maintenant,
            )
        return persistence.envois_de_evenement(session, event_id=event_id)


def inscrire_nouvelle(
    *,
    sessions: Sessions,
    cle: bytes,
    event_id: UUID,
    compte_id: str,
    gabarit: Gabarit,
    donnees: Mapping[str, str],
    maintenant: datetime,
) -> tuple[UUID, ...]:
    """Note a mail about something that happened to an account, for the address of that account.

    When the address is not known yet, because its event is still on the way, the message waits in
    the ledger until it is, however long that takes.

    Args:
        sessions: of this service's database.
        cle: seals the data at rest.
        event_id: as for `inscrire_courriel`.
        compte_id: whose address and language are used.
        gabarit: the text.
        donnees: what the text needs besides the person's name.
        maintenant: aware UTC time.
    Returns: ids of the messages of this event that can leave now.
    Raises: JetonManquant.
    """
    _exiger_jeton(gabarit, donnees)
    with sessions.begin() as session:
        persistence.verrouiller_compte(session, compte_id=compte_id)
        if not inbox.already_seen(session, event_id=event_id, consumer=CONSOMMATEUR):
            langue = persistence.langue_courriel(session, compte_id=compte_id)
            persistence.ajouter_envoi(
                session,
                event_id=event_id,
                canal=Canal.COURRIEL,
                cible=domain.empreinte(f"compte:{compte_id}", cle=cle),
                compte_id=compte_id,
                gabarit=gabarit,
                langue=langue or Langue.FR,
                adresse_propre=False,
                pret=langue is not None,
                donnees=seal(donnees, key=cle, context=SCELLE_ENVOI),
                traceparent=telemetry.traceparent(),
                cree_le=maintenant,
            )
        return persistence.envois_de_evenement(session, event_id=event_id)


def enregistrer_coordonnees(
    *,
    sessions: Sessions,
    cle: bytes,
    event_id: UUID,
    compte_id: str,
    canal: str,
    langue: str,
    donnees: Mapping[str, str],
    verifie_le: datetime,
) -> tuple[UUID, ...]:
    """Store a contact point that its owner proved, and free the mails that waited for it.

    Invariant: an e-mail address or a cell number belongs to one account, the last to prove it.

    Args:
        sessions: of this service's database.
        cle: seals the address at rest and keys its fingerprint.
        event_id: as for `inscrire_courriel`.
        compte_id: its owner.
        canal: "courriel", "texto" or "telephone".
        langue: language of the texts to that person.
        donnees: opened data: adresse, prenom.
        verifie_le: time of the proof, aware.
    Returns: ids of the messages that can leave now.
    Raises: CanalInconnu, LangueInconnue, AdresseInvalide.
    """
    canal_lu, langue_lue = domain.canal(canal), domain.langue(langue)
    adresse = domain.normaliser(canal_lu, donnees.get("adresse", ""))
    with sessions.begin() as session:
        persistence.verrouiller_compte(session, compte_id=compte_id)
        if inbox.already_seen(session, event_id=event_id, consumer=CONSOMMATEUR):
            return ()
        point = {"adresse": adresse, "prenom": donnees.get("prenom", "")}
        persistence.ecrire_point(
            session,
            compte_id=compte_id,
            canal=canal_lu,
            empreinte=domain.empreinte(adresse, cle=cle),
            scelle=seal(point, key=cle, context=SCELLE_POINT),
            langue=langue_lue,
            verifie_le=verifie_le,
        )
        if canal_lu is not Canal.COURRIEL:
            return ()
        return persistence.liberer_envois(session, compte_id=compte_id, langue=langue_lue)


def enregistrer_abonnement(
    *,
    sessions: Sessions,
    event_id: UUID,
    compte_id: str,
    langue: str,
    categories: Iterable[str],
    canaux: Iterable[str],
    active_le: datetime,
) -> None:
    """Keep what a person chose at sign-up (IDN-05); Urgence needs no row (AVI-02).

    Raises: CategorieInconnue, CanalInconnu, LangueInconnue.
    """
    choisies = frozenset(categories) - {domain.URGENCE}
    canaux_lus = frozenset(domain.canal(canal) for canal in canaux)
    with sessions.begin() as session:
        inconnues = choisies - persistence.codes_categories(session)
        if inconnues:
            raise domain.CategorieInconnue(min(inconnues))
        if not inbox.already_seen(session, event_id=event_id, consumer=CONSOMMATEUR):
            persistence.ecrire_abonne(
                session,
                compte_id=compte_id,
                langue=domain.langue(langue),
                categories=sorted(choisies),
                canaux=sorted(canaux_lus),
                active_le=active_le,
            )


def _exiger_jeton(gabarit: Gabarit, donnees: Mapping[str, str]) -> None:
    if gabarit in domain.AVEC_JETON and not donnees.get("jeton"):
        raise domain.JetonManquant
