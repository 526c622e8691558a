"""The main journey over ``/api/v1/``, as the wallet application plays it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.parcours import defi, preuves
from tests.e2e.parcours.acces import Acces, Personne, document, photo
from tests.kit.wait import wait_until

API = "/api/v1"


def attendu(response: httpx.Response, status: int) -> Any:
    """The JSON of an answer that has to be ``status``."""
    assert response.status_code == status, (
        f"{response.request.method} {response.request.url.path}: {response.status_code} "
        f"{response.text[:400]}"
    )
    return response.json() if response.content else None


@dataclass
class Citoyen:
    """A person with the application: one session, and the documents and card that they have."""

    acces: Acces
    personne: Personne
    http: httpx.Client

    @classmethod
    def nouveau(cls, acces: Acces) -> Citoyen:
        """Someone without an account."""
        return cls(acces, Personne(), acces.client())

    def cle(self) -> dict[str, str]:
        """A fresh Idempotency-Key."""
        return {"Idempotency-Key": str(uuid4())}

    def s_inscrire(self) -> None:
        """Sign up, with one notice category besides the mandatory one."""
        who = self.personne
        body = {
            "courriel": who.courriel, "mot_de_passe": who.mot_de_passe, "prenom": who.prenom,
            "nom": who.nom, "date_naissance": who.date_naissance, "langue": "fr",
            "adresse": {"ligne": who.adresse, "ville": who.ville, "code_postal": who.code_postal},
            "categories": ["info_travaux"], "canaux": ["courriel"],
        }  # fmt: skip
        body |= defi.reponse(attendu(self.http.get(f"{API}/defi"), 200))
        attendu(self.http.post(f"{API}/comptes", json=body, headers=self.cle()), 202)

    def activer(self) -> None:
        """Use the link of the activation mail."""
        jeton = self.acces.lien(self.personne.courriel, "/activation/").rsplit("/", 1)[1]
        answer = self.http.post(
            f"{API}/comptes/activation", json={"jeton": jeton}, headers=self.cle()
        )
        attendu(answer, 200)

    def se_connecter(self) -> None:
        """Open a session and carry its secret."""
        self.http.headers["Authorization"] = f"Bearer {self._session(agent=False)}"

    def _session(self, *, agent: bool) -> str:
        who = self.personne
        body = {"identifiant": who.courriel, "mot_de_passe": who.mot_de_passe, "agent": agent}
        jeton: str = attendu(self.http.post(f"{API}/session", json=body), 201)["jeton"]
        return jeton

    def deposer(self, contenu: bytes, nom: str, genre: str) -> str:
        """Upload a document; returns its id once it is clean."""
        answer = self.http.post(
            f"{API}/pieces",
            data={"genre": genre, "libelle": nom.rsplit(".", 1)[0]},
            files={"fichier": (nom, contenu)},
            headers=self.cle(),
        )
        piece_id: str = attendu(answer, 201)["piece_id"]
        wait_until(
            lambda: attendu(self.http.get(f"{API}/pieces/{piece_id}"), 200)["statut"] == "SAINE",
            timeout=30, what=f"{nom} clean",
        )  # fmt: skip
        return piece_id

    def deposer_preuves(self) -> tuple[str, str]:
        """A photo of the identity card and a PDF of a bill."""
        return (
            self.deposer(photo("Carte exemple"), "identite.jpg", "IDENTITE"),
            self.deposer(document("Facture exemple"), "residence.pdf", "RESIDENCE"),
        )

    def demander_carte(self, identite: str, residence: str, *, cle: str = "") -> dict[str, Any]:
        """« Demander ma carte », digital; returns the card."""
        who = self.personne
        body = {
            "piece_identite_id": identite, "piece_residence_id": residence, "carte_physique": False,
            "titulaire": {
                "prenom": who.prenom, "nom": who.nom, "date_naissance": who.date_naissance,
                "adresse": who.adresse, "ville": who.ville, "code_postal": who.code_postal,
            },
        }  # fmt: skip
        headers = {"Idempotency-Key": cle} if cle else self.cle()
        carte: dict[str, Any] = attendu(
            self.http.post(f"{API}/cartes", json=body, headers=headers), 201
        )
        assert carte["statut"] == "EN_ATTENTE_VALIDATION"
        return carte

    def carte(self) -> dict[str, Any]:
        """« Voir les cartes »: the only card."""
        (carte,) = attendu(self.http.get(f"{API}/cartes"), 200)["cartes"]
        return dict(carte)

    def remplacer(self, carte_id: str, role: str, piece_id: str) -> dict[str, Any]:
        """Replace one refused proof, that one alone."""
        answer = self.http.put(
            f"{API}/cartes/{carte_id}/demande/pieces/{role}",
            json={"piece_id": piece_id}, headers=self.cle(),
        )  # fmt: skip
        return dict(attendu(answer, 200))

    def accueil(self) -> dict[str, Any]:
        """The aggregated home."""
        return dict(attendu(self.http.get(f"{API}/accueil"), 200))

    def portefeuille(self) -> tuple[dict[str, object], dict[str, object]]:
        """The pass and the save link behind the links of the decision mail, verified."""
        lien = self.acces.lien(self.personne.courriel, "/portefeuille/")
        jeton = lien.split("/")[2]
        anonyme = self.acces.client()
        passe = anonyme.get(f"/portefeuille/{jeton}/apple")
        assert passe.status_code == 200, passe.text[:400]
        assert passe.headers["content-type"] == "application/vnd.apple.pkpass"
        google = anonyme.get(f"/portefeuille/{jeton}/google", follow_redirects=False)
        assert google.status_code == 303, google.text[:400]
        return (
            preuves.verifier_passe(passe.content, self.acces.racine),
            preuves.verifier_lien_google(google.headers["location"], self.acces.compte_google),
        )


@dataclass
class Agent:
    """A member of staff who validates cards."""

    http: httpx.Client

    @classmethod
    def connecte(cls, acces: Acces) -> Agent:
        """Log in at the staff door."""
        http = acces.client()
        courriel, mot_de_passe = acces.agent
        body = {"identifiant": courriel, "mot_de_passe": mot_de_passe, "agent": True}
        jeton = attendu(http.post(f"{API}/session", json=body), 201)["jeton"]
        http.headers["Authorization"] = f"Bearer {jeton}"
        return cls(http)

    def demande(self, demande_id: str) -> dict[str, Any]:
        """Find the request in the queue and open it."""
        cursor = ""
        while True:
            page = attendu(
                self.http.get(f"{API}/agents/demandes-carte", params={"curseur": cursor}), 200
            )
            if any(item["demande_id"] == demande_id for item in page["demandes"]):
                break
            cursor = page["suivant"]
            assert cursor, "the request is not in the queue"
        return dict(attendu(self.http.get(f"{API}/agents/demandes-carte/{demande_id}"), 200))

    def regarder(self, demande: dict[str, Any]) -> None:
        """Look at both proofs as clean images."""
        for piece in demande["pieces"]:
            image = self.http.get(
                f"{API}/agents/demandes-carte/{demande['demande_id']}"
                f"/pieces/{piece['piece_id']}/apercu"
            )
            assert image.status_code == 200, image.text[:400]
            assert image.content.startswith(b"\x89PNG"), "a preview is a PNG"

    def decider(
        self, demande: dict[str, Any], refus: dict[str, str] | None = None, *, cle: str = ""
    ) -> httpx.Response:
        """Accept each proof that waits, or refuse those that ``refus`` names (role: motif)."""
        refus = refus or {}
        decisions = [
            {
                "role": piece["role"], "acceptee": piece["role"] not in refus,
                "motif": refus.get(piece["role"]), "precision": "",
            }
            for piece in demande["pieces"]
            if piece["statut"] == "A_VERIFIER"
        ]  # fmt: skip
        return self.http.post(
            f"{API}/agents/demandes-carte/{demande['demande_id']}/decision",
            json={"version": demande["version"], "decisions": decisions},
            headers={"Idempotency-Key": cle or str(uuid4())},
        )
