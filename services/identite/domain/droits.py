"""Which staff role may do what: the matrix, as data (IDN-21, API5).

A permission is one kind of act on one service; a role is a set of permissions; an RPC of the staff
has one permission. `docs/droits.md` tells how to add one.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from services.identite.domain.compte import ROLES_PERSONNEL, Role
from services.identite.domain.erreurs import DonneesInvalides

# Administrators that must remain: one alone could be locked out, or do as they please.
ADMINS_MIN: Final = 2

PERMISSIONS: Final = (
    "cartes.traiter",
    "comptes.corriger",
    "comptes.recuperer",
    "comptes.facteurs",
    "documents.conserver",
    "guichet.agir",
    "oidc.clients",
    "droits.attribuer",
)

# Least privilege: nobody but the administration has more than their own service.
ROLES: Final[Mapping[str, frozenset[str]]] = {
    Role.AGENT_CARTES.value: frozenset({"cartes.traiter"}),
    Role.AGENT_COMPTES.value: frozenset({"comptes.corriger", "comptes.recuperer"}),
    Role.AGENT_GUICHET.value: frozenset({"guichet.agir"}),
    Role.ADMIN.value: frozenset(
        {
            "comptes.corriger",
            "comptes.recuperer",
            "comptes.facteurs",
            "documents.conserver",
            "oidc.clients",
            "droits.attribuer",
        }
    ),
}


# RPC of the staff -> the permission that it needs. `tests/architecture/test_droits.py` holds it
# equal to what each service allows: an RPC without a cell here fails.
ACTES: Final[Mapping[str, str]] = {
    "cartes.ListDemandes": "cartes.traiter",
    "cartes.GetDemande": "cartes.traiter",
    "cartes.DeciderDemande": "cartes.traiter",
    "stockage.GetPiece": "cartes.traiter",
    "stockage.LirePiece": "cartes.traiter",
    "stockage.PoserGel": "documents.conserver",
    "stockage.LeverGel": "documents.conserver",
    "stockage.ListGels": "documents.conserver",
    "identite.ListComptes": "comptes.corriger",
    "identite.GetCompte": "comptes.corriger",
    "identite.CorrigerCompte": "comptes.corriger",
    "identite.DelierCompte": "comptes.corriger",
    "identite.ListLiaisons": "comptes.corriger",
    "identite.DeciderLiaison": "comptes.corriger",
    "identite.DemanderRecuperation": "comptes.recuperer",
    "identite.DeciderRecuperation": "comptes.recuperer",
    "identite.ListRecuperations": "comptes.recuperer",
    "identite.RetirerFacteurs": "comptes.facteurs",
    "identite.AgirAuGuichet": "guichet.agir",
    "identite.ListClientsOidc": "oidc.clients",
    "identite.EnregistrerClientOidc": "oidc.clients",
    "identite.RenouvelerSecretOidc": "oidc.clients",
    "identite.DesactiverClientOidc": "oidc.clients",
    "identite.GetMatrice": "droits.attribuer",
    "identite.ChangerRole": "droits.attribuer",
}
# What staff do for their own account, as every person does.
PROPRES: Final = frozenset(
    {
        "identite.GetProfil",
        "identite.ListSessions",
        "identite.TerminerSession",
        "identite.TerminerAutresSessions",
        "identite.OublierAppareil",
        "identite.ChangerMotDePasse",
        "identite.ChangerNomUtilisateur",
        "identite.GetFacteurs",
        "identite.CommencerTotp",
        "identite.ConfirmerTotp",
        "identite.RetirerTotp",
        "identite.CommencerCle",
        "identite.EnregistrerCle",
        "identite.RenommerCle",
        "identite.RetirerCle",
        "identite.RegenererCodes",
        "identite.CommencerConfirmation",
        "identite.ConfirmerIdentite",
        "identite.CesserAgir",
    }
)


class AttributionInterdite(Exception):
    """Nobody changes their own roles."""


class DerniersAdmins(Exception):
    """Too few administrators would remain."""


def permissions(roles: Iterable[str]) -> frozenset[str]:
    """Give what some roles may do together; an unknown role may do nothing."""
    rien: frozenset[str] = frozenset()
    return rien.union(*(ROLES.get(role, rien) for role in roles))


def porteurs(permission: str) -> frozenset[str]:
    """Give the roles that have a permission."""
    return frozenset(role for role, siennes in ROLES.items() if permission in siennes)


def juger_role(role: str) -> Role:
    """Read a staff role.

    Raises: DonneesInvalides.
    """
    if role not in ROLES_PERSONNEL:
        raise DonneesInvalides({"role": "ROLE_INCONNU"})
    return Role(role)
