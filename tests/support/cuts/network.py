"""A network namespace for the connections between servers and their song directory, whose links can be set down.

A sender on a link that is down gets no response: no refusal, and no end of the connection.
"""

import ctypes
import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

from typing_extensions import override

from tests.support.cuts.way import Way

_NEW_NETWORK = 0x40000000
_LINKS = 64


class NoNamespaces(Exception):
    """This process cannot create network namespaces."""


class Network:
    """A network namespace with a link for each server, with addresses that are reserved for benchmarks of networks."""

    def __init__(self) -> None:
        """Create the namespace. Raises NoNamespaces without the rights of root or the program `ip`."""
        if not shutil.which("ip"):
            raise NoNamespaces("there is no program `ip`")
        self.name, self._numbers = f"cuts-{secrets.token_hex(3)}", count()
        self._prefix = f"198.18.{secrets.randbelow(250)}"
        try:
            _ip("netns", "add", self.name)
        except subprocess.CalledProcessError as error:
            raise NoNamespaces(error.stderr.decode().strip()) from error
        self.inside("link", "set", "lo", "up")

    def way(self, target: Callable[[], int]) -> "LinkedWay":
        """Return a proxy with its own link: it listens in this network, and forwards to a port of the loopback
        address.
        """
        number = next(self._numbers) % _LINKS
        theirs, ours = f"{self._prefix}.{4 * number + 1}", f"{self._prefix}.{4 * number + 2}"
        link = f"{self.name}-{number}"
        _ip("link", "add", link, "type", "veth", "peer", "name", "there", "netns", self.name)
        _ip("address", "add", f"{ours}/30", "dev", link)
        _ip("link", "set", link, "up")
        self.inside("link", "set", "there", "name", link)
        self.inside("address", "add", f"{theirs}/30", "dev", link)
        self.inside("link", "set", link, "up")
        return LinkedWay(self, link, self._listener(theirs), target)

    def inside(self, *words: str) -> None:
        """Run the program `ip` with the arguments `words` in this namespace."""
        _ip("-netns", self.name, *words)

    def remove(self) -> None:
        """Delete the namespace with all its links."""
        _ip("netns", "delete", self.name)

    def _listener(self, address: str) -> socket.socket:
        """Return a listening socket in this namespace, whose connections are in the namespace, too."""
        made: list[socket.socket] = []

        def listen() -> None:
            _enter(Path("/run/netns") / self.name)
            made.append(socket.create_server((address, 0)))

        # A thread that has entered a network ends with its work: no other thread is in it.
        thread = threading.Thread(target=listen)
        thread.start()
        thread.join()
        return made[0]


class LinkedWay(Way):
    """A proxy that is cut by setting its network link down, while a plain `Way` is cut by holding its bytes back."""

    def __init__(self, network: Network, link: str, listener: socket.socket, target: Callable[[], int]) -> None:
        super().__init__(target, listener)
        self._network = network
        self._link = link

    @override
    def hold(self) -> None:
        self._network.inside("link", "set", self._link, "down")

    @override
    def free(self) -> None:
        self._network.inside("link", "set", self._link, "up")

    @override
    def close(self) -> None:
        super().close()
        _ip("link", "delete", self._link)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _enter(network: Path) -> None:
    """Move this thread into a network namespace."""
    library = ctypes.CDLL(None, use_errno=True)
    with network.open("rb") as file:
        if library.setns(file.fileno(), _NEW_NETWORK):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
