"""One's own profile whole, its phone numbers and their proof (IDN-05, 06, 07, 11)."""

from typing import Any, Final
from uuid import UUID

from flask import Response, jsonify, request

from espacecitoyen.identite.v1 import coordonnee_pb2 as points
from espacecitoyen.identite.v1 import coordonnees_service_pb2 as pb
from espacecitoyen.identite.v1 import identite_service_pb2 as identite
from passerelle import clients
from passerelle.api.v1 import body, shapes
from passerelle.api.v1.body import Many, Object, Text, Whole
from passerelle.api.v1.contract import Resource, ref, request_id

RESOURCE: Final = Resource("Compte")

_CANAL: Final = ("courriel", "texto", "telephone")
_PROFIL: Final = Object(
    {
        "version": Whole(required=True),
        "adresse": Object(
            {
                "ligne": Text(longest=120),
                "ville": Text(longest=100),
                "code_postal": Text(longest=10),
            },
            required=False,
        ),
        "langue": Text(required=True, choices=("fr", "en")),
        "categories": Many(Text(required=True, longest=64)),
        "canaux": Many(Text(required=True, choices=_CANAL)),
        "moyen_prefere": Text(required=True, choices=_CANAL),
        "date_naissance": Text(longest=10, format="date"),
        "prenom": Text(longest=100),
        "nom": Text(longest=100),
    }
)
_NUMERO: Final = Object(
    {
        "numero": Text(required=True, longest=40),
        "genre": Text(required=True, choices=("CELLULAIRE", "FIXE")),
        "remplace_id": Text(longest=36, format="uuid"),
    }
)
_DEMANDE: Final = Object({"canal": Text(required=True, choices=("TEXTO", "APPEL"))})
_CODE: Final = Object({"code": Text(required=True, longest=20)})


@RESOURCE.route(
    "GET",
    "/moi/profil",
    summary="Mon profil et mes coordonnées / My profile and contact details",
    answers={200: ref("MonProfil")},
)
def lire_mon_profil() -> Response:
    """Return one's own profile whole."""
    answer: pb.GetMonProfilResponse = _appeler("GetMonProfil", pb.GetMonProfilRequest())
    return jsonify(_mon_profil(answer.mon_profil))


@RESOURCE.route(
    "PUT",
    "/moi/profil",
    summary="Modifier mon profil / Edit my profile",
    body=_PROFIL,
    answers={200: ref("MonProfil")},
    idempotent=True,
)
def modifier_mon_profil() -> Response:
    """Change the version that was read."""
    champs = body.read(_PROFIL)
    adresse = champs.pop("adresse")
    answer: pb.ModifierProfilResponse = _appeler(
        "ModifierProfil",
        pb.ModifierProfilRequest(
            request_id=request_id(),
            adresse=identite.Adresse(**adresse),
            **champs,
        ),
    )
    return jsonify(_mon_profil(answer.mon_profil))


@RESOURCE.route(
    "POST",
    "/moi/coordonnees",
    summary="Ajouter ou remplacer un numéro / Add or replace a phone number",
    body=_NUMERO,
    answers={201: ref("Coordonnee")},
    idempotent=True,
)
def ajouter_coordonnee() -> tuple[Response, int]:
    """Add a number that waits for its proof."""
    champs = body.read(_NUMERO)
    answer: pb.AjouterCoordonneeResponse = _appeler(
        "AjouterCoordonnee",
        pb.AjouterCoordonneeRequest(
            request_id=request_id(),
            numero=champs["numero"],
            genre=points.GenreCoordonnee.Value(f"GENRE_COORDONNEE_{champs['genre']}"),
            remplace_id=champs["remplace_id"],
        ),
    )
    return jsonify(_coordonnee(answer.coordonnee)), 201


@RESOURCE.route(
    "DELETE",
    "/moi/coordonnees/<uuid:coordonnee_id>",
    summary="Retirer un numéro / Remove a phone number",
    answers={204: None},
    idempotent=True,
)
def retirer_coordonnee(coordonnee_id: UUID) -> tuple[str, int]:
    """Take a number away."""
    demande = pb.RetirerCoordonneeRequest(request_id=request_id(), coordonnee_id=str(coordonnee_id))
    _appeler("RetirerCoordonnee", demande)
    return "", 204


@RESOURCE.route(
    "POST",
    "/moi/coordonnees/<uuid:coordonnee_id>/code",
    summary="Recevoir un code par SMS ou par appel / Receive a code by text message or call",
    body=_DEMANDE,
    answers={202: ref("CodeEnRoute")},
    idempotent=True,
)
def demander_code(coordonnee_id: UUID) -> tuple[Response, int]:
    """Send a code; the earlier ones are void."""
    canal = body.read(_DEMANDE)["canal"]
    answer: pb.DemanderCodeResponse = _appeler(
        "DemanderCode",
        pb.DemanderCodeRequest(
            request_id=request_id(),
            coordonnee_id=str(coordonnee_id),
            canal=pb.CanalCode.Value(f"CANAL_CODE_{canal}"),
            adresse_ip=request.remote_addr or "",
        ),
    )
    return jsonify({"expire_le": answer.expire_le}), 202


@RESOURCE.route(
    "POST",
    "/moi/coordonnees/<uuid:coordonnee_id>/validation",
    summary="Vérifier un numéro avec le code reçu / Verify a number with the code received",
    body=_CODE,
    answers={200: ref("Coordonnee")},
    idempotent=True,
)
def valider_coordonnee(coordonnee_id: UUID) -> Response:
    """Prove a number."""
    answer: pb.ValiderCoordonneeResponse = _appeler(
        "ValiderCoordonnee",
        pb.ValiderCoordonneeRequest(
            request_id=request_id(),
            coordonnee_id=str(coordonnee_id),
            code=body.read(_CODE)["code"],
        ),
    )
    return jsonify(_coordonnee(answer.coordonnee))


def _appeler(rpc: str, demande: Any) -> Any:
    services = clients.current()
    return services.coordonnees.call(
        lambda stub: getattr(stub, rpc),
        demande,
        token=services.own_token(),
        deadline=services.config.delai_appel_s,
    )


def _coordonnee(une: points.Coordonnee) -> shapes.Json:
    return {
        "coordonnee_id": une.coordonnee_id,
        "genre": shapes.word(points.GenreCoordonnee, "GENRE_COORDONNEE_", une.genre),
        "valeur": une.valeur,
        "verifiee": une.verifiee,
        "verifiee_le": une.verifiee_le or None,
        "remplace_id": une.remplace_id or None,
        "gelee": une.gelee,
    }


def _mon_profil(mien: pb.MonProfil) -> shapes.Json:
    return {
        "profil": shapes.profil(mien.profil),
        "version": mien.version,
        "categories": list(mien.categories),
        "canaux": list(mien.canaux),
        "moyen_prefere": mien.profil.moyen_prefere or None,
        "coordonnees": [_coordonnee(une) for une in mien.coordonnees],
        "noms_modifiables": mien.noms_modifiables,
        "numero_appelant": mien.numero_appelant or None,
    }
