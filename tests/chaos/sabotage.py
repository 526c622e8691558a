"""The proof of the judge: what is damaged on purpose, it must condemn.

A real journey is played and judged clean; then each damage is done to the real suite, one on top of
the other, and has to add its own finding.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

from tests.chaos.annonces import OUTBOX, Annonce, Courtier
from tests.chaos.histoire import ACTIVATION, juger
from tests.chaos.joueur import Vie
from tests.chaos.terrain import Terrain
from tests.kit.wait import wait_until


@dataclass(frozen=True)
class Degat:
    """One damage: in words, how it is done, and in which list of the verdict it must be seen."""

    phrase: str
    faire: Callable[[Terrain, Vie], None]
    liste: str
    mot: str


def _carte_perdue(terrain: Terrain, life: Vie) -> None:
    _ecrire(terrain, "cartes", "DELETE FROM decision", "DELETE FROM piece_justificative",
            "DELETE FROM lien", "DELETE FROM demande", "DELETE FROM carte")  # fmt: skip
    assert life.carte_id


def _deuxieme_carte(terrain: Terrain, life: Vie) -> None:
    _ecrire(
        terrain, "cartes", "DROP INDEX carte_ouverte_par_personne",
        "INSERT INTO carte SELECT gen_random_uuid(), personne_id, compte_id, prenom, nom,"
        " serie || '2', 'EN_ATTENTE_VALIDATION', NULL, numerique, physique, NULL, NULL,"
        f" demandee_le FROM carte WHERE carte_id = '{life.carte_id}'",
    )  # fmt: skip


def _decision_perdue(terrain: Terrain, life: Vie) -> None:
    _ecrire(
        terrain, "cartes",
        f"UPDATE carte SET statut = 'EN_ATTENTE_VALIDATION' WHERE carte_id = '{life.carte_id}'",
    )  # fmt: skip


def _piece_perdue(terrain: Terrain, life: Vie) -> None:
    _ecrire(terrain, "stockage", "DELETE FROM retenue",
            f"DELETE FROM piece WHERE piece_id = '{life.pieces[0]}'")  # fmt: skip


def _piece_double(terrain: Terrain, life: Vie) -> None:
    _ecrire(
        terrain, "stockage",
        "INSERT INTO piece SELECT gen_random_uuid(), compte_id, nom_fichier, genre, libelle,"
        " valide_jusqu_au, 'ERREUR', raison, type_media, taille_octets, pages, deposee_le,"
        " retiree_le, sha256_recu, NULL, NULL, NULL, tentatives, NULL"
        f" FROM piece WHERE piece_id = '{life.pieces[0]}'",
    )  # fmt: skip


def _courriel_double(terrain: Terrain, life: Vie) -> None:
    _poster(terrain, life, ACTIVATION)


def _courriel_inattendu(terrain: Terrain, life: Vie) -> None:
    _poster(terrain, life, "Vous avez déjà un compte Espace citoyen")


def _courriel_perdu(_terrain: Terrain, life: Vie) -> None:
    life.promesses.courriels.add((life.courriel, "Un courriel que personne n’a envoyé"))


def _evenement_reste(terrain: Terrain, life: Vie) -> None:
    _ecrire(
        terrain, "demandes",
        "INSERT INTO outbox (event_id, aggregate, exchange, routing_key, body, trace,"
        " next_attempt_at) VALUES (gen_random_uuid(), 'x', 'demandes.events', 'x.v1', '', '',"
        " now() + interval '1 hour')",
    )  # fmt: skip
    assert life.courriel


def _sans_memoire(terrain: Terrain, life: Vie) -> None:
    """Without inbox and ledger keys, a second delivery is a second mail."""
    _ecrire(terrain, "avis", "TRUNCATE inbox", "UPDATE envoi SET event_id = gen_random_uuid()")
    rows = terrain.lire("cartes", OUTBOX)
    with Courtier(terrain.suite.amqp_url) as broker:
        broker.publier([Annonce.de_outbox(row) for row in rows])
    terrain.attendre_repos()
    assert life.carte_id


def _sans_outbox(terrain: Terrain, life: Vie) -> None:
    """An act whose event was not committed with it: nobody is told."""
    other = Vie(life.acces, terrain.promesses)
    other.s_inscrire()
    other.preparer()
    with terrain.suite.frozen("cartes.work"):
        other.demander()
        _ecrire(terrain, "cartes", "DELETE FROM outbox WHERE published_at IS NULL")
    terrain.attendre_repos()


DEGATS = (
    Degat("l’inbox oubliée, puis une deuxième livraison", _sans_memoire, "doubles", "courriel"),
    Degat("un acte sans son événement", _sans_outbox, "perdus", "courriel"),
    Degat("un courriel envoyé deux fois", _courriel_double, "doubles", "courriel"),
    Degat("un courriel que rien n’explique", _courriel_inattendu, "inattendus", "courriel"),
    Degat("un courriel jamais parti", _courriel_perdu, "perdus", "courriel"),
    Degat("une pièce en double", _piece_double, "doubles", "pièce"),
    Degat("une pièce disparue", _piece_perdue, "perdus", "pièce"),
    Degat("une décision oubliée", _decision_perdue, "perdus", "ACTIVE promis"),
    Degat("une deuxième carte ouverte", _deuxieme_carte, "doubles", "carte ouverte"),
    Degat("une carte disparue", _carte_perdue, "perdus", "carte"),
    Degat("un événement resté dans une outbox", _evenement_reste, "perdus", "outbox"),
)


def jouer(terrain: Terrain) -> int:
    """Print a line per damage. Returns: 0 when the judge saw every one of them."""
    life = Vie(terrain.portes[0], terrain.promesses)
    life.jouer()
    terrain.attendre_repos()
    clean = juger(terrain.promesses, terrain.constater())
    print(f"{'✔' if clean.net else '✘'} un parcours sans dégât est jugé net", flush=True)
    seen = [clean.net, *(_condamne(terrain, life, damage) for damage in DEGATS)]
    print(f"\n{sum(seen)} sur {len(seen)} comme attendu")
    return 0 if all(seen) else 1


def _condamne(terrain: Terrain, life: Vie, damage: Degat) -> bool:
    before = set(juger(terrain.promesses, terrain.constater()).phrases())
    damage.faire(terrain, life)
    verdict = juger(terrain.promesses, terrain.constater())
    new = [phrase for phrase in verdict.phrases() if phrase not in before]
    seen = set(getattr(verdict, damage.liste))
    red = any(damage.mot in one and one.split(" : ", 1)[1] in seen for one in new)
    print(f"{'✔' if red else '✘'} {damage.phrase} : {new or 'rien vu'}", flush=True)
    return red


def _ecrire(terrain: Terrain, service: str, *statements: str) -> None:
    with terrain.transaction(service) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _poster(terrain: Terrain, life: Vie, subject: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "chaos@exemple.test", life.courriel
    mail["Subject"], mail["Message-ID"] = subject, f"<chaos-{len(subject)}@exemple.test>"
    mail.set_content("Essai du juge.")
    count = len(terrain.relever_courrier())
    with smtplib.SMTP("127.0.0.1", terrain.suite.components.mailbox.port, timeout=10) as server:
        server.send_message(mail)
    wait_until(lambda: len(terrain.relever_courrier()) > count, what="the mail of the test")
