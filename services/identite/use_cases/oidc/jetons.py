"""The client's side: codes and refresh tokens for tokens, and what tokens open."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn
from uuid import UUID

from sqlalchemy import Engine

from chassis import outbox
from chassis.db import Cursor, Sessions, plain
from espacecitoyen.identite.v1.evenements_pb2 import DonneesTransmises
from services.identite.domain.oidc import (
    Autorisation,
    AutorisationInvalide,
    JetonAccesInvalide,
    empreinte_certificat,
    moitie,
    revendications,
)
from services.identite.domain.oidc_client import (
    METHODE_AUTORITE,
    METHODE_CERTIFICAT,
    PORTEES,
    ClientNonHabilite,
    ClientOidc,
    PorteeRefusee,
    Preuve,
)
from services.identite.persistence import oidc as persistence
from services.identite.use_cases.courriels import empreinte, nouveau_secret
from services.identite.use_cases.oidc.clients import authentifier
from services.identite.use_cases.oidc.ports import (
    Assertions,
    Certificats,
    ReglesOidc,
    Signataire,
)

_ACCES: Final = "acces"
_RENOUVELLEMENT: Final = "renouvellement"


@dataclass(frozen=True, kw_only=True)
class Guichet:
    """What every act of a client needs."""

    sessions: Sessions
    # Plain statements, each its own transaction.
    lecture: Engine
    regles: ReglesOidc
    signataire: Signataire
    assertions: Assertions
    certificats: Certificats

    def client(
        self, preuve: Preuve, maintenant: datetime, connu: ClientOidc | None = None
    ) -> ClientOidc:
        """Find the client that a proof is of. Raises: ClientNonAuthentifie."""
        return authentifier(
            lecture=self.lecture,
            sessions=self.sessions,
            assertions=self.assertions,
            certificats=self.certificats,
            preuve=preuve,
            maintenant=maintenant,
            connu=connu,
        )


@dataclass(frozen=True, kw_only=True)
class Jetons:
    """What a client is given, told once."""

    acces: str
    renouvellement: str
    identite: str
    duree_s: int
    portees: tuple[str, ...]


def echanger_code(
    *,
    guichet: Guichet,
    preuve: Preuve,
    code: str,
    redirection: str,
    verificateur: str,
    maintenant: datetime,
) -> Jetons:
    """Give the tokens of a code, once.

    A code that comes again ends everything it has opened: one of the two who hold it is a thief.

    Raises: ClientNonAuthentifie, AutorisationInvalide.
    """
    with plain(guichet.lecture) as cursor:
        trouve = persistence.par_code(cursor, empreinte(code), maintenant)
        client = guichet.client(preuve, maintenant, None if trouve is None else trouve[1])
        if trouve is None or trouve[0].client_id != client.client_id:
            raise AutorisationInvalide
        autorisation = trouve[0]
        if autorisation.code_utilise_le is not None:
            _rompre(cursor, autorisation, maintenant)
        autorisation.exiger_code(
            redirection=redirection, verificateur=verificateur, maintenant=maintenant
        )
        return _emettre(
            guichet,
            cursor,
            client,
            autorisation,
            autorisation.id,
            autorisation.portees,
            certificat=_lien(client, preuve),
            nonce=autorisation.nonce,
            maintenant=maintenant,
        )


def renouveler(
    *,
    guichet: Guichet,
    preuve: Preuve,
    jeton: str,
    portees: Sequence[str],
    maintenant: datetime,
) -> Jetons:
    """Turn a refresh token into the next one; an earlier one that comes again ends them all.

    Raises: ClientNonAuthentifie, AutorisationInvalide, PorteeRefusee.
    """
    cle = empreinte(jeton)
    with plain(guichet.lecture) as cursor:
        trouve = persistence.par_jeton(cursor, cle, maintenant)
        client = guichet.client(preuve, maintenant, None if trouve is None else trouve[2])
        if trouve is None:
            raise AutorisationInvalide
        lu, autorisation, _ = trouve
        if lu.genre != _RENOUVELLEMENT or autorisation.client_id != client.client_id:
            raise AutorisationInvalide
        if lu.utilise_le is not None:
            _rompre(cursor, autorisation, maintenant)
        autorisation.exiger_vivante()
        if maintenant >= lu.expire_le or lu.certificat != _lien(client, preuve):
            raise AutorisationInvalide
        return _emettre(
            guichet,
            cursor,
            client,
            autorisation,
            cle,
            _moins(lu.portees, portees),
            certificat=lu.certificat,
            nonce="",
            maintenant=maintenant,
        )


def _moins(accordees: Sequence[str], demandees: Sequence[str]) -> tuple[str, ...]:
    """Give the scopes of a refresh: those granted, or fewer. Raises: PorteeRefusee."""
    if frozenset(demandees) - frozenset(accordees):
        raise PorteeRefusee
    return tuple(portee for portee in PORTEES if portee in (demandees or accordees))


def infos(
    *, guichet: Guichet, jeton: str, certificat: bytes, maintenant: datetime
) -> dict[str, object]:
    """Give the claims that an access token opens, and note that its client read them (IDN-23).

    Raises: JetonAccesInvalide.
    """
    with plain(guichet.lecture) as cursor:
        lu, autorisation = _acces(cursor, jeton, maintenant)
        if lu.certificat and lu.certificat != empreinte_certificat(certificat):
            raise JetonAccesInvalide
        personne = persistence.lire_personne(cursor, autorisation.compte_id)
    if personne is None:
        raise JetonAccesInvalide
    with guichet.sessions.begin() as session:
        outbox.append(
            session,
            DonneesTransmises(
                compte_id=str(autorisation.compte_id),
                client_id=autorisation.client_id,
                portees=list(lu.portees),
            ),
            aggregate=str(autorisation.compte_id),
        )
    return {"sub": autorisation.sujet, **revendications(personne, lu.portees)}


def etat_du_jeton(
    *, guichet: Guichet, preuve: Preuve, jeton: str, maintenant: datetime
) -> dict[str, object]:
    """Tell what a token is worth (RFC 7662): to its client, or to a resource server.

    Raises: ClientNonAuthentifie, ClientNonHabilite for a client that is no resource server and
        asks about somebody else's token.
    """
    client = guichet.client(preuve, maintenant)
    with plain(guichet.lecture) as cursor:
        trouve = persistence.par_jeton(cursor, empreinte(jeton), maintenant)
    if trouve is None:
        return {"active": False}
    lu, autorisation, _ = trouve
    if not client.ressource and autorisation.client_id != client.client_id:
        raise ClientNonHabilite
    if not _vaut(lu, autorisation, maintenant):
        return {"active": False}
    etat: dict[str, object] = {
        "active": True,
        "iss": guichet.regles.emetteur,
        "client_id": autorisation.client_id,
        "sub": autorisation.sujet,
        "scope": " ".join(lu.portees),
        "token_type": "Bearer",
        "iat": _secondes(lu.cree_le),
        "exp": _secondes(lu.expire_le),
        "acr": autorisation.acr,
        "auth_time": _secondes(autorisation.connecte_le),
    }
    if lu.certificat:
        etat["cnf"] = {"x5t#S256": lu.certificat}
    return etat


def fermer_jeton(*, guichet: Guichet, preuve: Preuve, jeton: str, maintenant: datetime) -> None:
    """End a client's token: an access token alone, a refresh token with its whole family.

    A token that is unknown, or another client's, is answered alike (RFC 7009).

    Raises: ClientNonAuthentifie.
    """
    client = guichet.client(preuve, maintenant)
    cle = empreinte(jeton)
    with plain(guichet.lecture) as cursor:
        trouve = persistence.par_jeton(cursor, cle, maintenant)
        if trouve is None or trouve[1].client_id != client.client_id:
            return
        if trouve[0].genre == _ACCES:
            persistence.oublier_jeton(cursor, cle)
        else:
            persistence.terminer(cursor, trouve[1].id, maintenant=maintenant)


def _emettre(
    guichet: Guichet,
    cursor: Cursor,
    client: ClientOidc,
    autorisation: Autorisation,
    titre: UUID | bytes,
    portees: tuple[str, ...],
    *,
    certificat: str,
    nonce: str,
    maintenant: datetime,
) -> Jetons:
    """Use up a code or a refresh token and give what comes of it.

    Raises: AutorisationInvalide when it had served: the whole family ends.
    """
    durees = guichet.regles.durees
    acces, suivant = nouveau_secret(), nouveau_secret()
    nouveaux = (
        persistence.NouveauJeton(
            empreinte(acces), _ACCES, portees, certificat, maintenant + durees.acces
        ),
        persistence.NouveauJeton(
            empreinte(suivant),
            _RENOUVELLEMENT,
            portees,
            certificat,
            maintenant + durees.renouvellement,
        ),
    )
    if not persistence.echanger(cursor, titre, nouveaux, maintenant=maintenant):
        _rompre(cursor, autorisation, maintenant)
    dit: dict[str, object] = {
        "iss": guichet.regles.emetteur,
        "sub": autorisation.sujet,
        "aud": client.client_id,
        "iat": _secondes(maintenant),
        "exp": _secondes(maintenant + durees.identite),
        "auth_time": _secondes(autorisation.connecte_le),
        "acr": autorisation.acr,
        "sid": autorisation.sid,
        "at_hash": moitie(acces),
    }
    if nonce:
        dit["nonce"] = nonce
    return Jetons(
        acces=acces,
        renouvellement=suivant,
        identite=guichet.signataire.signer(dit, algorithme=client.algorithme),
        duree_s=int(durees.acces.total_seconds()),
        portees=portees,
    )


def _rompre(cursor: Cursor, autorisation: Autorisation, maintenant: datetime) -> NoReturn:
    """End a family one of whose codes or tokens came twice. Raises: AutorisationInvalide."""
    persistence.terminer(cursor, autorisation.id, maintenant=maintenant)
    raise AutorisationInvalide


def _acces(
    cursor: Cursor, jeton: str, maintenant: datetime
) -> tuple[persistence.JetonLu, Autorisation]:
    trouve = persistence.par_jeton(cursor, empreinte(jeton), maintenant)
    if trouve is None or trouve[0].genre != _ACCES or not _vaut(*trouve[:2], maintenant):
        raise JetonAccesInvalide
    return trouve[:2]


def _vaut(lu: persistence.JetonLu, autorisation: Autorisation, maintenant: datetime) -> bool:
    vivante = autorisation.vivante and autorisation.terminee_le is None
    return vivante and lu.utilise_le is None and maintenant < lu.expire_le


def _lien(client: ClientOidc, preuve: Preuve) -> str:
    """Bind the tokens of a client that has a certificate to that certificate (RFC 8705)."""
    if client.methode in {METHODE_AUTORITE, METHODE_CERTIFICAT}:
        return empreinte_certificat(preuve.certificat)
    return ""


def _secondes(moment: datetime) -> int:
    return int(moment.timestamp())


def en_json(valeurs: dict[str, object]) -> str:
    """Write claims as JSON."""
    return json.dumps(valeurs, ensure_ascii=False)
