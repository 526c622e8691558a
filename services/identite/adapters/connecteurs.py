"""The reference HTTP connectors to the tax system and the Espace Famille (docs/ponts.md).

Guarantee: the address is a setting, never anything that a person typed; no redirect is followed;
an answer that is late, too long, or not what the contract says is `SystemeIndisponible`. After a
few of those the system is left alone for a while, and people are told at once.
"""

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

from services.identite.config import Config
from services.identite.domain.ponts import (
    CompteTaxesNonLie,
    EspaceFamilleRefuse,
    SystemeIndisponible,
)
from services.identite.use_cases.ponts.connecteurs import (
    CompteTaxes,
    Echeance,
    Facture,
    Famille,
    InscriptionFamille,
    Systemes,
)
from services.identite.use_cases.ponts.reglages import cle_facultative

T = TypeVar("T")

_CORPS_MAX: Final = 1 << 20
_LIGNES_MAX: Final = 200
_TEXTE_MAX: Final = 200


class Disjoncteur:
    """Leaves a system alone after `echecs` failures in a row, for `repos_s` seconds.

    After the rest one question is let through; its answer decides.
    """

    def __init__(
        self, *, echecs: int, repos_s: float, horloge: Callable[[], float] = time.monotonic
    ) -> None:
        self._seuil, self._repos_s, self._horloge = echecs, repos_s, horloge
        self._verrou = threading.Lock()
        self._echecs = 0
        self._jusqua = 0.0

    def entrer(self) -> None:
        """Ask to call. Raises: SystemeIndisponible while the system rests."""
        with self._verrou:
            if self._echecs < self._seuil:
                return
            if self._horloge() < self._jusqua:
                raise SystemeIndisponible
            self._jusqua = self._horloge() + self._repos_s

    def noter(self, *, repondu: bool) -> None:
        """Tell how the call ended."""
        with self._verrou:
            self._echecs = 0 if repondu else self._echecs + 1
            if self._echecs >= self._seuil:
                self._jusqua = self._horloge() + self._repos_s


class ClientJson:
    """Asks one system over HTTP(S) and JSON."""

    def __init__(
        self,
        *,
        url: str,
        cle: str,
        autorite: Path | None,
        delai_s: float,
        disjoncteur: Disjoncteur,
    ) -> None:
        """Prepare the connector.

        Args:
            url: `https://host[:port][/path]`; `http` is for the loopback of a demo alone.
            cle: bearer key that the system gave us.
            autorite: PEM of the authority of its certificate, None for the usual ones.
            delai_s: seconds that connecting, and each wait for bytes, may take.
            disjoncteur: of this system.
        Raises: ValueError for another kind of address.
        """
        parties = urlsplit(url)
        local = parties.scheme == "http" and parties.hostname in {"127.0.0.1", "::1", "localhost"}
        if not parties.hostname or not (parties.scheme == "https" or local):
            raise ValueError("a linked system is https://…, or http on the loopback")
        self._hote, self._port = parties.hostname, parties.port
        self._base = parties.path.rstrip("/")
        self._cle, self._delai_s, self._disjoncteur = cle, delai_s, disjoncteur
        self._tls: ssl.SSLContext | None = None
        if not local:
            self._tls = ssl.create_default_context(cafile=autorite and str(autorite))
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    def demander(
        self, methode: str, chemin: str, lire: Callable[[int, Any], T], corps: object = None
    ) -> T:
        """Ask, and read the answer with `lire(status, JSON)`.

        Raises: SystemeIndisponible; what `lire` raises of the domain.
        """
        self._disjoncteur.entrer()
        try:
            # A refusal is an answer; an error of theirs, or nonsense, is none.
            statut, texte = self._echanger(methode, chemin, corps)
            resultat = lire(statut, json.loads(texte) if texte else None)
        except (EspaceFamilleRefuse, CompteTaxesNonLie):
            self._disjoncteur.noter(repondu=True)
            raise
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            self._disjoncteur.noter(repondu=False)
            raise SystemeIndisponible from error
        except SystemeIndisponible:
            self._disjoncteur.noter(repondu=False)
            raise
        self._disjoncteur.noter(repondu=True)
        return resultat

    def _echanger(self, methode: str, chemin: str, corps: object) -> tuple[int, bytes]:
        connexion = self._ouvrir()
        try:
            connexion.request(
                methode,
                f"{self._base}{chemin}",
                body=None if corps is None else json.dumps(corps).encode(),
                headers={
                    "Accept": "application/json",
                    "Authorization": f"Bearer {self._cle}",
                    **({} if corps is None else {"Content-Type": "application/json"}),
                },
            )
            reponse = connexion.getresponse()
            texte = reponse.read(_CORPS_MAX + 1)
        finally:
            connexion.close()
        if len(texte) > _CORPS_MAX or reponse.status >= http.client.INTERNAL_SERVER_ERROR:
            raise SystemeIndisponible
        return reponse.status, texte

    def _ouvrir(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._hote, self._port, timeout=self._delai_s)
        return http.client.HTTPSConnection(
            self._hote, self._port, timeout=self._delai_s, context=self._tls
        )


class TaxesHttp:
    """The tax system."""

    def __init__(self, client: ClientJson) -> None:
        self._client = client

    def lire(self, reference: str) -> CompteTaxes:
        """Read an account. Raises: CompteTaxesNonLie, SystemeIndisponible."""
        chemin = f"/v1/comptes/{quote(reference, safe='')}"
        return self._client.demander("GET", chemin, _compte_taxes)


class EspaceFamilleHttp:
    """The Espace Famille."""

    def __init__(self, client: ClientJson) -> None:
        self._client = client

    def lier(self, code: str, mot_de_passe: str) -> str:
        """Exchange credentials. Raises: EspaceFamilleRefuse, SystemeIndisponible."""
        corps = {"code": code, "mot_de_passe": mot_de_passe}
        return self._client.demander("POST", "/v1/liens", _jeton, corps)

    def lire(self, acces: Mapping[str, str]) -> Famille:
        """Read a family. Raises: EspaceFamilleRefuse, SystemeIndisponible."""
        return self._client.demander("POST", "/v1/famille", _famille, dict(acces))

    def revoquer(self, jeton: str) -> None:
        """End a token; one that is unknown there is ended. Raises: SystemeIndisponible."""
        self._client.demander("DELETE", "/v1/liens", lambda *_: None, {"jeton": jeton})


def systemes(config: Config) -> Systemes:
    """Make the connectors that the settings turn on.

    Raises: ValueError for an address or a key that cannot be used.
    """
    cle = cle_facultative(config)
    famille = None
    if config.espace_famille:
        if cle is None:
            raise ValueError("IDENTITE_ESPACE_FAMILLE needs IDENTITE_CLE_PONTS")
        client = _client(config, config.famille_url, config.famille_cle, config.famille_autorite)
        famille = EspaceFamilleHttp(client)
    taxes = None
    if config.taxes_url:
        taxes = TaxesHttp(
            _client(config, config.taxes_url, config.taxes_cle, config.taxes_autorite)
        )
    return Systemes(taxes=taxes, famille=famille, cle=cle)


def _client(config: Config, url: str, cle: str, autorite: Path | None) -> ClientJson:
    return ClientJson(
        url=url,
        cle=cle,
        autorite=autorite,
        delai_s=config.connecteur_delai_s,
        disjoncteur=Disjoncteur(echecs=config.connecteur_echecs, repos_s=config.connecteur_repos_s),
    )


def _compte_taxes(statut: int, corps: Any) -> CompteTaxes:
    if statut == http.client.NOT_FOUND:
        raise CompteTaxesNonLie
    _exiger(statut, http.client.OK)
    return CompteTaxes(
        reference=_texte(corps["reference"]),
        immeuble=_texte(corps["immeuble"]),
        solde_cents=_cents(corps["solde_cents"]),
        factures=[
            Facture(
                numero=_texte(each["numero"]),
                libelle=_texte(each["libelle"]),
                emise_le=date.fromisoformat(each["emise_le"]),
                montant_cents=_cents(each["montant_cents"]),
                solde_cents=_cents(each["solde_cents"]),
            )
            for each in corps["factures"][:_LIGNES_MAX]
        ],
        echeances=[
            Echeance(
                le=date.fromisoformat(each["date"]),
                montant_cents=_cents(each["montant_cents"]),
                acquittee=each["acquittee"] is True,
            )
            for each in corps["echeances"][:_LIGNES_MAX]
        ],
    )


def _jeton(statut: int, corps: Any) -> str:
    if statut in {http.client.UNAUTHORIZED, http.client.FORBIDDEN, http.client.NOT_FOUND}:
        raise EspaceFamilleRefuse
    if statut == http.client.OK:
        return ""
    _exiger(statut, http.client.CREATED)
    jeton = corps["jeton"]
    if not isinstance(jeton, str) or not jeton:
        raise ValueError("no token")
    return jeton


def _famille(statut: int, corps: Any) -> Famille:
    if statut in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
        raise EspaceFamilleRefuse
    _exiger(statut, http.client.OK)
    return Famille(
        nom=_texte(corps["famille"]),
        inscriptions=[
            InscriptionFamille(
                enfant=_texte(each["enfant"]),
                activite=_texte(each["activite"]),
                debut=date.fromisoformat(each["debut"]),
            )
            for each in corps["inscriptions"][:_LIGNES_MAX]
        ],
    )


def _exiger(statut: int, attendu: int) -> None:
    if statut != attendu:
        raise SystemeIndisponible


def _texte(valeur: Any) -> str:
    if not isinstance(valeur, str):
        raise TypeError("text expected")
    return "".join(signe for signe in valeur if signe.isprintable())[:_TEXTE_MAX]


def _cents(valeur: Any) -> int:
    if type(valeur) is not int:
        raise TypeError("whole cents expected")
    return valeur
