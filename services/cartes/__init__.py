"""The Carte citoyen: requests, decisions of staff, and the card in a phone's wallet."""
