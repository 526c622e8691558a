"""The portal: server-rendered pages, one file per tab."""

from flask import Flask

from passerelle.portail import (
    accueil,
    aide,
    avis,
    cartes,
    compte,
    comptes_lies,
    confirmation,
    connexion,
    courriel,
    defi,
    demandes,
    identifiants,
    inscription,
    mandataires,
    parcours_cartes,
    portefeuille,
    presentation,
    securite,
    sessions,
    stockage,
    verification,
)


def register(app: Flask) -> None:
    """Add the pages, and what every template may call."""
    presentation.register(app)
    compte.navigation.register(app)
    for onglet in (
        accueil,
        aide,
        avis,
        cartes,
        compte,
        confirmation,
        connexion,
        compte.coordonnees,
        comptes_lies,
        courriel,
        defi,
        demandes,
        identifiants,
        inscription,
        mandataires,
        parcours_cartes,
        portefeuille,
        securite,
        sessions,
        stockage,
        verification,
    ):
        app.register_blueprint(onglet.bp)
    app.register_blueprint(sessions.bp_reprise)
