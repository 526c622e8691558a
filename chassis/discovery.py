"""Where the processes of a service listen: Consul's health, or addresses from the settings."""

import logging
import socket
import threading
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import consul
from consul.exceptions import ACLPermissionDenied, ConsulException
from requests import RequestException

_log = logging.getLogger(__name__)

_WAIT_S = 30
_RETRY_S = 1.0
_FIRST_ANSWER_S = 2.0
_EVERYWHERE = ("", "0.0.0.0", "[::]")
_LATE_S = 5.0
_PATIENCE_S = 2.0
_FAILURES = (ConsulException, RequestException, OSError)

Answer = TypeVar("Answer")


class Addresses(Protocol):
    """The addresses of one service; `version` changes with the set."""

    def get(self) -> tuple[str, ...]:
        """Give `host:port` of each healthy process, sorted; empty while none was ever known."""

    def version(self) -> int:
        """Give a number that grows each time the set changes."""


class StaticAddresses:
    """Addresses that settings fix."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = tuple(sorted(addresses))

    def get(self) -> tuple[str, ...]:
        """Give the addresses."""
        return self._addresses

    def version(self) -> int:
        """Give 1: the set never changes."""
        return 1


class ConsulAddresses:
    """Healthy processes of a service, followed by blocking queries in a daemon thread.

    The thread starts with the first question, so the object may be made before a fork. An empty
    answer keeps the last set: calling a process that Consul doubts is better than calling none.
    """

    def __init__(self, consul_url: str, service: str, token: str = "") -> None:
        self._consul = _client(consul_url, token, timeout_s=_LATE_S)
        self._service = service
        self._set: tuple[str, ...] = ()
        self._version = 0
        self._answered = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def get(self) -> tuple[str, ...]:
        """Give the last non-empty set; the first question waits up to 2 s for an answer."""
        self._follow()
        if not self._answered.is_set():
            self._answered.wait(_FIRST_ANSWER_S)
        return self._set

    def version(self) -> int:
        """Give the number of the current set."""
        self._follow()
        return self._version

    def _follow(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    name = f"consul-{self._service}"
                    self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        index, well = 0, True
        pause = threading.Event()
        while True:
            try:
                index, well = self._once(index), True
            except (*_FAILURES, ValueError, KeyError, TypeError) as error:
                if well:  # said once, not each second
                    kind = type(error).__name__
                    _log.warning("consul: no answer about %s (%s)", self._service, kind)
                index, well = 0, False
                pause.wait(_RETRY_S)

    def _once(self, index: int) -> int:
        told, entries = self._consul.health.service(
            self._service, passing=True, index=index, wait=f"{_WAIT_S}s"
        )
        found = {
            f"{entry['Service']['Address'] or entry['Node']['Address']}:{entry['Service']['Port']}"
            for entry in entries
        }
        addresses = tuple(sorted(found))
        if addresses and addresses != self._set:
            # The set before the number: a reader of the new number always finds the new set.
            self._set = addresses
            self._version += 1
            self._answered.set()
        new_index = int(told)
        # Consul's rule: an index that goes backwards means that its state was restored.
        return new_index if new_index >= index else 0


class Registration:
    """This process's entry in Consul, with a gRPC health check each second.

    The check's interval and timeout are 1 s: Consul's 10 s would hide a stopped process. A process
    that listens on all interfaces enters the address that its packets to Consul leave from.
    `over_tls` is set by a server that wants certificates: Consul's agent then shows its own. It
    verifies none, for a check proves life; who calls verifies the name.
    """

    def __init__(self, consul_url: str, service: str, listen: str, token: str = "") -> None:
        self._consul = _client(consul_url, token, timeout_s=_PATIENCE_S)
        self._agent = urllib.parse.urlsplit(consul_url)
        self._service = service
        self._address = listen
        self.over_tls = False

    @property
    def _id(self) -> str:
        return f"{self._service}-{self._address}".replace(":", "-")

    def register(self) -> bool:
        """Enter this process, if Consul does not know it already; safe to repeat.

        Returns: whether Consul answered. A Consul that is down or restarted is not an error: the
            server asks again every few seconds.
        """
        host, _, port = self._address.rpartition(":")
        if host in _EVERYWHERE:
            try:
                host = self._way_out()
            except OSError as error:
                _log.warning("consul: %s (%s)", self._service, type(error).__name__)
                return False
            self._address = f"{host}:{port}"
        # Entering twice would reset the check to critical for a second.
        return self._is_known() or self._enter(host, int(port))

    def deregister(self) -> None:
        """Leave, before the server stops taking calls."""
        self._try(lambda: self._consul.agent.service.deregister(self._id))
        self._consul.http.close()

    def _is_known(self) -> bool:
        return self._id in (self._try(self._consul.agent.services) or {})

    def _enter(self, host: str, port: int) -> bool:
        check = consul.Check.grpc(self._address, "1s", timeout="1s", deregister="1m")
        # py-consul writes `grpc_use_tls`, which the agent's API does not know.
        check |= {"GRPCUseTLS": self.over_tls, "TLSSkipVerify": self.over_tls}
        return bool(
            self._try(
                lambda: self._consul.agent.service.register(
                    self._service, service_id=self._id, address=host, port=port, check=check
                )
            )
        )

    def _try(self, ask: Callable[[], Answer]) -> Answer | None:
        try:
            return ask()
        except ACLPermissionDenied:
            _log.error("consul: %s may not touch its entry", self._service)
        except _FAILURES as error:
            _log.warning("consul: %s (%s)", self._service, type(error).__name__)
        return None

    def _way_out(self) -> str:
        """Give our IPv4 address on the way to the agent; nothing is sent. Raises: OSError."""
        port = self._agent.port or (443 if self._agent.scheme == "https" else 80)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((self._agent.hostname or "", port))
            return str(probe.getsockname()[0])


def addresses(
    service: str, *, consul_url: str, static: Mapping[str, str], token: str = ""
) -> Addresses:
    """Choose where the addresses of a service come from.

    Args:
        service: its name.
        consul_url: "" when there is no Consul.
        static: service -> `host:port`, or several separated by `|`; it wins over Consul.
        token: Consul ACL token.
    Raises: LookupError when neither knows the service, at start rather than at the first call.
    """
    if service in static:
        return StaticAddresses(static[service].split("|"))
    if consul_url:
        return ConsulAddresses(consul_url, service, token)
    raise LookupError(f"no Consul and no address for {service}")


def _client(url: str, token: str, *, timeout_s: float) -> consul.Consul:
    parts = urllib.parse.urlsplit(url)
    secure = parts.scheme == "https"
    client = consul.Consul(
        host=parts.hostname,
        port=parts.port or (443 if secure else 80),
        scheme=parts.scheme,
        token=token or None,
    )
    # A blocking query may last its wait besides.
    client.http.connections_timeout = timeout_s
    return client
