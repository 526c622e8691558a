"""The portal: server-rendered pages, one file per tab."""

from flask import Flask

from passerelle.portail import (
    accueil,
    aide,
    avis,
    cartes,
    compte,
    connexion,
    demandes,
    inscription,
    portefeuille,
    presentation,
    stockage,
)


def register(app: Flask) -> None:
    """Add the pages, and what every template may call."""
    presentation.register(app)
    for onglet in (
        accueil,
        aide,
        avis,
        cartes,
        compte,
        connexion,
        demandes,
        inscription,
        portefeuille,
        stockage,
    ):
        app.register_blueprint(onglet.bp)
