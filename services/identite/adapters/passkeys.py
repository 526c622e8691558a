"""Passkeys: WebAuthn level 3 by py_webauthn (IDN-20)."""

import json
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from services.identite.use_cases.ports import CleVerifiee, FacteurNonProuve

_JSON_MAX: Final = 16_384
_VERIFIER: Final = UserVerificationRequirement.REQUIRED


class Passkeys:
    """Options and verifications for one site.

    A passkey belongs to a name, never to an IP address (WebAuthn 5.1.3): a demo that is reached at
    127.0.0.1 has its passkeys at `localhost`.
    """

    def __init__(self, *, url_publique: str, nom: str) -> None:
        parties = urlsplit(url_publique)
        hote = parties.hostname or ""
        port = f":{parties.port}" if parties.port else ""
        self._rp_id = "localhost" if _boucle_locale(hote) else hote
        self._origine = f"{parties.scheme}://{self._rp_id}{port}"
        self._nom = nom

    def options_nouvelle(
        self, *, defi: bytes, compte_id: bytes, courriel: str, nom: str, connues: Sequence[bytes]
    ) -> str:
        """Give the JSON options to make a discoverable passkey with."""
        options = webauthn.generate_registration_options(
            rp_id=self._rp_id,
            rp_name=self._nom,
            user_id=compte_id,
            user_name=courriel,
            user_display_name=nom,
            challenge=defi,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIER
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=cle) for cle in connues],
        )
        return webauthn.options_to_json(options)

    def options_preuve(self, *, defi: bytes, connues: Sequence[bytes]) -> str:
        """Give the JSON options to prove a passkey; no known one asks for any of this site."""
        options = webauthn.generate_authentication_options(
            rp_id=self._rp_id,
            challenge=defi,
            allow_credentials=[PublicKeyCredentialDescriptor(id=cle) for cle in connues],
            user_verification=_VERIFIER,
        )
        return webauthn.options_to_json(options)

    def nouvelle(self, reponse: str, *, defi: bytes) -> CleVerifiee:
        """Verify the answer of an authenticator that made a passkey.

        Raises: FacteurNonProuve.
        """
        try:
            lue = webauthn.verify_registration_response(
                credential=_lire(reponse),
                expected_challenge=defi,
                expected_rp_id=self._rp_id,
                expected_origin=self._origine,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise FacteurNonProuve from error
        return CleVerifiee(
            identifiant=lue.credential_id,
            cle_publique=lue.credential_public_key,
            compteur=lue.sign_count,
        )

    def identifiant(self, reponse: str) -> bytes:
        """Give the id of the passkey that an answer says it is of.

        Raises: FacteurNonProuve.
        """
        try:
            return base64url_to_bytes(_lire(reponse)["rawId"])
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise FacteurNonProuve from error

    def prouver(self, reponse: str, *, defi: bytes, cle_publique: bytes, compteur: int) -> int:
        """Verify an answer; a counter that does not grow tells of a copied key.

        Returns: the counter to keep.
        Raises: FacteurNonProuve.
        """
        try:
            lue = webauthn.verify_authentication_response(
                credential=_lire(reponse),
                expected_challenge=defi,
                expected_rp_id=self._rp_id,
                expected_origin=self._origine,
                credential_public_key=cle_publique,
                credential_current_sign_count=compteur,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise FacteurNonProuve from error
        return lue.new_sign_count


def _lire(reponse: str) -> dict[str, str]:
    if len(reponse) > _JSON_MAX:
        raise FacteurNonProuve
    try:
        lue = json.loads(reponse)
    except (ValueError, RecursionError) as error:
        raise FacteurNonProuve from error
    if not isinstance(lue, dict):
        raise FacteurNonProuve
    return lue


def _boucle_locale(hote: str) -> bool:
    try:
        return ip_address(hote).is_loopback
    except ValueError:
        return False
