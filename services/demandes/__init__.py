"""Requests to the city: for now the catalogue of their types."""
