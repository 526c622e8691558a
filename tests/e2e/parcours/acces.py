"""What an outside client must be told of a running suite, and the people it plays."""

from __future__ import annotations

import io
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from PIL import Image, ImageDraw

from tests.kit.components import Courrier
from tests.kit.wait import wait_until

_LINK = re.compile(r"https?://[^\s\"<>]+")


@dataclass(frozen=True, kw_only=True)
class Acces:
    """Addresses of a suite, its agent, and what its passes are verified with.

    Attributes:
        portail: origin of the portal, ``http://127.0.0.1:8080``.
        courrier: API of the mailbox, ``http://127.0.0.1:8081``.
        agent: e-mail and password of a member of staff who validates cards.
        racine: PEM file of the authority that signs passes in this suite.
        compte_google: JSON file of the service account that signs save links.
    """

    portail: str
    courrier: str
    agent: tuple[str, str]
    racine: Path
    compte_google: Path
    ouverts: list[httpx.Client] = field(default_factory=list, compare=False, repr=False)

    def client(self) -> httpx.Client:
        """A client that sends no cookie of another one."""
        self.ouverts.append(httpx.Client(base_url=self.portail, timeout=30))
        return self.ouverts[-1]

    def fermer(self) -> None:
        """Close the connections of every client."""
        while self.ouverts:
            self.ouverts.pop().close()

    def lien(self, destinataire: str, chemin: str, *, rang: int = 0) -> str:
        """The link of a mail: the ``rang``-th whose path starts with ``chemin``, once it came."""

        def trouve() -> str | None:
            found = [
                link
                for mail in Courrier(smtp_url="", api_url=self.courrier).messages(to=destinataire)
                for link in dict.fromkeys(_LINK.findall(str(mail["text"])))
                if link.removeprefix(self.portail).startswith(chemin)
            ]
            return found[rang] if len(found) > rang else None

        link = wait_until(trouve, timeout=30, what=f"{chemin} for {destinataire}")
        return str(link).rstrip(".").removeprefix(self.portail)

    def courriels(self, destinataire: str) -> list[str]:
        """Subjects of the mails that a person received, in order."""
        mails = Courrier(smtp_url="", api_url=self.courrier).messages(to=destinataire)
        return [str(mail["subject"]) for mail in mails]


def _lettres() -> str:
    """A family name that no other run has: letters only, as in a name."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(8)).capitalize()


@dataclass(frozen=True, kw_only=True)
class Personne:
    """A sample citizen: obviously sample, new at each run."""

    prenom: str = "Émilie"
    nom: str = field(default_factory=lambda: f"Exemple-{_lettres()}")
    courriel: str = field(default_factory=lambda: f"emilie.{secrets.token_hex(5)}@exemple.test")
    mot_de_passe: str = field(default_factory=lambda: f"Érable-{secrets.token_urlsafe(12)}")
    date_naissance: str = "1988-02-29"
    adresse: str = "12, rue de l’Exemple"
    ville: str = "Sainte-Thérèse"
    code_postal: str = "J7E 1A1"


def photo(texte: str) -> bytes:
    """A JPEG such as a phone makes of a card: 1600 × 1000, with the camera's metadata."""
    image = Image.new("RGB", (1600, 1000), "#dfe7ee")
    drawing = ImageDraw.Draw(image)
    drawing.rectangle((60, 60, 1540, 940), outline="#00436b", width=12)
    drawing.text((140, 420), texte, fill="#00273f", font_size=72)
    exif = image.getexif()
    exif[0x010F] = "Appareil exemple"
    exif[0x0112] = 1
    output = io.BytesIO()
    image.save(output, "JPEG", quality=88, exif=exif)
    return output.getvalue()


def document(texte: str) -> bytes:
    """A one-page PDF such as a bill that was scanned."""
    page = Image.new("RGB", (1240, 1754), "white")
    drawing = ImageDraw.Draw(page)
    drawing.text((140, 200), texte, fill="black", font_size=48)
    output = io.BytesIO()
    page.save(output, "PDF", resolution=150)
    return output.getvalue()
