"""Notices: subscriptions, contact points and the ledger of transactional mail."""
