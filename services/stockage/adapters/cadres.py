"""How `analyseur` and `bac_a_sable` talk on the socket of a job.

A request (length, JSON), then frames (kind, length, bytes), the last of which is a result.
"""

import socket
import struct

CADRE = struct.Struct(">cI")
LONGUEUR = struct.Struct(">I")
DONNEES = b"D"
RESULTAT = b"R"
# The reason of a result that says nothing about the document: its bytes cannot be read now.
PANNE = "ENTREPOT_INDISPONIBLE"


def recevoir(prise: socket.socket, octets: int) -> bytes:
    """Read exactly so many bytes. Raises: ConnectionError when the other side ends before."""
    recu = bytearray()
    while len(recu) < octets:
        part = prise.recv(octets - len(recu))
        if not part:
            raise ConnectionError
        recu += part
    return bytes(recu)


def envoyer(prise: socket.socket, sorte: bytes, donnees: bytes) -> None:
    """Write one frame."""
    prise.sendall(CADRE.pack(sorte, len(donnees)) + donnees)
