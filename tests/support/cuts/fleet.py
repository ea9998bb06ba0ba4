"""Several servers on one song directory, and the faults that a test can cause in them."""

import math
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import grpc
from redis import Redis

from tests.support.cuts.network import Network
from tests.support.cuts.silences import Cut
from tests.support.cuts.way import Way
from tests.support.servers import DirectoryServer, eventually
from tests.support.service import Service, running_service

_LONGEST_END_SECONDS = 240.0
_BALANCER_SECONDS = 1.0
"""Seconds after which a balancer sends no new connections to a server that was told to end."""
_AT_ONCE = ("--repl-diskless-sync-delay", "0")
_NO_REWRITING = ("--auto-aof-rewrite-percentage", "0")


@dataclass
class Member:
    """One server of a fleet, its proxy to the song directory, its replica name in the directory, and the records of its
    log so far.
    """

    service: Service
    way: Way
    stack: ExitStack
    lines: list[dict[str, Any]]
    name: str = ""
    frozen: bool = False
    told_to_end: float = math.inf

    @property
    def port(self) -> int:
        """Port of the server for gRPC."""
        return int(self.service.address.rpartition(":")[2])

    @property
    def has_new_connections(self) -> bool:
        """True if the fleet's balancer still sends new connections to this server: also to a killed one, which
        Kubernetes notices late, but not to a frozen or ending one.
        """
        return not self.frozen and time.monotonic() < self.told_to_end + _BALANCER_SECONDS


class Fleet:
    """Servers of one service, whose number stays constant: a server that ends is replaced."""

    def __init__(
        self,
        size: int,
        objects: Path,
        engine: str,
        rng: Random,
        settings: Mapping[str, str],
        network: Network | None = None,
    ) -> None:
        """Start `size` servers with the engine `engine` and the variables `settings`, which store sound in the folder
        `objects`. They reach the song directory over links of `network`, or over the loopback address if it is `None`.
        `rng` chooses the servers for faults and for new connections.
        """
        self._network = network
        self._objects = objects
        self._engine = engine
        self._dice = rng
        self._settings = settings
        self.directory = DirectoryServer(*_NO_REWRITING)
        self.former: list[DirectoryServer] = []
        self.cuts: list[Cut] = []
        self.ended: list[Member] = []
        self._names: set[str] = set()
        self.members: list[Member] = []
        for _ in range(size):
            self.members.append(self._started())
        self._balancer = Way(self._port)

    @property
    def address(self) -> str:
        """The address of a balancer, which sends connections to servers that are not frozen or ending, even if they
        were killed.
        """
        return f"127.0.0.1:{self._balancer.port}"

    def way(self) -> Way:
        """Return a further balancer that works like that of `address`."""
        return Way(self._port)

    def _port(self) -> int:
        return self._dice.choice([one for one in self.members if one.has_new_connections]).port

    def _note(self, kind: str, member: Member | None = None) -> None:
        """Record a fault that happens now; it affects the server `member` and the songs that this server makes, or all
        songs if `member` is `None`.
        """
        songs: list[str] = []
        if member is not None:
            with Redis.from_url(self.directory.url, decode_responses=True) as client:
                service = client.zrange("m:service", 0, -1)
                songs = [song for song in service if client.hget(f"m:song:{song}", "owner") == member.name]
        self.cuts.append(Cut(kind, time.monotonic(), member.port if member else None, songs))

    def kill(self, _: float) -> None:
        """Kill a random server, and start another one."""
        member = self._dice.choice(self.members)
        self._note("kill -9", member)
        member.service.process.kill()
        self._replace(member)

    def terminate(self, _: float) -> None:
        """Send SIGTERM to a random server, start another one, and wait for the end of the first."""
        member = self._dice.choice(self.members)
        self._note("SIGTERM", member)
        member.told_to_end = time.monotonic()
        member.service.process.terminate()
        self._replace(member)
        assert member.service.process.wait(120) == 0

    def freeze(self, seconds: float) -> None:
        """Stop a random server (SIGSTOP) for `seconds`, and let it continue."""
        member = self._dice.choice(self.members)
        member.frozen = True
        self._note("SIGSTOP", member)
        member.service.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        member.service.process.send_signal(signal.SIGCONT)
        member.frozen = False

    def part(self, seconds: float) -> None:
        """Cut a random server off from the song directory for `seconds`."""
        member = self._dice.choice(self.members)
        way = member.way
        self._note("partition", member)
        way.hold()
        time.sleep(seconds)
        way.free()

    def restart_directory(self, _: float) -> None:
        """Kill the song directory, and start it again from its append-only file."""
        self._note("restart")
        self.directory.kill()
        self.directory.start()
        with Redis.from_url(self.directory.url) as client:
            eventually(lambda: not client.info("persistence")["loading"])

    def promote(self, _: float) -> None:
        """Kill the song directory, and promote a replica that has all data in memory and on its disk."""
        replica = DirectoryServer("--replicaof", "127.0.0.1", str(self.directory.port), *_AT_ONCE, *_NO_REWRITING)
        with Redis.from_url(replica.url) as client:
            eventually(lambda: client.info("replication").get("master_link_status") == "up")
            with Redis.from_url(self.directory.url) as primary:
                self._note("promotion")
                primary.client_pause(10_000, all=False)
                written = primary.info("replication")["master_repl_offset"]
                eventually(lambda: client.info("replication")["slave_repl_offset"] >= written)
                eventually(lambda: _all_on_disk(client))
            self.directory.kill()
            client.replicaof("NO", "ONE")
        replica._options = _NO_REWRITING  # should it be restarted
        self.former.append(self.directory)
        self.directory = replica
        for member in self.members:
            member.way.drop()

    def roll(self, engine: str) -> list[float]:
        """Replace each server by one with the engine `engine`; return the seconds that each old server took to end."""
        self._engine = engine
        seconds = []
        for member in tuple(self.members):
            self.members.insert(0, self._started())
            self.members.remove(member)
            self.ended.append(member)
            began = time.monotonic()
            member.service.process.terminate()
            assert member.service.process.wait(_LONGEST_END_SECONDS) == 0
            seconds.append(time.monotonic() - began)
            member.stack.close()
            member.way.close()
        return seconds

    @property
    def misfortunes(self) -> Mapping[str, tuple[Callable[[float], None], int]]:
        """All faults that a test can cause, by name: the function that causes the fault, and its weight in random
        choices.
        """
        return {
            "kill -9": (self.kill, 3),
            "SIGTERM": (self.terminate, 2),
            "SIGSTOP, SIGCONT": (self.freeze, 3),
            "partition": (self.part, 3),
            "directory restarted": (self.restart_directory, 2),
            "replica promoted": (self.promote, 2),
        }

    def close(self) -> None:
        """End all servers and the song directory."""
        self._balancer.close()
        for member in self.members:
            member.way.close()
            member.stack.close()
        for server in (*self.former, self.directory):
            server.remove()

    def _replace(self, member: Member) -> None:
        successor = self._started()
        self.ended.append(member)
        self.members[self.members.index(member)] = successor
        member.stack.callback(member.way.close)
        if member.service.process.poll() is not None:
            member.stack.close()

    def _started(self) -> Member:
        stack, way_to = ExitStack(), self._network.way if self._network else Way
        way = way_to(lambda: self.directory.port)
        settings = {
            "STORE__KIND": "shared",
            "STORE__FOLDER": "",
            "STORE__DIRECTORY": f"redis://{way.host}:{way.port}",
            "STORE__OBJECTS": f"file://{self._objects}",
            **self._settings,
        }
        service = stack.enter_context(running_service(self._engine, **settings))
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        member = Member(service, way, stack, service.keep_log())
        with Redis.from_url(self.directory.url, decode_responses=True) as client:
            eventually(lambda: set(client.zrange("m:replicas", 0, -1)) - self._names)
            (member.name,) = set(client.zrange("m:replicas", 0, -1)) - self._names
        self._names.add(member.name)
        return member


def _all_on_disk(client: Redis) -> bool:
    """Return True if the replica that `client` calls has a complete append-only file: the data that it got when it
    connected to its primary are in it.
    """
    known = client.info("persistence")
    busy = known["aof_rewrite_in_progress"] or known["aof_rewrite_scheduled"]
    return not busy and known["aof_last_bgrewrite_status"] == "ok"
