"""The OpenID Connect provider (IDN-19) and log-in with the identity of another provider.

Authlib reads and judges the protocol; what is decided, kept and signed is identite's. Guarantee:
nobody is sent to an address that staff did not register, character by character.
"""
