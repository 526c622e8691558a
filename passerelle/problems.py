"""What went wrong, told to people: RFC 9457 for the API, a page for the portal.

One table turns a reason into an HTTP status; the sentences are in `messages.py`.
"""

import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import grpc
from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask_babel import get_locale
from opentelemetry import trace
from werkzeug.exceptions import HTTPException

from chassis.grpc_client import RemoteError
from passerelle import messages

_LOG = logging.getLogger(__name__)

# A reason not listed here takes the status of its gRPC code.
STATUSES: Final[Mapping[str, int]] = {
    "ACCES_REFUSE": 403,
    "ADRESSE_INCONNUE": 404,
    "AUTHENTIFICATION_REQUISE": 401,
    "ASSOCIATION_REFUSEE": 422,
    "CARTE_DEJA_ASSOCIEE": 409,
    "CARTE_DEJA_DEMANDEE": 409,
    "CARTE_NON_RENOUVELABLE": 409,
    "RENOUVELLEMENT_DEJA_DEMANDE": 409,
    "RENOUVELLEMENT_TROP_TARD": 409,
    "RENOUVELLEMENT_TROP_TOT": 409,
    "CARTE_INTROUVABLE": 404,
    "CARTE_NON_ACTIVE": 409,
    "CHAMP_INCONNU": 422,
    "CLE_IDEMPOTENCE_INVALIDE": 400,
    "CONNEXION_REQUISE": 401,
    "CORPS_TROP_GRAND": 413,
    "CORPS_TRONQUE": 400,
    "COURRIEL_INVALIDE": 422,
    "CURSEUR_INVALIDE": 400,
    "DELAI_DEPASSE": 504,
    "DEMANDE_DEJA_DECIDEE": 409,
    "DEPOT_INTERROMPU": 400,
    "DEMANDE_INTROUVABLE": 404,
    "DONNEES_INVALIDES": 422,
    "ENTETES_TROP_GRANDS": 431,
    "EPREUVE_EXPIREE": 410,
    "FACTEUR_REFUSE": 422,
    "FORMULAIRE_PERIME": 403,
    "FORMULAIRE_MALFORME": 400,
    "HOTE_INCONNU": 400,
    "IDENTIFIANTS_INVALIDES": 401,
    "INDISPONIBLE": 503,
    "INTERNE": 500,
    # The gateway's own token or deadline was refused: nothing that the person did.
    "JETON_INVALIDE": 500,
    "DELAI_ABSENT": 500,
    "JSON_MALFORME": 400,
    "JSON_TROP_PROFOND": 400,
    "LIEN_DEJA_UTILISE": 410,
    "LIEN_EXPIRE": 410,
    "LIEN_INCONNU": 404,
    "MEME_PIECE_DEUX_FOIS": 422,
    "METHODE_NON_PERMISE": 405,
    "MOT_DE_PASSE_FAIBLE": 422,
    "ORIGINE_REFUSEE": 403,
    "PAGE_INCONNUE": 404,
    "PIECE_ALTEREE": 500,
    "PIECE_EN_ANALYSE": 409,
    "PIECE_EXPIREE": 422,
    "PIECE_INFECTEE": 422,
    "PIECE_INTROUVABLE": 404,
    "PIECE_NON_SAINE": 409,
    "PIECE_REQUISE": 422,
    "PIECE_TRONQUEE": 400,
    "PIECE_TROP_GRANDE": 413,
    "PIECE_VIDE": 422,
    "PREUVE_REQUISE": 403,
    "QUOTA_DEPASSE": 409,
    "REQUETE_INVALIDE": 400,
    "REQUEST_ID_INVALIDE": 400,
    "REQUEST_ID_REUTILISE": 409,
    "SECOND_FACTEUR_REQUIS": 403,
    "SERVICE_INDISPONIBLE": 503,
    "SESSION_EXPIREE": 401,
    "TROP_DE_TENTATIVES": 429,
    "TROP_OCCUPE": 503,
    "TYPE_DE_CONTENU_NON_ACCEPTE": 415,
    "TYPE_NON_ACCEPTE": 415,
    "UNE_SEULE_PIECE": 422,
    "VERSION_PERIMEE": 409,
}

_GRPC_STATUSES: Final[Mapping[grpc.StatusCode, int]] = {
    grpc.StatusCode.INVALID_ARGUMENT: 422,
    grpc.StatusCode.OUT_OF_RANGE: 422,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}

# What is said when a service gave no reason, or one that nobody wrote a sentence for.
_FALLBACK_CODES: Final[Mapping[int, str]] = {
    400: "REQUETE_INVALIDE",
    401: "CONNEXION_REQUISE",
    403: "ACCES_REFUSE",
    404: "ADRESSE_INCONNUE",
    405: "METHODE_NON_PERMISE",
    409: "DONNEES_INVALIDES",
    413: "CORPS_TROP_GRAND",
    415: "TYPE_DE_CONTENU_NON_ACCEPTE",
    422: "DONNEES_INVALIDES",
    429: "TROP_DE_TENTATIVES",
    503: "SERVICE_INDISPONIBLE",
    504: "DELAI_DEPASSE",
}

# Seconds, when the service did not say how long to wait.
_RETRY_AFTER_S: Final[Mapping[int, str]] = {429: "60", 503: "5"}
_JSON_PREFIXES: Final = ("/api/", "/sante", "/metrics")


class Problem(Exception):
    """A request that cannot be answered as asked.

    Attributes:
        status: HTTP status, 400 to 504.
        code: stable name of the reason, UPPER_SNAKE; clients rely on it.
        fields: name of a field -> code of what is wrong with it.
        service: name of the service that refused, empty for the gateway itself.
        headers: HTTP headers of the answer, such as Allow or Retry-After.
    """

    def __init__(
        self,
        code: str,
        *,
        status: int | None = None,
        fields: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        service: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status or STATUSES.get(code, HTTPStatus.BAD_REQUEST)
        self.fields = dict(fields or {})
        self.metadata = dict(metadata or {})
        self.service = service
        self.headers = dict(headers or {})
        if self.status in _RETRY_AFTER_S:
            self.headers.setdefault("Retry-After", _retry_after(self.status, self.metadata))
        if self.status == HTTPStatus.UNAUTHORIZED:
            self.headers.setdefault("WWW-Authenticate", 'Bearer realm="espace-citoyen"')

    @property
    def title_fr(self) -> str:
        """The French sentence."""
        return messages.text(self.code, "fr")

    @property
    def title_en(self) -> str:
        """The English sentence."""
        return messages.text(self.code, "en")

    def detail(self, langue: str) -> str:
        """Return the sentence in the reader's language."""
        return messages.text(self.code, langue)

    def as_json(self) -> dict[str, object]:
        """Return the members of the problem document (RFC 9457 section 3)."""
        document: dict[str, object] = {
            "type": f"/api/v1/problemes#{self.code}",
            "title": messages.title(self.status, reader_language()),
            "status": int(self.status),
            "code": self.code,
            "detail": self.detail(reader_language()),
            "message_fr": self.title_fr,
            "message_en": self.title_en,
            "trace_id": trace_id(),
        }
        if self.fields:
            document["champs"] = {
                name: {
                    "code": code,
                    "message_fr": messages.text(code, "fr"),
                    "message_en": messages.text(code, "en"),
                }
                for name, code in self.fields.items()
            }
        return document


def from_remote(error: RemoteError) -> Problem:
    """Return the problem that a service's refusal is for the outside.

    A reason without a sentence is told as its status is, so that no internal word gets out.
    """
    status = STATUSES.get(error.reason) or _GRPC_STATUSES.get(error.code, 500)
    code = error.reason
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and code != "PIECE_ALTEREE":
        code = "INTERNE"
    elif not messages.known(code):
        _LOG.warning("no sentence for reason %s of %s", error.reason, error.service)
        code = _FALLBACK_CODES.get(status, "INTERNE")
    if code == "INDISPONIBLE":
        code = "SERVICE_INDISPONIBLE"
    return Problem(
        code,
        status=status,
        fields={
            name: value if messages.known(value) else "VALEUR_INVALIDE"
            for name, value in error.fields.items()
        },
        metadata=error.metadata,
        service=error.service,
    )


def reason(error: RemoteError) -> str:
    """Return the code a page shows in place of what a service did not give."""
    return from_remote(error).code


def trace_id() -> str:
    """Return the 32 hex digits that find this request in the traces and logs."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        return trace.format_trace_id(context.trace_id)
    if "trace_id" not in g:
        g.trace_id = uuid.uuid4().hex
    found: str = g.trace_id
    return found


def reader_language() -> str:
    """Return "fr" or "en"."""
    return "en" if str(get_locale() or "fr").startswith("en") else "fr"


def register(app: Flask) -> None:
    """Answer every failure with a problem document or a page."""
    app.register_error_handler(Problem, respond)
    app.register_error_handler(RemoteError, lambda error: respond(_logged(error)))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def respond(problem: Problem) -> Response:
    """Return the answer to a problem: JSON under /api, a page elsewhere."""
    if request.path.startswith(_JSON_PREFIXES):
        response = jsonify(problem.as_json())
        response.mimetype = "application/problem+json"
    else:
        response = make_response(_page(problem))
        response.headers["Cache-Control"] = "no-store"
    response.status_code = problem.status
    response.headers.update(problem.headers)
    return response


def _page(problem: Problem) -> str:
    langue = reader_language()
    try:
        return render_template(
            "erreur.html",
            status=int(problem.status),
            title=messages.title(problem.status, langue),
            detail=problem.detail(langue),
            code=problem.code,
            trace_id=trace_id(),
        )
    except Exception:  # noqa: BLE001 - the error page is the last thing that may fail
        _LOG.exception("error page failed")
        return f"{int(problem.status)} {problem.detail(langue)} ({trace_id()})"


def _logged(error: RemoteError) -> Problem:
    problem = from_remote(error)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.warning("%s answered %s (%s)", error.service, error.reason, error.code.name)
    return problem


def _http(error: HTTPException) -> Response:
    if isinstance(error.response, Response):
        return error.response
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:
        # Werkzeug redirects (a missing final slash) by an exception.
        return make_response(error.get_response())
    code = _FALLBACK_CODES.get(status, "REQUETE_INVALIDE" if status < 500 else "INTERNE")  # noqa: PLR2004 - RFC 9110
    headers = {
        name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}
    }
    return respond(Problem(code, status=status, headers=headers))


def _unexpected(error: Exception) -> Response:
    if current_app.testing and current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    _LOG.exception("unexpected failure", exc_info=error)
    return respond(Problem("INTERNE"))


def _retry_after(status: int, metadata: Mapping[str, str]) -> str:
    for name in ("attente_s", "retry_after_s", "reessayer_dans_s"):
        value = metadata.get(name, "")
        if value.isascii() and value.isdigit():
            return value
    return _RETRY_AFTER_S[status]
