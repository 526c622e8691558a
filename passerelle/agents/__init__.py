"""The back office: its own door, the queue of card requests, both proofs side by side."""

from flask import Flask

from passerelle.agents import cartes, clients_oidc, comptes, connexion, droits, liaisons
from passerelle.portail import confirmation, mandataires, securite, verification


def register(app: Flask) -> None:
    """Add the staff pages under /agents."""
    droits.register(app)
    app.register_blueprint(connexion.bp, url_prefix="/agents")
    app.register_blueprint(cartes.bp, url_prefix="/agents")
    app.register_blueprint(comptes.bp, url_prefix="/agents")
    app.register_blueprint(liaisons.bp, url_prefix="/agents")
    app.register_blueprint(clients_oidc.bp, url_prefix="/agents")
    for pages in (securite, verification, confirmation, mandataires):
        app.register_blueprint(pages.bp_agents, url_prefix="/agents")
