"""The key ring: keys are published before they sign, and after for the tokens they signed."""

import json
from datetime import datetime

from chassis import seal
from chassis.db import Sessions
from services.identite.domain.oidc_cles import CleSignature, cle_a_creer, cles_a_retirer
from services.identite.domain.oidc_client import ALGORITHMES
from services.identite.persistence import oidc_suite as persistence
from services.identite.use_cases.oidc.ports import Fabrique, ReglesOidc

_CONTEXTE = "CleSignature:"


def tenir_cles(
    *, sessions: Sessions, fabrique: Fabrique, regles: ReglesOidc, maintenant: datetime
) -> int:
    """Make the keys that are due and delete those that nothing alive was signed with.

    Safe in several processes at once: the ring is held while it changes.

    Returns: how many keys came or went.
    """
    nombre = 0
    with sessions.begin() as session:
        cles = persistence.tenir_cles(session)
        for algorithme in ALGORITHMES:
            active_le = cle_a_creer(cles, algorithme, durees=regles.durees, maintenant=maintenant)
            if active_le is None:
                continue
            kid, publique, privee = fabrique(algorithme)
            neuve = CleSignature(
                kid=kid, algorithme=algorithme, publique=publique, active_le=active_le
            )
            enveloppe = seal.seal({"privee": privee}, key=regles.cle, context=_CONTEXTE + kid)
            persistence.ajouter_cle(session, neuve, enveloppe)
            nombre += 1
        perimees = cles_a_retirer(cles, durees=regles.durees, maintenant=maintenant)
        persistence.retirer_cles(session, perimees)
    return nombre + len(perimees)


def ouvrir_cle(stockee: persistence.CleStockee, *, cle: bytes) -> str:
    """Give the private JSON Web Key of a stored key. Raises: SealBroken."""
    return seal.unseal(stockee.privee, key=cle, context=_CONTEXTE + stockee.cle.kid)["privee"]


def jeu_public(cles: list[CleSignature]) -> str:
    """Write the JSON Web Key Set that clients read."""
    return json.dumps({"keys": [dict(cle.publique) for cle in cles]})
