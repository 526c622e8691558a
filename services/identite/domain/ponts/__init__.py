"""Rules of the bridges to other systems: imports, links, old password hashes (IDN-08 to 17)."""

from services.identite.domain.ponts.empreintes import Format, aspnet, reconnaitre
from services.identite.domain.ponts.erreurs import (
    CompteTaxesNonLie,
    EmpreinteIllisible,
    EspaceFamilleNonOffert,
    EspaceFamilleRefuse,
    FichierInattendu,
    ImportEnCours,
    ImportInconnu,
    LiaisonDejaDecidee,
    LiaisonInconnue,
    SystemeIndisponible,
)
from services.identite.domain.ponts.lignes import (
    COLONNES,
    LigneContact,
    LigneLoisirs,
    LigneTaxes,
    lire_contact,
    lire_loisirs,
    lire_taxes,
)
from services.identite.domain.ponts.politique import (
    SANS_HISTOIRE,
    EtatLiaison,
    Personne,
    Politique,
    Regle,
    Source,
)

__all__ = [
    "COLONNES",
    "SANS_HISTOIRE",
    "CompteTaxesNonLie",
    "EmpreinteIllisible",
    "EspaceFamilleNonOffert",
    "EspaceFamilleRefuse",
    "EtatLiaison",
    "FichierInattendu",
    "Format",
    "ImportEnCours",
    "ImportInconnu",
    "LiaisonDejaDecidee",
    "LiaisonInconnue",
    "LigneContact",
    "LigneLoisirs",
    "LigneTaxes",
    "Personne",
    "Politique",
    "Regle",
    "Source",
    "SystemeIndisponible",
    "aspnet",
    "lire_contact",
    "lire_loisirs",
    "lire_taxes",
    "reconnaitre",
]
