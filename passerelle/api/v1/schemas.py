"""The JSON Schemas of what the API answers; `shapes.py` builds it, a contract test compares."""

from typing import Any, Final

from passerelle.api.v1.body import Schema

_TEXT: Final = {"type": "string"}
_MAYBE: Final = {"type": ["string", "null"]}
_FLAG: Final = {"type": "boolean"}
_NUMBER: Final = {"type": "integer", "minimum": 0}
_ID: Final = {"type": "string", "format": "uuid"}
_DAY: Final = {"type": ["string", "null"], "format": "date"}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}


def _words(*choices: str) -> Schema:
    return {"type": ["string", "null"], "enum": [*choices, None]}


def _object(**properties: Any) -> Schema:
    """Return an object whose every property is always present."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _many(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _maybe(name: str) -> Schema:
    return {"anyOf": [_ref(name), {"type": "null"}]}


def _block(name: str) -> Schema:
    return _object(valeur=_maybe(name), erreur=_maybe("Raison"))


_RAISON: Final = _object(code=_TEXT, message_fr=_TEXT, message_en=_TEXT)

SCHEMAS: Final[Schema] = {
    "Raison": _RAISON,
    "Probleme": {
        "type": "object",
        "description": "RFC 9457",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": _TEXT,
            "detail": _TEXT,
            "message_fr": _TEXT,
            "message_en": _TEXT,
            "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "champs": {"type": "object", "additionalProperties": _ref("Raison")},
        },
        "required": [
            "type",
            "title",
            "status",
            "code",
            "detail",
            "message_fr",
            "message_en",
            "trace_id",
        ],
    },
    "CodeProbleme": _object(
        code=_TEXT, statut={"type": ["integer", "null"]}, message_fr=_TEXT, message_en=_TEXT
    )
    | {"description": "statut: HTTP status; null when the code only names a field's fault"},
    "Problemes": _object(problemes=_many("CodeProbleme")),
    "Adresse": _object(ligne=_TEXT, ville=_TEXT, code_postal=_TEXT),
    "Profil": _object(
        compte_id=_ID,
        courriel=_TEXT,
        prenom=_TEXT,
        nom=_TEXT,
        nom_utilisateur=_MAYBE,
        date_naissance=_DAY,
        adresse=_maybe("Adresse"),
        telephone=_MAYBE,
        langue=_MAYBE,
        statut=_words("EN_ATTENTE_ACTIVATION", "ACTIF", "DESACTIVE"),
        roles={"type": "array", "items": _TEXT},
    ),
    "Coordonnee": _object(
        coordonnee_id=_ID,
        genre=_words("COURRIEL", "CELLULAIRE", "FIXE"),
        valeur=_TEXT,
        verifiee=_FLAG,
        verifiee_le=_TIME,
        remplace_id=_MAYBE,
        gelee=_FLAG,
    ),
    "MonProfil": _object(
        profil=_ref("Profil"),
        version=_NUMBER,
        categories={"type": "array", "items": _TEXT},
        canaux={"type": "array", "items": _TEXT},
        moyen_prefere=_words("courriel", "texto", "telephone"),
        coordonnees=_many("Coordonnee"),
        noms_modifiables=_FLAG,
        numero_appelant=_MAYBE,
    ),
    "CodeEnRoute": _object(expire_le=_TIME),
    "CompteActive": _object(compte_id=_ID),
    "CourrielEnRoute": _object(message_fr=_TEXT, message_en=_TEXT),
    "SessionOuverte": _object(
        jeton={"type": "string", "description": "Authorization: Bearer <jeton>"},
        expire_le=_TIME,
        jeton_appareil=_MAYBE,
        profil=_ref("Profil"),
    ),
    "EpreuveDemandee": _object(
        epreuve={"type": "string", "description": "Secret de l’étape, dix minutes / ten minutes"},
        cle={
            "type": ["object", "null"],
            "description": "PublicKeyCredentialRequestOptionsJSON (WebAuthn 3)",
        },
        application=_FLAG,
        codes_secours=_FLAG,
    ),
    "SessionVerifiee": _object(
        jeton={"type": "string", "description": "Authorization: Bearer <jeton>"},
        expire_le=_TIME,
        jeton_appareil=_MAYBE,
        compte_id=_ID,
    ),
    "Defi": _object(defi=_TEXT, bits=_NUMBER, expire_le=_TIME, code_image=_TEXT, code_son=_TEXT),
    "MesSessions": _object(
        sessions={
            "type": "array",
            "items": _object(
                session_id=_ID,
                appareil=_TEXT,
                ouverte_le=_TIME,
                vue_le=_TIME,
                courante=_FLAG,
                agent=_FLAG,
            ),
        },
        appareils={
            "type": "array",
            "items": _object(appareil_id=_ID, libelle=_TEXT, cree_le=_TIME, vu_le=_TIME),
        },
    ),
    "NouveauSecret": _object(jeton=_MAYBE),
    "Session": _object(
        compte_id=_ID,
        prenom=_TEXT,
        nom=_TEXT,
        langue=_MAYBE,
        roles={"type": "array", "items": _TEXT},
        expire_le=_TIME,
        jeton_csrf=_MAYBE,
    ),
    "Piece": _object(
        piece_id=_ID,
        nom_fichier=_TEXT,
        genre=_words("IDENTITE", "RESIDENCE", "AUTRE"),
        libelle=_MAYBE,
        valide_jusqu_au=_DAY,
        statut=_words("EN_ANALYSE", "SAINE", "INFECTEE", "ERREUR"),
        type_media=_MAYBE,
        taille_octets=_NUMBER,
        deposee_le=_TIME,
        pages=_NUMBER,
        sha256_recu=_MAYBE,
        utilisee=_FLAG,
        document_id=_MAYBE,
        version=_NUMBER,
        versions=_NUMBER,
        etat_validite=_words("SANS_FIN", "VALIDE", "BIENTOT_EXPIREE", "EXPIREE"),
        utilisations=_NUMBER,
        courante=_FLAG,
        remplacement=_words("EN_ANALYSE", "SAINE", "INFECTEE", "ERREUR"),
        gelee=_FLAG,
    ),
    "Versions": _object(versions=_many("Piece")),
    "Utilisation": _object(
        service=_TEXT,
        dossier_id=_TEXT,
        piece_id=_ID,
        version=_NUMBER,
        retenue_le=_TIME,
        decidee_le=_TIME,
        purgee_apres=_DAY,
    ),
    "Utilisations": _object(utilisations=_many("Utilisation")),
    "Consultation": _object(
        lue_le=_TIME,
        qualite=_words("PROPRIETAIRE", "REPRESENTANT", "PERSONNEL"),
        motif=_MAYBE,
        dossier_id=_MAYBE,
        variante=_words("FICHIER", "APERCU"),
        version=_NUMBER,
    ),
    "Consultations": _object(consultations=_many("Consultation")),
    "Televersement": _object(
        televersement_id=_ID,
        nom_fichier=_TEXT,
        taille_octets=_NUMBER,
        recus_octets=_NUMBER,
        expire_le=_TIME,
        piece_id=_MAYBE,
        raison=_MAYBE,
        message_fr=_MAYBE,
        message_en=_MAYBE,
    ),
    "ListePieces": _object(
        pieces=_many("Piece"),
        suivant=_MAYBE,
        total=_NUMBER,
        octets_utilises=_NUMBER,
        quota_octets=_NUMBER,
    ),
    "Titulaire": _object(
        prenom=_TEXT,
        nom=_TEXT,
        date_naissance=_DAY,
        adresse=_TEXT,
        ville=_TEXT,
        code_postal=_TEXT,
    ),
    "PieceJustificative": _object(
        role=_words("IDENTITE", "RESIDENCE"),
        piece_id=_TEXT,
        statut=_words("A_VERIFIER", "ACCEPTEE", "REFUSEE"),
        motif=_words(
            "ILLISIBLE",
            "EXPIREE",
            "NOM_DIFFERENT",
            "ADRESSE_DIFFERENTE",
            "GENRE_NON_ACCEPTE",
            "AUTRE",
        ),
        precision=_MAYBE,
    ),
    "DemandeCarte": _object(
        demande_id=_ID,
        carte_id=_ID,
        compte_id=_TEXT,
        statut=_words("DEPOSEE", "INCOMPLETE", "APPROUVEE", "REFUSEE"),
        titulaire=_maybe("Titulaire"),
        pieces=_many("PieceJustificative"),
        deposee_le=_TIME,
        decidee_le=_TIME,
        carte_physique=_FLAG,
        genre=_words("NOUVELLE", "RENOUVELLEMENT"),
        version=_NUMBER,
    ),
    "ListeDemandesCarte": _object(demandes=_many("DemandeCarte"), suivant=_MAYBE, total=_NUMBER),
    "Carte": _object(
        carte_id=_ID,
        numero=_MAYBE,
        statut=_words(
            "EN_ATTENTE_VALIDATION", "ACTIVE", "SUSPENDUE", "EXPIREE", "REVOQUEE", "REFUSEE"
        ),
        prenom=_TEXT,
        nom=_TEXT,
        echeance=_DAY,
        numerique=_FLAG,
        physique=_FLAG,
        demande=_maybe("DemandeCarte"),
        renouvelable=_FLAG,
        renouvelable_des=_DAY,
    ),
    "ListeCartes": _object(cartes=_many("Carte")),
    "LienGoogle": _object(url={"type": "string", "format": "uri"}),
    "TypeDemande": _object(
        code=_TEXT,
        theme=_TEXT,
        theme_fr=_TEXT,
        theme_en=_TEXT,
        titre_fr=_TEXT,
        titre_en=_TEXT,
        description_fr=_TEXT,
        description_en=_TEXT,
        compte_requis=_FLAG,
    ),
    "TypesDemande": _object(types=_many("TypeDemande"), suivant=_MAYBE),
    "Abonnement": _object(
        categorie=_TEXT, libelle_fr=_TEXT, libelle_en=_TEXT, obligatoire=_FLAG, abonne=_FLAG
    ),
    "Message": _object(
        envoi_id=_TEXT,
        gabarit=_TEXT,
        objet=_TEXT,
        canal=_TEXT,
        statut=_words("A_ENVOYER", "EN_COURS", "ENVOYE", "REFUSE"),
        cree_le=_TIME,
    ),
    "MesAvis": _object(
        abonnements=_many("Abonnement"),
        canaux={"type": "array", "items": _TEXT},
        messages=_many("Message"),
    ),
    "Accueil": _object(
        complet=_FLAG,
        profil=_block("Profil"),
        cartes=_block("ListeCartes"),
        demandes=_block("TypesDemande"),
        avis=_block("MesAvis"),
        stockage=_block("ListePieces"),
    ),
}
