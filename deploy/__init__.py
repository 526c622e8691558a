"""What starts, installs and ships the suite."""

SERVICES = ("identite", "cartes", "demandes", "avis", "stockage")
