"""Measures a server from outside while it is attacked: the delay of its event loop and the memory of its processes."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

_PAUSE_SECONDS = 0.005
_CALM_SECONDS = 0.3
_TIMEOUT_SECONDS = 120.0


@dataclass(slots=True)
class Suffered:
    """The effect of an attack on the server: the longest response time of /livez in seconds, and the largest growth of
    memory in bytes: of the server process, and of any other process of the server.
    """

    silence_seconds: float = 0.0
    server_bytes: int = 0
    others_bytes: int = 0


class Watch:
    """Calls /livez repeatedly, and reads the memory of a server and its child processes."""

    def __init__(self, process: psutil.Process, http_port: int) -> None:
        self._process = process
        self._port = http_port

    @contextmanager
    def watching(self) -> Iterator[Suffered]:
        """Context manager that watches the server during its block and for a moment after it, and yields the measured
        effect.
        """
        suffered, over = Suffered(), threading.Event()
        others = self._process.children(recursive=True)
        before = self._process.memory_info().rss, {child.pid: child.memory_info().rss for child in others}
        threads = [
            threading.Thread(target=self._ask, args=(suffered, over)),
            threading.Thread(target=self._weigh, args=(suffered, over, *before)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield suffered
            time.sleep(_CALM_SECONDS)
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _ask(self, suffered: Suffered, over: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_SECONDS)
        while not over.is_set():
            started = time.monotonic()
            connection.request("GET", "/livez")
            connection.getresponse().read()
            suffered.silence_seconds = max(suffered.silence_seconds, time.monotonic() - started)
            time.sleep(_PAUSE_SECONDS)
        connection.close()

    def _weigh(self, suffered: Suffered, over: threading.Event, own: int, others: dict[int, int]) -> None:
        while not over.is_set():
            suffered.server_bytes = max(suffered.server_bytes, self._process.memory_info().rss - own)
            grown = [_rss(pid) - before for pid, before in others.items()]
            suffered.others_bytes = max(suffered.others_bytes, *grown, 0)
            time.sleep(_PAUSE_SECONDS)


def _rss(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
