"""Challenges, one's own sessions, devices and identifiers (IDN-03, 16, 20)."""

from typing import Final

from flask import Response, jsonify, request

from espacecitoyen.identite.v1 import acces_service_pb2 as acces
from passerelle import clients, session
from passerelle.api.v1 import body
from passerelle.api.v1.body import Object, Text
from passerelle.api.v1.contract import Resource, ref, request_id, text_query
from passerelle.problems import Problem

RESOURCE: Final = Resource("Accès")

_USAGES: Final = {
    "inscription": acces.USAGE_DEFI_INSCRIPTION,
    "connexion": acces.USAGE_DEFI_CONNEXION,
}
_SECRET: Final = Text(required=True, longest=128, format="password")


@RESOURCE.route(
    "GET",
    "/defi",
    summary=(
        "Vérification contre les robots : trouver `preuve` telle que le SHA-256 de "
        "« defi:preuve » commence par `bits` zéros / Check against robots: find `preuve` such that "
        "the SHA-256 of “defi:preuve” starts with `bits` zero bits"
    ),
    auth="",
    answers={200: ref("Defi")},
    query=(text_query("usage", "inscription | connexion"),),
)
def demander_defi() -> Response:
    """Give a challenge, with the addresses of its code for those who would rather copy one."""
    usage = request.args.get("usage", "inscription")
    if usage not in _USAGES:
        raise Problem("DONNEES_INVALIDES", fields={"usage": "VALEUR_INVALIDE"})
    services = clients.current()
    answer: acces.ObtenirDefiResponse = services.acces.call(
        lambda s: s.ObtenirDefi,
        acces.ObtenirDefiRequest(usage=_USAGES[usage]),
        token=services.anonymous_token(),
    )
    response = jsonify(
        {
            "defi": answer.jeton,
            "bits": answer.bits,
            "expire_le": answer.expire_le,
            "code_image": f"/code-securite/image/{answer.jeton}",
            "code_son": f"/code-securite/son/{answer.jeton}",
        }
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@RESOURCE.route(
    "GET",
    "/moi/sessions",
    summary="Mes sessions et appareils / My sessions and devices",
    answers={200: ref("MesSessions")},
)
def lister_sessions() -> Response:
    """List one's sessions and devices."""
    services = clients.current()
    answer: acces.ListSessionsResponse = services.acces.call(
        lambda s: s.ListSessions, acces.ListSessionsRequest(), token=services.own_token()
    )
    return jsonify(
        {
            "sessions": [
                {
                    "session_id": lue.session_id,
                    "appareil": lue.appareil,
                    "ouverte_le": lue.ouverte_le,
                    "vue_le": lue.vue_le,
                    "courante": lue.courante,
                    "agent": lue.agent,
                }
                for lue in answer.sessions
            ],
            "appareils": [
                {
                    "appareil_id": lu.appareil_id,
                    "libelle": lu.libelle,
                    "cree_le": lu.cree_le,
                    "vu_le": lu.vu_le,
                }
                for lu in answer.appareils
            ],
        }
    )


@RESOURCE.route(
    "DELETE",
    "/moi/sessions/<uuid:session_id>",
    summary="Terminer une de mes sessions / End one of my sessions",
    answers={204: None},
)
def terminer_session(session_id: object) -> tuple[str, int]:
    """End one session; an unknown one is as ended as it can be."""
    services = clients.current()
    services.acces.call(
        lambda s: s.TerminerSession,
        acces.TerminerSessionRequest(request_id=request_id(), session_id=str(session_id)),
        token=services.own_token(),
    )
    return "", 204


@RESOURCE.route(
    "DELETE",
    "/moi/sessions",
    summary="Terminer mes autres sessions / End my other sessions",
    answers={204: None},
)
def terminer_autres_sessions() -> tuple[str, int]:
    """End every session but this one."""
    services = clients.current()
    services.acces.call(
        lambda s: s.TerminerAutresSessions,
        acces.TerminerAutresSessionsRequest(request_id=request_id()),
        token=services.own_token(),
    )
    return "", 204


@RESOURCE.route(
    "DELETE",
    "/moi/appareils/<uuid:appareil_id>",
    summary="Oublier un de mes appareils / Forget one of my devices",
    answers={204: None},
)
def oublier_appareil(appareil_id: object) -> tuple[str, int]:
    """Forget one device."""
    services = clients.current()
    services.acces.call(
        lambda s: s.OublierAppareil,
        acces.OublierAppareilRequest(request_id=request_id(), appareil_id=str(appareil_id)),
        token=services.own_token(),
    )
    return "", 204


_MOT_DE_PASSE: Final = Object({"actuel": _SECRET, "nouveau": _SECRET})


@RESOURCE.route(
    "PUT",
    "/moi/mot-de-passe",
    summary="Changer mon mot de passe / Change my password",
    body=_MOT_DE_PASSE,
    answers={200: ref("NouveauSecret")},
    idempotent=True,
)
def changer_mot_de_passe() -> Response:
    """Set another password; the other sessions end, this one goes on with the returned secret."""
    fields = body.read(_MOT_DE_PASSE)
    services = clients.current()
    answer: acces.ChangerMotDePasseResponse = services.acces.call(
        lambda s: s.ChangerMotDePasse,
        acces.ChangerMotDePasseRequest(request_id=request_id(), **fields),
        token=services.own_token(),
        deadline=services.config.delai_mot_de_passe_s,
    )
    session.cache().drop(session.session_secret())
    response = jsonify({"jeton": answer.jeton_session or None})
    if answer.jeton_session and not session.bearer_secret():
        session.open_session(response, answer.jeton_session)
    return response


_NOM: Final = Object({"actuel": _SECRET, "nom_utilisateur": Text(longest=64)})


@RESOURCE.route(
    "PUT",
    "/moi/nom-utilisateur",
    summary="Changer ou retirer mon nom d’utilisateur / Change or remove my user name",
    body=_NOM,
    answers={204: None},
    idempotent=True,
)
def changer_nom_utilisateur() -> tuple[str, int]:
    """Set another user name, or none."""
    fields = body.read(_NOM)
    services = clients.current()
    services.acces.call(
        lambda s: s.ChangerNomUtilisateur,
        acces.ChangerNomUtilisateurRequest(request_id=request_id(), **fields),
        token=services.own_token(),
        deadline=services.config.delai_mot_de_passe_s,
    )
    return "", 204


_ANNULATION: Final = Object(
    {"jeton": Text(required=True, longest=128, about="Secret du lien reçu / Secret of the link")}
)


@RESOURCE.route(
    "POST",
    "/comptes/protection",
    summary="« Ce n’était pas moi », avec le lien reçu / “It was not me”, with the mailed link",
    auth="",
    body=_ANNULATION,
    answers={204: None},
    idempotent=True,
)
def annuler_changement() -> tuple[str, int]:
    """Protect an account whose owner did not make the change."""
    fields = body.read(_ANNULATION)
    services = clients.current()
    services.acces.call(
        lambda s: s.AnnulerChangement,
        acces.AnnulerChangementRequest(request_id=request_id(), **fields),
        token=services.anonymous_token(),
    )
    return "", 204
