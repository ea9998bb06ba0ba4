"""A rolling update on loopback: servers with separate addresses, behind a name that a DNS server resolves."""

import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from signal import SIGTERM

from tests.support.servers import free_port
from tests.support.service import Service, ready, running_service

NAME = "melisma-pods.melisma"
_HEADER = struct.Struct("!6H")
_A_RECORD = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4)
_ANSWER_FLAGS = 0x8580
_ADDRESS_TYPE = 1


class Names:
    """A DNS server that resolves every name to `addresses`, like the DNS of Kubernetes for a headless Service."""

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] = ()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))

    def target(self, port: int) -> str:
        """Return the target for a gRPC client that resolves the name with this DNS server."""
        host, own_port = self._socket.getsockname()
        return f"dns://{host}:{own_port}/{NAME}:{port}"

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Context manager in which a thread answers DNS queries."""
        self._socket.settimeout(0.2)
        done = threading.Event()
        thread = threading.Thread(target=self._answer, args=(done,))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self._socket.close()

    def _answer(self, done: threading.Event) -> None:
        while not done.is_set():
            try:
                asked, client = self._socket.recvfrom(512)
            except TimeoutError:
                continue
            self._socket.sendto(self._answered(asked), client)

    def _answered(self, asked: bytes) -> bytes:
        number = _HEADER.unpack_from(asked)[0]
        question = asked[_HEADER.size : asked.index(b"\0", _HEADER.size) + 5]
        of_type = struct.unpack("!H", question[-4:-2])[0]
        addresses = self.addresses if of_type == _ADDRESS_TYPE else ()
        records = b"".join(_A_RECORD + socket.inet_aton(address) for address in addresses)
        return _HEADER.pack(number, _ANSWER_FLAGS, 1, len(addresses), 0, 0) + question + records


@contextmanager
def pods(count: int, engine: str) -> Iterator[tuple[Sequence[Service], int]]:
    """Context manager with `count` servers that are ready, at 127.0.0.2 and the following addresses, and with the port
    that is the same for all of them.
    """
    port = free_port()
    with ExitStack() as stack:
        servers = [
            stack.enter_context(running_service(engine, PORT=str(port), HOST=f"127.0.0.{number + 2}"))
            for number in range(count)
        ]
        for server in servers:
            ready(server)
        yield servers, port


def roll(
    names: Names, old: Sequence[Service], new: Sequence[Service], *, min_ready_seconds: float, pre_stop_seconds: float
) -> None:
    """Replace servers one by one as a Deployment with maxSurge 1 does: the next old server leaves the DNS once the next
    new one has been in it for `min_ready_seconds`, and gets SIGTERM `pre_stop_seconds` later.
    """
    stops = []
    for leaving, coming in zip(old, new, strict=True):
        names.addresses += (_host(coming),)
        time.sleep(min_ready_seconds)
        names.addresses = tuple(address for address in names.addresses if address != _host(leaving))
        stop = threading.Timer(pre_stop_seconds, leaving.process.send_signal, (SIGTERM,))
        stop.start()
        stops.append(stop)
    for stop in stops:
        stop.join()
    for leaving in old:
        assert leaving.process.wait(60.0) == 0


def _host(server: Service) -> str:
    return server.address.rpartition(":")[0]
