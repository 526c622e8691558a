"""SMTP (RFC 5321): one mail per connection, every step within one time limit."""

import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from ssl import create_default_context
from urllib.parse import unquote, urlsplit

from services.avis.domain import Langue, Lettre
from services.avis.use_cases import CourrielDefinitif, CourrielIncertain, CourrielTemporaire

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_LANGUES = {Langue.FR: "fr-CA", Langue.EN: "en-CA"}
_FERMETURE = 421
_PERMANENT = 500
_PRET_A_LIRE = 354


@dataclass(frozen=True)
class _Serveur:
    schema: str
    hote: str
    port: int
    compte: str
    secret: str


class CourrielSmtp:
    """Gives mails to one relay.

    A failure before the body is given means that the mail was not taken; one after it, that nobody
    knows: only an answer tells.
    """

    def __init__(self, *, url: str, expediteur: str, delai_s: float) -> None:
        self._serveur = _lire_url(url)
        nom, adresse = parseaddr(expediteur)
        self._expediteur = Address(display_name=nom, addr_spec=adresse)
        self._delai_s = delai_s

    @property
    def domaine(self) -> str:
        """Domain of the sender, which ends every Message-ID."""
        return self._expediteur.domain

    def envoyer(self, lettre: Lettre) -> int:
        """Give one mail.

        Returns: 250.
        Raises: CourrielTemporaire, CourrielDefinitif, CourrielIncertain.
        """
        message = self._message(lettre)
        limite = time.monotonic() + self._delai_s
        try:
            connexion = self._ouvrir()
        except (OSError, smtplib.SMTPException) as error:
            # Not even an authentication refusal is about this message: it is tried again.
            raise CourrielTemporaire(getattr(error, "smtp_code", None)) from error
        try:
            return self._donner(connexion, lettre.adresse, message, limite)
        finally:
            connexion.close()

    def _ouvrir(self) -> smtplib.SMTP:
        serveur = self._serveur
        classe: Callable[..., smtplib.SMTP] = (
            smtplib.SMTP_SSL if serveur.schema == "smtps" else smtplib.SMTP
        )
        connexion = classe(
            serveur.hote,
            serveur.port,
            local_hostname=self._expediteur.domain,
            timeout=self._delai_s / 2,
        )
        try:
            if serveur.schema == "smtp+starttls":
                connexion.starttls(context=create_default_context())
            connexion.ehlo_or_helo_if_needed()
            if serveur.compte:
                connexion.login(serveur.compte, serveur.secret)
        except BaseException:
            connexion.close()
            raise
        return connexion

    def _donner(
        self, connexion: smtplib.SMTP, adresse: str, message: EmailMessage, limite: float
    ) -> int:
        utf8 = not adresse.isascii()
        if utf8 and not connexion.has_extn("smtputf8"):
            # 5.1.2 of RFC 6531: no way to write this address to this server.
            raise CourrielDefinitif(553)
        if utf8:
            connexion.command_encoding = "utf-8"
        corps = message.as_bytes(policy=SMTPUTF8 if utf8 else SMTP)
        options = " SMTPUTF8 BODY=8BITMIME" if utf8 else ""
        try:
            commande = f"FROM:<{self._expediteur.addr_spec}>{options}"
            _exiger(connexion, limite, "MAIL", commande)
            _exiger(connexion, limite, "RCPT", f"TO:<{adresse}>")
            _exiger(connexion, limite, "DATA", "", attendu=_PRET_A_LIRE)
        except (OSError, smtplib.SMTPException) as error:
            raise CourrielTemporaire(None) from error
        try:
            _borner(connexion, limite)
            connexion.send(_pointer(corps))
            _borner(connexion, limite)
            code, _ = connexion.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise CourrielIncertain from error
        _juger(code, attendu=250)
        return code

    def _message(self, lettre: Lettre) -> EmailMessage:
        message = EmailMessage(policy=SMTPUTF8 if not lettre.adresse.isascii() else SMTP)
        message.set_content(lettre.contenu.texte)
        message.add_alternative(lettre.contenu.html, subtype="html")
        message["From"] = self._expediteur
        # By its two parts: parsing would refuse accents, which SMTPUTF8 allows.
        local, _, domaine = lettre.adresse.rpartition("@")
        message["To"] = Address(username=local, domain=domaine)
        message["Subject"] = lettre.contenu.objet
        message["Date"] = format_datetime(lettre.date)
        message["Message-ID"] = lettre.message_id
        message["Content-Language"] = _LANGUES[lettre.langue]
        # RFC 3834: no holiday answer to a machine.
        message["Auto-Submitted"] = "auto-generated"
        return message


def _lire_url(url: str) -> _Serveur:
    parties = urlsplit(url)
    if parties.scheme not in _PORTS or not parties.hostname:
        raise ValueError("the mail server's address is smtp://, smtp+starttls:// or smtps://")
    return _Serveur(
        schema=parties.scheme,
        hote=parties.hostname,
        port=parties.port or _PORTS[parties.scheme],
        compte=unquote(parties.username or ""),
        secret=unquote(parties.password or ""),
    )


def _borner(connexion: smtplib.SMTP, limite: float) -> None:
    """Leave the next step no more than what remains of the mail's time."""
    reste = limite - time.monotonic()
    if reste <= 0:
        raise TimeoutError
    if connexion.sock is not None:
        connexion.sock.settimeout(reste)


def _exiger(
    connexion: smtplib.SMTP, limite: float, commande: str, arguments: str, attendu: int = 250
) -> None:
    _borner(connexion, limite)
    code, _ = connexion.docmd(commande, arguments)
    _juger(code, attendu=attendu)


def _juger(code: int, *, attendu: int) -> None:
    if code == attendu or (attendu == 250 and code == 251):  # noqa: PLR2004  (RFC 5321, 4.2.3)
        return
    if code >= _PERMANENT and code != _FERMETURE:
        raise CourrielDefinitif(code)
    raise CourrielTemporaire(code)


def _pointer(corps: bytes) -> bytes:
    """Double the dots that begin a line and end the message (RFC 5321, 4.5.2)."""
    lignes = corps.replace(b"\r\n.", b"\r\n..")
    if lignes.startswith(b"."):
        lignes = b"." + lignes
    return lignes.removesuffix(b"\r\n") + b"\r\n.\r\n"
