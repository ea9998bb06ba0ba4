"""Servers on one directory, and all that can happen to either of them."""

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

import grpc
from redis import Redis

from tests.support.cuts.way import Way
from tests.support.servers import DirectoryServer, eventually
from tests.support.service import Service, running_service

_LONGEST_END_SECONDS = 240.0
_AT_ONCE = ("--repl-diskless-sync-delay", "0")
_NO_REWRITING = ("--auto-aof-rewrite-percentage", "0")


@dataclass
class Member:
    """One server, and its way to the directory."""

    service: Service
    way: Way
    stack: ExitStack
    frozen: bool = False


class Fleet:
    """So many servers of one service. A server that is killed has a successor."""

    def __init__(self, size: int, objects: Path, engine: str, dice: Random, settings: Mapping[str, str]) -> None:
        self._objects = objects
        self._engine = engine
        self._dice = dice
        self._settings = settings
        self.directory = DirectoryServer(*_NO_REWRITING)
        self.former: list[DirectoryServer] = []
        self.members = [self._started() for _ in range(size)]
        self._balancer = Way(self._port)

    @property
    def address(self) -> str:
        """The address of a balancer, which sends each connection to a server that is not frozen, alive or not."""
        return f"127.0.0.1:{self._balancer.port}"

    def _port(self) -> int:
        member = self._dice.choice([one for one in self.members if not one.frozen])
        return int(member.service.address.rpartition(":")[2])

    def kill(self, _: float) -> None:
        """End a server without warning, and start another one."""
        member = self._dice.choice(self.members)
        member.service.process.kill()
        self._replace(member)

    def terminate(self, _: float) -> None:
        """Tell a server to end, and start another one."""
        member = self._dice.choice(self.members)
        member.service.process.terminate()
        self._replace(member)
        assert member.service.process.wait(120) == 0

    def freeze(self, seconds: float) -> None:
        """Stop a server for longer than a lease, and let it go on as if nothing had been."""
        member = self._dice.choice(self.members)
        member.frozen = True
        member.service.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        member.service.process.send_signal(signal.SIGCONT)
        member.frozen = False

    def part(self, seconds: float) -> None:
        """Cut a server off from the directory."""
        way = self._dice.choice(self.members).way
        way.hold()
        time.sleep(seconds)
        way.free()

    def restart_directory(self, _: float) -> None:
        """Kill the directory and start it from what it has written."""
        self.directory.kill()
        self.directory.start()

    def promote(self, _: float) -> None:
        """Kill the directory, and go on with a replica of it that has all of it.

        What a replica lacks of songs that had just been let in is lost with the directory: their callers ask again.
        """
        replica = DirectoryServer("--replicaof", "127.0.0.1", str(self.directory.port), *_AT_ONCE, *_NO_REWRITING)
        with Redis.from_url(replica.url) as client:
            eventually(lambda: client.info("replication").get("master_link_status") == "up")
            with Redis.from_url(self.directory.url) as primary:
                primary.client_pause(10_000, all=False)
                primary.wait(1, 10_000)
            self.directory.kill()
            client.replicaof("NO", "ONE")
        replica._options = _NO_REWRITING  # should it be restarted
        self.former.append(self.directory)
        self.directory = replica
        for member in self.members:
            member.way.drop()

    def roll(self, engine: str) -> list[float]:
        """Replace one server after the other by one with that engine; returns the seconds that each took to end."""
        self._engine = engine
        seconds = []
        for member in tuple(self.members):
            self.members.insert(0, self._started())
            self.members.remove(member)
            began = time.monotonic()
            member.service.process.terminate()
            assert member.service.process.wait(_LONGEST_END_SECONDS) == 0
            seconds.append(time.monotonic() - began)
            member.stack.close()
            member.way.close()
        return seconds

    @property
    def misfortunes(self) -> Mapping[str, tuple[Callable[[float], None], int]]:
        """Everything that may happen, with its weight."""
        return {
            "kill -9": (self.kill, 3),
            "SIGTERM": (self.terminate, 2),
            "SIGSTOP, SIGCONT": (self.freeze, 3),
            "partition": (self.part, 3),
            "directory restarted": (self.restart_directory, 2),
            "replica promoted": (self.promote, 2),
        }

    def close(self) -> None:
        """End everything."""
        self._balancer.close()
        for member in self.members:
            member.way.close()
            member.stack.close()
        for server in (*self.former, self.directory):
            server.remove()

    def _replace(self, member: Member) -> None:
        successor = self._started()
        self.members[self.members.index(member)] = successor
        member.stack.callback(member.way.close)
        if member.service.process.poll() is not None:
            member.stack.close()

    def _started(self) -> Member:
        stack, way = ExitStack(), Way(lambda: self.directory.port)
        settings = {
            "STORE__KIND": "shared",
            "STORE__FOLDER": "",
            "STORE__DIRECTORY": f"redis://127.0.0.1:{way.port}",
            "STORE__OBJECTS": f"file://{self._objects}",
            **self._settings,
        }
        service = stack.enter_context(running_service(self._engine, **settings))
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        service.discard_log()
        return Member(service, way, stack)
