"""Accounts: opening, activation, forgotten password (IDN-01, 04, 05, 12, 13)."""

from typing import Final

from flask import Response, jsonify, request

from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients
from passerelle.api.v1 import body
from passerelle.api.v1.body import Many, Object, Text
from passerelle.api.v1.contract import Resource, ref, request_id

RESOURCE: Final = Resource("Comptes")

_COURRIEL: Final = Text(required=True, longest=254, format="email")
_SECRET: Final = Text(required=True, longest=128, format="password")
_JETON: Final = Text(required=True, longest=128, about="Secret du lien reçu / Secret of the link")

_COMPTE: Final = Object(
    {
        "courriel": _COURRIEL,
        "mot_de_passe": _SECRET,
        "prenom": Text(required=True, longest=100),
        "nom": Text(required=True, longest=100),
        "nom_utilisateur": Text(longest=64),
        "date_naissance": Text(longest=10, format="date"),
        "adresse": Object(
            {
                "ligne": Text(required=True, longest=120),
                "ville": Text(required=True, longest=100),
                "code_postal": Text(required=True, longest=10),
            },
            required=False,
        ),
        "telephone": Text(longest=30),
        "langue": Text(choices=("fr", "en")),
        "categories": Many(Text(required=True, longest=64)),
        "canaux": Many(Text(required=True, choices=("courriel", "texto", "telephone"))),
        # The answered challenge of GET /defi: its proof, or the code of its picture.
        "defi": Text(longest=200),
        "preuve": Text(longest=64),
        "code_securite": Text(longest=40),
    }
)

# The same for everybody: whether the address has an account is told to its mailbox only (R17).
_EN_ROUTE: Final = {
    "message_fr": "Vérifiez votre boîte de courriel.",
    "message_en": "Check your e-mail.",
}


@RESOURCE.route(
    "POST",
    "/comptes",
    summary="Ouvrir un compte / Open an account",
    auth="",
    body=_COMPTE,
    answers={202: ref("CourrielEnRoute")},
    idempotent=True,
)
def creer_compte() -> tuple[Response, int]:
    """Open an account that waits for its activation."""
    fields = body.read(_COMPTE)
    adresse = fields.pop("adresse")
    services = clients.current()
    services.identite.call(
        lambda s: s.CreerCompte,
        identite.CreerCompteRequest(
            request_id=request_id(),
            adresse=identite.Adresse(**adresse) if adresse else None,
            adresse_ip=request.remote_addr or "",
            **fields,
        ),
        token=services.anonymous_token(),
        deadline=services.config.delai_mot_de_passe_s,
    )
    return jsonify(_EN_ROUTE), 202


@RESOURCE.route(
    "POST",
    "/comptes/activation",
    summary="Activer un compte avec le lien reçu / Activate an account with the mailed link",
    auth="",
    body=Object({"jeton": _JETON}),
    answers={200: ref("CompteActive")},
    idempotent=True,
)
def activer_compte() -> Response:
    """Use an activation link, once."""
    fields = body.read(Object({"jeton": _JETON}))
    services = clients.current()
    answer: identite.ActiverCompteResponse = services.identite.call(
        lambda s: s.ActiverCompte,
        identite.ActiverCompteRequest(request_id=request_id(), **fields),
        token=services.anonymous_token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify({"compte_id": answer.compte_id})


@RESOURCE.route(
    "POST",
    "/comptes/activation/renvoi",
    summary="Recevoir de nouveau le lien d’activation / Receive the activation link again",
    auth="",
    body=Object({"courriel": _COURRIEL}),
    answers={202: ref("CourrielEnRoute")},
    idempotent=True,
)
def renvoyer_activation() -> tuple[Response, int]:
    """Send the activation link again."""
    fields = body.read(Object({"courriel": _COURRIEL}))
    services = clients.current()
    services.identite.call(
        lambda s: s.RenvoyerActivation,
        identite.RenvoyerActivationRequest(
            request_id=request_id(), adresse_ip=request.remote_addr or "", **fields
        ),
        token=services.anonymous_token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(_EN_ROUTE), 202


@RESOURCE.route(
    "POST",
    "/comptes/reinitialisation",
    summary="Mot de passe oublié : recevoir un lien / Forgotten password: receive a link",
    auth="",
    body=Object({"courriel": _COURRIEL}),
    answers={202: ref("CourrielEnRoute")},
    idempotent=True,
)
def demander_reinitialisation() -> tuple[Response, int]:
    """Mail a link to set a new password."""
    fields = body.read(Object({"courriel": _COURRIEL}))
    services = clients.current()
    services.identite.call(
        lambda s: s.DemanderReinitialisation,
        identite.DemanderReinitialisationRequest(
            request_id=request_id(), adresse_ip=request.remote_addr or "", **fields
        ),
        token=services.anonymous_token(),
        deadline=services.config.delai_appel_s,
    )
    return jsonify(_EN_ROUTE), 202


_NOUVEAU: Final = Object({"jeton": _JETON, "mot_de_passe": _SECRET})


@RESOURCE.route(
    "POST",
    "/comptes/reinitialisation/mot-de-passe",
    summary="Choisir un nouveau mot de passe / Set a new password",
    auth="",
    body=_NOUVEAU,
    answers={204: None},
    idempotent=True,
)
def reinitialiser_mot_de_passe() -> tuple[str, int]:
    """Set a new password with a mailed link; every session ends."""
    fields = body.read(_NOUVEAU)
    services = clients.current()
    services.identite.call(
        lambda s: s.ReinitialiserMotDePasse,
        identite.ReinitialiserMotDePasseRequest(request_id=request_id(), **fields),
        token=services.anonymous_token(),
        deadline=services.config.delai_mot_de_passe_s,
    )
    return "", 204
