"""Put the provider and the upstream log-in into the application."""

from flask import Flask

from passerelle.oidc import amont, pages, points
from passerelle.oidc.serveur import Serveur
from passerelle.portail.compte import applications


def register(app: Flask) -> None:
    """Add the provider's endpoints and pages, the person's list, and the upstream log-in."""
    app.extensions["oidc"] = Serveur()
    app.register_blueprint(points.bp)
    app.register_blueprint(pages.bp)
    app.register_blueprint(applications.bp)
    amont.register(app)
