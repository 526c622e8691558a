"""The back office: its own door, the queue of card requests, both proofs side by side."""

from flask import Flask

from passerelle.agents import cartes, connexion


def register(app: Flask) -> None:
    """Add the staff pages under /agents."""
    app.register_blueprint(connexion.bp, url_prefix="/agents")
    app.register_blueprint(cartes.bp, url_prefix="/agents")
