"""Which rule each arriving row falls under: the one place where the policy meets the tables."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from services.identite.domain import StatutCompte
from services.identite.domain.ponts import Personne, Politique, Regle, Source
from services.identite.persistence import imports
from services.identite.persistence.imports import Collision, Existant
from services.identite.use_cases.ponts.lecture import LigneLue, Paquet


@dataclass(kw_only=True)
class Jugement:
    """What happens to a batch.

    Attributes:
        ecartees: lines that go no further.
        sans_nom: lines that open accounts without a user name.
        rattachees: line to the account that has its e-mail.
        retirees: unconfirmed sign-ups that give way.
        ouverts: accounts that must be opened.
        attendus: accounts or contacts of the other system that must be noted.
        annonces: rows whose contact avis is told.
    """

    ecartees: list[int] = field(default_factory=list)
    sans_nom: list[int] = field(default_factory=list)
    rattachees: dict[int, UUID] = field(default_factory=dict)
    retirees: list[UUID] = field(default_factory=list)
    collisions: list[Collision] = field(default_factory=list)
    sans_histoire: Counter[str] = field(default_factory=Counter)
    ouverts: int = 0
    attendus: int = 0
    annonces: list[LigneLue] = field(default_factory=list)

    def appliquer(self, session: Session) -> None:
        """Change the table of arrivals, and make room, accordingly."""
        imports.ecarter(session, self.ecartees)
        imports.sans_nom_utilisateur(session, self.sans_nom)
        imports.rattacher(session, self.rattachees)
        imports.retirer_inscriptions(session, self.retirees)


def juger(session: Session, source: Source, politique: Politique, paquet: Paquet) -> Jugement:
    """Judge a batch whose rows are in the table of arrivals."""
    jugement = Jugement(sans_nom=list(paquet.sans_nom))
    if source is Source.URGENCES:
        _juger_contacts(session, paquet, jugement)
    else:
        _juger_comptes(session, source, politique, paquet, jugement)
    return jugement


def _juger_comptes(
    session: Session, source: Source, politique: Politique, paquet: Paquet, jugement: Jugement
) -> None:
    ouvre = source in politique.ouvrent
    connus = {existant.ligne: existant for existant in imports.comptes_connus(session, source)}
    for ligne in paquet.lignes:
        existant = connus.get(ligne.ligne)
        if existant is not None and _ecarter(ligne, existant, jugement):
            continue
        jugement.attendus += 1
        if existant is None or not _rattacher(ligne, existant, politique, jugement, ouvre=ouvre):
            _ouvrir(ligne, existant, jugement, ouvre=ouvre)
        if existant is not None and existant.autre is not None:
            _prime(ligne, source, Source(existant.autre), politique, jugement)


def _ecarter(ligne: LigneLue, existant: Existant, jugement: Jugement) -> bool:
    """Leave out what an earlier row or file brought."""
    if existant.connue:
        jugement.sans_histoire[Regle.DEJA_IMPORTE] += 1
    elif existant.double is not None:
        _noter(jugement, ligne, Regle.COURRIEL_EN_DOUBLE, f"reference {existant.double}")
    else:
        return False
    jugement.ecartees.append(ligne.ligne)
    return True


def _rattacher(
    ligne: LigneLue,
    existant: Existant,
    politique: Politique,
    jugement: Jugement,
    *,
    ouvre: bool,
) -> bool:
    """Let a row wait for the owner of the account that has its e-mail.

    A sign-up that nobody confirmed is no account: it gives way to credentials that were proved
    elsewhere, and changes nothing for a row that only waits.
    """
    if existant.compte_id is None:
        return False
    if existant.statut == StatutCompte.EN_ATTENTE_ACTIVATION:
        if ouvre:
            jugement.retirees.append(existant.compte_id)
            _noter(jugement, ligne, Regle.INSCRIPTION_NON_CONFIRMEE, "")
        return False
    jugement.rattachees[ligne.ligne] = existant.compte_id
    ici = Personne(
        prenom=existant.prenom or "",
        nom=existant.nom or "",
        date_naissance=existant.date_naissance,
    )
    ecarts = politique.ecarts(ligne.personne, ici)
    regle = Regle.PERSONNE_DIFFERENTE if ecarts else Regle.COMPTE_EXISTANT
    _noter(jugement, ligne, regle, " ".join(ecarts))
    return True


def _ouvrir(ligne: LigneLue, existant: Existant | None, jugement: Jugement, *, ouvre: bool) -> None:
    if not ouvre:
        jugement.sans_histoire[Regle.EN_ATTENTE] += 1
        return
    jugement.ouverts += 1
    jugement.annonces.append(ligne)
    jugement.sans_histoire[Regle.OUVERT] += 1
    if existant is not None and existant.nom_pris and ligne.ligne not in jugement.sans_nom:
        jugement.sans_nom.append(ligne.ligne)
        _noter(jugement, ligne, Regle.NOM_UTILISATEUR_PRIS, ligne.nom_utilisateur)
    if ligne.nom_refuse:
        _noter(jugement, ligne, Regle.NOM_UTILISATEUR_REFUSE, "")
    if ligne.sans_mot_de_passe:
        _noter(jugement, ligne, Regle.SANS_MOT_DE_PASSE, "")


def _prime(
    ligne: LigneLue, source: Source, autre: Source, politique: Politique, jugement: Jugement
) -> None:
    """Say whose rule wins for somebody whom two systems know."""
    if politique.gagnante((source, autre)) is Source.TAXES:
        _noter(jugement, ligne, Regle.TAXES_PRIME, autre)


def _juger_contacts(session: Session, paquet: Paquet, jugement: Jugement) -> None:
    connus = {contact.ligne: contact for contact in imports.contacts_connus(session)}
    for ligne in paquet.lignes:
        contact = connus.get(ligne.ligne)
        if contact is None:
            jugement.attendus += 1
            jugement.annonces.append(ligne)
            jugement.sans_histoire[Regle.EN_ATTENTE] += 1
            continue
        jugement.ecartees.append(ligne.ligne)
        if contact.connu:
            jugement.sans_histoire[Regle.DEJA_IMPORTE] += 1
        else:
            _noter(jugement, ligne, Regle.DEJA_ABONNE, "")


def _noter(jugement: Jugement, ligne: LigneLue, regle: Regle, detail: str) -> None:
    jugement.collisions.append(Collision(ligne.ligne, regle, ligne.reference, ligne.qui, detail))
