"""`deposer_piece`: order of the controls (STO-04), and the same controls taken up later."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from chassis import idempotency, outbox
from chassis.db import Sessions
from espacecitoyen.stockage.v1.evenements_pb2 import PieceDeposee
from services.stockage import persistence
from services.stockage.domain import (
    BORD_OCTETS,
    Constat,
    ControleIndisponible,
    Espace,
    Fiche,
    Mesure,
    ObjetChiffre,
    Piece,
    PieceAlteree,
    PieceInfectee,
    PieceIntrouvable,
    StatutPiece,
    Zone,
    nommer_selon_type,
    reconnaitre,
)
from services.stockage.use_cases import versions
from services.stockage.use_cases.jugement import juger
from services.stockage.use_cases.ports import (
    Analyseur,
    Antivirus,
    CleEffacee,
    Coffre,
    EntrepotEnPanne,
)


@dataclass(frozen=True, kw_only=True)
class Controle:
    """Who judges a document, and where its bytes are."""

    coffre: Coffre
    antivirus: Antivirus
    analyseur: Analyseur


@dataclass(frozen=True, kw_only=True)
class Depot:
    """What is announced of an upload; `nom_fichier` is clean, `taille_annoncee` 0 if unknown.

    `remplace` is any version of the document whose next version this is; `fiche` may then be None,
    which keeps its fields.
    """

    compte_id: UUID
    request_id: str
    nom_fichier: str
    fiche: Fiche | None
    taille_annoncee: int
    remplace: UUID | None = None


def deposer_piece(
    *,
    sessions: Sessions,
    controle: Controle,
    depot: Depot,
    blocs: Iterable[bytes],
    taille_max: int,
    quota: int,
    maintenant: datetime,
) -> Piece:
    """Receive, judge, clean, encrypt and store one file (STO-04).

    Invariant: nothing is visible before its row commits; a refusal or a broken stream leaves no row
    and no byte, a killed process leaves an object without a row, which `balayer` deletes.

    `blocs` is the file as it arrives, read once and never held whole; `taille_max` is the most
    bytes of one file, `quota` of the whole space; `maintenant` is aware UTC time.
    Returns: the document, `SAINE`, or `EN_ANALYSE` when nobody could judge it now (it then waits in
        quarantine for `reprendre_pieces`). The same request_id with the same bytes gives the
        document of the first time.
    Raises: PieceTropGrande, PieceVide, PieceTronquee, PieceInfectee, TypeNonAccepte, QuotaDepasse,
        PieceIntrouvable (the document to replace, or a repeated request of one deleted since),
        CleEffacee, EspacePlein, EntrepotIndisponible, RequestIdReused, InvalidRequestId.
    """
    mesure = Mesure(maximum=taille_max, annoncee=depot.taille_annoncee)
    fiche = versions.fiche_du_depot(
        sessions=sessions,
        compte_id=depot.compte_id,
        remplace=depot.remplace,
        fiche=depot.fiche,
    )
    espace = _assurer_espace(sessions, controle.coffre, depot.compte_id, maintenant)
    espace.exiger_place(mesure.annoncee, quota=quota)
    with juger(controle.antivirus) as jugement, sans_restes(controle.coffre) as restes:
        passants = jugement.passer(blocs)
        recu, sha256_recu = _mettre_en_quarantaine(controle.coffre, espace, passants, mesure)
        restes.add((Zone.QUARANTAINE, recu.nom))
        deja = _deja_deposee(sessions, depot, sha256_recu)
        if deja is not None:
            return deja
        piece = _en_analyse(depot, fiche, recu, sha256_recu, maintenant)
        try:
            jugement.exiger_sain()
            piece = assainir(controle, espace, piece)
        except ControleIndisponible:
            piece = _faire_attendre(controle.coffre, piece, recu)
        objet = piece.objet or recu
        restes.add((piece.zone, objet.nom))
        enregistree = _enregistrer(sessions, controle.coffre, depot, piece, quota)
        if enregistree.piece_id == piece.piece_id:
            restes.discard((piece.zone, objet.nom))
        return enregistree


@contextmanager
def sans_restes(coffre: Coffre) -> Iterator[set[tuple[Zone, str]]]:
    """Delete at the end of the block the objects left in the set: those that no row names."""
    restes: set[tuple[Zone, str]] = set()
    try:
        yield restes
    except SQLAlchemyError:
        # A lost connection does not tell whether the row was committed: `balayer` will know.
        restes.clear()
        raise
    finally:
        for zone, nom in restes:
            # The first fault is the one told; what stays behind is an orphan, which `balayer` sees.
            with suppress(EntrepotEnPanne):
                coffre.supprimer(zone, nom)


def _en_analyse(
    depot: Depot, fiche: Fiche, recu: ObjetChiffre, sha256: bytes, maintenant: datetime
) -> Piece:
    return Piece(
        piece_id=uuid4(),
        compte_id=depot.compte_id,
        nom_fichier=depot.nom_fichier,
        fiche=fiche,
        statut=StatutPiece.EN_ANALYSE,
        type_media=None,
        taille_octets=recu.taille_octets,
        pages=0,
        deposee_le=maintenant,
        sha256_recu=sha256,
        objet=recu,
    )


def _faire_attendre(coffre: Coffre, piece: Piece, recu: ObjetChiffre) -> Piece:
    """Make what is in quarantine last, and comparable: the document waits there."""
    coffre.affermir(Zone.QUARANTAINE, recu.nom)
    sha256 = coffre.empreinte(Zone.QUARANTAINE, recu.nom)
    if sha256 is None:
        raise PieceAlteree
    return replace(piece, objet=replace(recu, sha256=sha256))


def controler(controle: Controle, espace: Espace, piece: Piece) -> Piece:
    """Judge a document in quarantine and store its clean form; no session is open meanwhile.

    Returns: the document `SAINE`, its object durable in the final area and not yet named by a row.
    Raises: PieceInfectee, TypeNonAccepte, PieceTropGrande, PieceTronquee, PieceAlteree,
        ControleIndisponible, CleEffacee, EspacePlein, EntrepotIndisponible.
    """
    if piece.objet is None:
        raise PieceIntrouvable
    with controle.coffre.ouvrir(espace, Zone.QUARANTAINE, piece.objet) as lecture:
        if controle.antivirus.examiner(lecture.blocs()) is not None:
            raise PieceInfectee
    return assainir(controle, espace, piece)


def assainir(controle: Controle, espace: Espace, piece: Piece) -> Piece:
    """Parse a document that the antivirus let pass and store its clean form.

    Returns and raises: as `controler`, but PieceInfectee.
    """
    if piece.objet is None:
        raise PieceIntrouvable
    with controle.coffre.ouvrir(espace, Zone.QUARANTAINE, piece.objet) as lecture:
        type_media = reconnaitre(*lecture.bords(BORD_OCTETS))
        with controle.coffre.ecrire(espace, Zone.OBJETS) as ecriture:
            constat = controle.analyseur.assainir(lecture, type_media, ecriture.ajouter)
            if not constat.reecrit:
                for bloc in lecture.blocs():
                    ecriture.ajouter(bloc)
            objet = ecriture.valider(durable=True)
    return _saine(piece, constat, objet)


def _saine(piece: Piece, constat: Constat, objet: ObjetChiffre) -> Piece:
    return replace(
        piece,
        nom_fichier=nommer_selon_type(piece.nom_fichier, constat.type_media),
        statut=StatutPiece.SAINE,
        type_media=constat.type_media,
        taille_octets=objet.taille_octets,
        pages=constat.pages,
        objet=objet,
    )


def _assurer_espace(
    sessions: Sessions, coffre: Coffre, compte_id: UUID, maintenant: datetime
) -> Espace:
    """Find the space of an account, made with its key at the first upload."""
    with sessions.begin() as session:
        espace = persistence.lire_espace(session, compte_id)
        if espace is None:
            nouveau = Espace(compte_id=compte_id, cle=coffre.nouvelle_cle(compte_id))
            persistence.creer_espace(session, nouveau, maintenant=maintenant)
            # Read again: a twin may have been first, and then its key is the one.
            espace = persistence.lire_espace(session, compte_id)
    if espace is None:
        raise PieceIntrouvable
    return espace


def _mettre_en_quarantaine(
    coffre: Coffre, espace: Espace, blocs: Iterable[bytes], mesure: Mesure
) -> tuple[ObjetChiffre, bytes]:
    """Encrypt the stream as it arrives. Returns: the object, the SHA-256 of what was received."""
    sha256 = hashlib.sha256()
    with coffre.ecrire(espace, Zone.QUARANTAINE, passager=True) as ecriture:
        for bloc in blocs:
            mesure.ajouter(len(bloc))
            sha256.update(bloc)
            ecriture.ajouter(bloc)
        mesure.terminer()
        # The disk is waited for only if the document has to stay here (`affermir`).
        return ecriture.valider(durable=False), sha256.digest()


def _portee(depot: Depot) -> str:
    return f"DeposerPiece:{depot.compte_id}"


def _deja_deposee(sessions: Sessions, depot: Depot, sha256_recu: bytes) -> Piece | None:
    """Give the document of the first time, before it is judged again for nothing."""
    with sessions() as session:
        resultat = idempotency.claim(
            session,
            request_id=depot.request_id,
            scope=_portee(depot),
            fingerprint=sha256_recu,
        )
        # The session closes without a commit, so that this claim leaves no trace.
        return None if resultat is None else _relire(session, depot, resultat)


def _relire(session: Session, depot: Depot, resultat: str) -> Piece:
    piece_id = UUID(resultat)
    pieces = persistence.lire_pieces(session, compte_id=depot.compte_id, piece_ids=[piece_id])
    if piece_id not in pieces:
        raise PieceIntrouvable
    return pieces[piece_id]


def _enregistrer(
    sessions: Sessions, coffre: Coffre, depot: Depot, piece: Piece, quota: int
) -> Piece:
    """Commit the row, the counters and the event. Returns: `piece`, or that of the first time."""
    with sessions.begin() as session:
        resultat = idempotency.claim(
            session,
            request_id=depot.request_id,
            scope=_portee(depot),
            fingerprint=piece.sha256_recu,
        )
        if resultat is not None:
            return _relire(session, depot, resultat)
        espace = persistence.lire_espace(session, piece.compte_id, verrou=True)
        if espace is None:
            raise PieceIntrouvable
        if piece.objet is None or not coffre.convient(espace, piece.zone, piece.objet):
            # The account was erased while the bytes came: the row would be of a document that
            # nobody can read.
            raise CleEffacee
        espace.exiger_place(piece.taille_octets, quota=quota)
        piece = versions.inscrire(session, piece, depot.remplace)
        nouvelles = 1 if piece.version == 1 else 0
        persistence.compter(session, piece.compte_id, octets=piece.taille_octets, pieces=nouvelles)
        if piece.statut is StatutPiece.SAINE:
            annoncer(session, piece)
        idempotency.complete(
            session,
            request_id=depot.request_id,
            scope=_portee(depot),
            result=str(piece.piece_id),
        )
    return piece


def annoncer(session: Session, piece: Piece) -> None:
    """Append `PieceDeposee`: the document can be used from now on."""
    evenement = PieceDeposee(piece_id=str(piece.piece_id), compte_id=str(piece.compte_id))
    outbox.append(session, evenement, aggregate=str(piece.piece_id))
