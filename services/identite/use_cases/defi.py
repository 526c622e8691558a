"""Challenges: proofs of work and security codes (IDN-03, R14, R15)."""

import hmac
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy.orm import Session

from chassis.db import Sessions
from services.identite.domain import reseau
from services.identite.domain.defi import (
    ESSAIS_CODE,
    RENDUS_CODE,
    CodeSecuriteInvalide,
    Defi,
    DefiInvalide,
    DefiRequis,
    Reponse,
    UsageDefi,
    code_de,
    code_saisi,
    compter_passage,
    est_prouve,
)
from services.identite.persistence import acces
from services.identite.use_cases.ports import Regles, RenduCode

HEURE: Final = timedelta(hours=1)
_DIX_MINUTES: Final = timedelta(minutes=10)
_SCEAU_OCTETS: Final = 16


def nouveau_defi(*, regles: Regles, usage: UsageDefi, maintenant: datetime) -> tuple[str, Defi]:
    """Make a challenge; nothing is stored. Returns: its sealed text, and itself."""
    defi = Defi(
        id=uuid4(),
        usage=usage,
        bits=regles.acces.defi_bits,
        expire_le=maintenant + regles.acces.defi_duree,
    )
    texte = defi.texte()
    return f"{texte}.{_sceau(texte, regles)}", defi


def rendre_code(
    *,
    sessions: Sessions,
    rendu: RenduCode,
    regles: Regles,
    jeton: str,
    langue: str,
    son: bool,
    adresse_ip: str,
    maintenant: datetime,
) -> bytes:
    """Show or say the code of a challenge, a few times.

    Returns: a PNG, or a WAV when `son`.
    Raises: DefiInvalide, TropDeTentatives, SonIndisponible.
    """
    defi = _lire(jeton, regles)
    defi.exiger(defi.usage, maintenant)
    with sessions.begin() as session:
        vu = acces.noter_rendu(session, defi.id, expire_le=defi.expire_le)
        if vu.servi or vu.rendus > RENDUS_CODE:
            raise DefiInvalide
        if vu.rendus == 1:
            passer(
                session, "code", adresse_ip, limite=regles.acces.codes, fenetre=_DIX_MINUTES,
                regles=regles, maintenant=maintenant,
            )  # fmt: skip
    code = _code(defi, regles)
    return rendu.son(code, langue) if son else rendu.image(code)


def exiger_reponse(
    *,
    sessions: Sessions,
    regles: Regles,
    usage: UsageDefi,
    reponse: Reponse,
    maintenant: datetime,
) -> Defi:
    """Accept the answer of a challenge; `lier` then spends it.

    Returns: the challenge.
    Raises: DefiRequis, DefiInvalide, CodeSecuriteInvalide.
    """
    if not reponse.defi or not (reponse.preuve or reponse.code):
        raise DefiRequis
    defi = _lire(reponse.defi, regles)
    defi.exiger(usage, maintenant)
    if not est_prouve(reponse.defi, reponse.preuve, defi.bits):
        _exiger_code(sessions, regles, defi, reponse.code)
    return defi


def lier(session: Session, defi: Defi, acte: bytes) -> None:
    """Spend an answered challenge on one act.

    `acte` is the act's digest: the same act may come again with the same answer, as a client does
    that saw no reply; another act needs another challenge.

    Raises: DefiInvalide when it was spent on another.
    """
    if not acces.consommer_defi(session, defi.id, expire_le=defi.expire_le, acte=acte):
        raise DefiInvalide


def passer(
    session: Session,
    quoi: str,
    adresse_ip: str,
    *,
    limite: int,
    fenetre: timedelta,
    regles: Regles,
    maintenant: datetime,
) -> None:
    """Count one passage of a client address (R14); an unknown address is not counted.

    Raises: TropDeTentatives, and then the passage is not counted.
    """
    client = reseau(adresse_ip)
    if not client:
        return
    cle = regles.digest("cadence", {"quoi": quoi, "adresse": client})
    vu = acces.noter_passage(session, cle, avant=maintenant - fenetre, maintenant=maintenant)
    compter_passage(
        nombre=vu.nombre, limite=limite, debut=vu.debut, fenetre=fenetre, maintenant=maintenant
    )


def _exiger_code(sessions: Sessions, regles: Regles, defi: Defi, code: str) -> None:
    """Judge a code; each try is counted before it is judged."""
    if not code:
        raise DefiInvalide
    with sessions.begin() as session:
        rang = acces.noter_essai(session, defi.id)
    juste = hmac.compare_digest(code_saisi(code).encode(), _code(defi, regles).encode())
    if not (juste and 1 <= rang <= ESSAIS_CODE):
        raise CodeSecuriteInvalide


def _lire(jeton: str, regles: Regles) -> Defi:
    texte, _, sceau = jeton.rpartition(".")
    if not hmac.compare_digest(sceau.encode(), _sceau(texte, regles).encode()):
        raise DefiInvalide
    return Defi.lire(texte)


def _sceau(texte: str, regles: Regles) -> str:
    return regles.digest("defi", {"texte": texte})[:_SCEAU_OCTETS].hex()


def _code(defi: Defi, regles: Regles) -> str:
    """Give the code: a keyed digest of the identifier, so that it is stored nowhere (R23)."""
    return code_de(regles.digest("code_securite", {"defi": defi.id.hex}))
