"""The main journey in the portal as a person without JavaScript plays it, forms and links only."""

from __future__ import annotations

from collections.abc import Iterator

from tests.e2e.parcours import defi, preuves
from tests.e2e.parcours.acces import Acces, Personne, document, photo
from tests.e2e.parcours.etapes import Etape
from tests.e2e.parcours.formulaires import Navigateur, Page
from tests.kit.wait import wait_until


def reussie(page: Page) -> Page:
    """A page that is not an error."""
    assert page.status == 200, f"{page.url}: {page.status} {page.text[:600]}"
    return page


class Visite:
    """A citizen in front of the portal."""

    def __init__(self, acces: Acces) -> None:
        self.acces = acces
        self.personne = Personne(prenom="Noé")
        self.web = Navigateur(acces.client())

    def arriver(self) -> None:
        """The public home offers to sign up, to log in, to make a request."""
        page = reussie(self.web.ouvrir("/"))
        page.formulaire("identifiant", "mot_de_passe")
        for link in ("/inscription", "/mot-de-passe-oublie", "/demandes/nouvelle"):
            page.lien(link)

    def s_inscrire(self) -> None:
        """Fill the sign-up form in."""
        who = self.personne
        page = reussie(self.web.ouvrir("/inscription"))
        formulaire = page.formulaire("courriel", "mot_de_passe")
        envoyee = self.web.envoyer(
            page,
            formulaire,
            {
                "preuve": defi.preuve(formulaire.values["defi"][0], formulaire.values["bits"][0]),
                "prenom": who.prenom, "nom": who.nom, "courriel": who.courriel,
                "mot_de_passe": who.mot_de_passe, "ligne": who.adresse, "municipalite": who.ville,
                "code_postal": who.code_postal, "date_naissance": who.date_naissance,
                "categories": ["collectes_environnement"],
            },
        )  # fmt: skip
        assert "/verifiez" in reussie(envoyee).url

    def activer(self) -> None:
        """Follow the mailed link and press its button."""
        page = reussie(self.web.ouvrir(self.acces.lien(self.personne.courriel, "/activation/")))
        form = next(form for form in page.forms if "/activation/" in (form.action or page.url))
        reussie(self.web.envoyer(page, form, {}))

    def se_connecter(self) -> None:
        """Log in; the home greets by the first name."""
        page = reussie(self.web.ouvrir("/connexion"))
        form = page.formulaire("identifiant", "mot_de_passe")
        who = self.personne
        suite = self.web.envoyer(
            page, form, {"identifiant": who.courriel, "mot_de_passe": who.mot_de_passe}
        )
        assert who.prenom in reussie(suite).text

    def deposer(self) -> None:
        """Add a photo and a PDF to Mon espace de stockage."""
        for genre, nom, contenu in (
            ("IDENTITE", "identite.jpg", photo("Carte exemple")),
            ("RESIDENCE", "residence.pdf", document("Facture exemple")),
        ):
            page = reussie(self.web.ouvrir("/stockage/ajouter"))
            form = page.formulaire("genre", "libelle")
            reussie(
                self.web.envoyer(
                    page, form, {"genre": genre, "libelle": nom}, fichier=(nom, contenu)
                )
            )
        wait_until(
            lambda: "en analyse" not in self.web.ouvrir("/stockage").text.lower(),
            timeout=30, what="both documents clean",
        )  # fmt: skip

    def demander(self) -> None:
        """« Demander ma carte »: the form is filled in already, both proofs are chosen."""
        page = reussie(self.web.ouvrir("/cartes/demande"))
        form = page.formulaire("piece_identite", "piece_residence")
        assert form.values["nom"] == [self.personne.nom], "the profile fills the holder in"
        suite = reussie(self.web.envoyer(page, form, {}))
        assert "validation" in suite.text

    def telecharger(self) -> None:
        """« Voir les cartes », then the wallet page of the mail, and its pass."""
        liste = reussie(self.web.ouvrir("/cartes"))
        assert self.personne.nom in liste.text
        lien = self.acces.lien(self.personne.courriel, "/portefeuille/")
        page = reussie(self.web.ouvrir("/" + "/".join(lien.split("/")[1:3])))
        passe = self.web.http.get(
            page.lien(f"{lien.rsplit('/apple')[0].rsplit('/google')[0]}/apple")
        )
        preuves.verifier_passe(passe.content, self.acces.racine)


class Guichet:
    """A member of staff in the back office."""

    def __init__(self, acces: Acces) -> None:
        self.acces = acces
        self.web = Navigateur(acces.client())

    def accepter(self, nom: str) -> None:
        """Log in, open the person's request from the queue, see both proofs, accept all."""
        page = reussie(self.web.ouvrir("/agents/connexion"))
        courriel, mot_de_passe = self.acces.agent
        file = reussie(
            self.web.envoyer(
                page,
                page.formulaire("identifiant", "mot_de_passe"),
                {"identifiant": courriel, "mot_de_passe": mot_de_passe},
            )
        )
        demande = self._trouver(file, nom)
        suite = self.web.envoyer(
            demande, demande.formulaire("version", "tout_accepter"), {}, bouton="tout_accepter"
        )
        reussie(suite)

    def _trouver(self, file: Page, nom: str) -> Page:
        for link in [link for link in file.links if link.startswith("/agents/demandes/")]:
            page = reussie(self.web.ouvrir(link))
            if nom in page.text:
                return page
        suivante = next((link for link in file.links if "suivant=" in link), None)
        assert suivante, f"{nom} is not in the queue"
        return self._trouver(reussie(self.web.ouvrir(str(suivante))), nom)


def acceptee(acces: Acces) -> Iterator[Etape]:
    """From the public home to the pass in the wallet."""
    visite = Visite(acces)
    guichet = Guichet(acces)
    yield "L’accueil public offre l’essentiel", visite.arriver
    yield "S’inscrire", visite.s_inscrire
    yield "Activer le compte par le courriel", visite.activer
    yield "Se connecter et arriver à l’accueil", visite.se_connecter
    yield "Ajouter une photo et un PDF à l’espace de stockage", visite.deposer
    yield "Demander ma carte", visite.demander
    yield "L’agent voit les deux preuves et accepte", lambda: guichet.accepter(visite.personne.nom)
    yield "Voir les cartes et télécharger le passe, vérifié", visite.telecharger
