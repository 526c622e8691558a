"""Domain names of e-mail addresses, by IDNA 2008 (RFC 5891) with the UTS 46 mapping."""

import idna


def domaine_ascii(domaine: str) -> str:
    """Give the ASCII form of a domain name: `québec.ca` becomes `xn--qubec-csa.ca`.

    Raises: ValueError for what is no domain name (IDNAError is one).
    """
    return idna.encode(domaine, uts46=True).decode()
