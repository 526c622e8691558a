"""Accounts, sessions and profiles of the people who use the Espace citoyen."""
