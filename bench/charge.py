"""A load generator that costs little: keep-alive connections, one request at a time on each.

``python -m bench.charge``; reads a JSON object on standard input: ``port``, ``chemin``, ``entete``
(one header line), ``connexions``, ``secondes`` and ``marque``, a text that every good answer holds.
Writes a JSON object: ``par_s``, ``p50_ms``, ``p99_ms`` and ``fautes``, the answers that were not
200 or did not hold the text.
"""

from __future__ import annotations

import gc
import json
import select
import socket
import sys
import time
from typing import TypedDict

_WARM_S = 0.3
_READ = 1 << 16


class Ordre(TypedDict):
    """What to do."""

    port: int
    chemin: str
    entete: str
    connexions: int
    secondes: float
    marque: str


class Resultat(TypedDict):
    """What came of it."""

    par_s: float
    p50_ms: float
    p99_ms: float
    fautes: int


class _Connection:
    """One keep-alive connection and the answer that it is reading."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self.sent = 0.0
        self._read = b""

    def send(self) -> None:
        """Send the request."""
        self._read = b""
        self.sent = time.perf_counter()
        self.socket.sendall(self._request)

    def receive(self) -> bytes | None:
        """The whole answer once it is there. Raises: ConnectionError when the server left."""
        piece = self.socket.recv(_READ)
        if not piece:
            raise ConnectionError("the server closed the connection")
        self._read += piece
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end:
            return None
        start = head.lower().index(b"content-length:") + len(b"content-length:")
        length = int(head[start:].split(b"\r\n", 1)[0])
        return self._read if len(body) >= length else None


def load(order: Ordre) -> Resultat:
    """Load a server for the given time, after a short warming-up that does not count."""
    request = (
        f"GET {order['chemin']} HTTP/1.1\r\nHost: 127.0.0.1:{order['port']}\r\n"
        f"{order['entete']}\r\n\r\n"
    ).encode()
    poll = select.epoll()
    open_ones = {}
    for _ in range(order["connexions"]):
        connection = _Connection(order["port"], request)
        open_ones[connection.socket.fileno()] = connection
        poll.register(connection.socket.fileno(), select.EPOLLIN)
        connection.send()
    gc.disable()
    counts_from = time.perf_counter() + _WARM_S
    until = counts_from + order["secondes"]
    delays: list[float] = []
    faults, marque = 0, order["marque"].encode()
    while (now := time.perf_counter()) < until:
        for number, _event in poll.poll(1.0):
            connection = open_ones[number]
            answer = connection.receive()
            if answer is None:
                continue
            now = time.perf_counter()
            if counts_from <= now < until:
                delays.append(now - connection.sent)
            faults += not answer.startswith(b"HTTP/1.1 200") or marque not in answer
            connection.send()
    delays.sort()
    if not delays:
        raise RuntimeError(f"no answer of {order['chemin']} in {order['secondes']} s")
    return {
        "par_s": len(delays) / order["secondes"],
        "p50_ms": delays[len(delays) // 2] * 1000,
        "p99_ms": delays[len(delays) * 99 // 100] * 1000,
        "fautes": faults,
    }


if __name__ == "__main__":
    print(json.dumps(load(json.load(sys.stdin))))
