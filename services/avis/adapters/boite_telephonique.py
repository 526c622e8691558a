"""Phone messages shown in the mailbox of the demo: one mail says what would be sent or said."""

from datetime import UTC, datetime
from html import escape
from typing import Final

from services.avis.adapters.courriel import CourrielSmtp
from services.avis.domain import Canal, Langue, Lettre, Texte
from services.avis.use_cases import Courriel, CourrielDefinitif, CourrielIncertain
from services.avis.use_cases.messages import CanalMessage, Message, MessageRefuse
from services.avis.use_cases.ports import CourrielTemporaire

_OBJETS: Final = {
    (Canal.TEXTO, Langue.FR): "SMS (texto) au {numero}",
    (Canal.TEXTO, Langue.EN): "SMS (text message) to {numero}",
    (Canal.TELEPHONE, Langue.FR): "Appel vocal au {numero}",
    (Canal.TELEPHONE, Langue.EN): "Voice call to {numero}",
}


class BoiteTelephonique:
    """Stands for an SMS centre and a telephone line where there is none."""

    def __init__(self, *, courriel: Courriel, domaine: str) -> None:
        self._courriel = courriel
        self._domaine = domaine

    def donner(self, message: Message) -> None:
        """Give one message to the mailbox.

        Raises: MessageRefuse, also for a doubtful answer: nothing is given twice.
        """
        objet = _OBJETS[message.canal, message.langue].format(numero=message.numero)
        lettre = Lettre(
            message_id=f"<{message.event_id}.{message.canal}@{self._domaine}>",
            # The number is the mailbox: a demo looks messages up by it.
            adresse=f"{message.numero.removeprefix('+')}@{message.canal}.{self._domaine}",
            langue=message.langue,
            date=datetime.now(UTC),
            contenu=Texte(
                objet=objet,
                texte=f"{message.texte}\n",
                html=f'<p style="font-size:18px">{escape(message.texte)}</p>',
            ),
        )
        try:
            self._courriel.envoyer(lettre)
        except (CourrielTemporaire, CourrielDefinitif) as error:
            raise MessageRefuse(str(error.code)) from error
        except CourrielIncertain as error:
            raise MessageRefuse("doute") from error


def voie(reglage: str, courriel: CourrielSmtp) -> CanalMessage | None:
    """Give the way to phone numbers that a setting names.

    Raises: ValueError for a name that this version does not know.
    """
    if reglage not in {"", "boite"}:
        raise ValueError('AVIS_TEXTO and AVIS_VOIX are "boite" or empty')
    return BoiteTelephonique(courriel=courriel, domaine=courriel.domaine) if reglage else None
