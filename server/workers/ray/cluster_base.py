"""Protocols of a cluster on which workers run: implemented with Ray, and in memory for tests."""

import asyncio
from typing import Any, NamedTuple, Protocol

from server.workers.base import WorkerDeath


class Place(NamedTuple):
    """Location of an actor: the version of its code, its process id, the address and id of its node, and the ids of its
    GPUs.
    """

    version: str
    pid: int
    host: str
    node: str
    gpus: tuple[str, ...] = ()


class ActorLost(Exception):
    """An actor has ended or cannot be reached; its calls in progress and all later ones fail.

    With `never_ran` the cluster has dropped the actor before its start.
    """

    def __init__(self, text: str, death: WorkerDeath = WorkerDeath.EXITED, *, never_ran: bool = False) -> None:
        super().__init__(text)
        self.death = death
        self.never_ran = never_ran


class ClusterLost(Exception):
    """The cluster does not start actors of this process any more, for example after a restart of the cluster's head; a
    new process may be able to join.
    """


class Actor(Protocol):
    """Protocol of the handle of an actor: an object in its own process on some node of the cluster."""

    def call(self, method: str, *arguments: object, group: str = "") -> asyncio.Future[Any]:
        """Call a method of the actor; return a future for its result. The calls of one `group` run one after the other,
        in order; calls of different groups run at the same time.

        The future raises ActorLost if the actor ends, and other errors as the method does.
        """

    def kill(self) -> None:
        """End the actor's process, without waiting until it has ended."""


class Cluster(Protocol):
    """Protocol of a cluster that starts actors: processes with methods that are called remotely. The cluster never
    restarts an actor and never repeats a call.
    """

    def start_worker(self, device: str) -> Actor:
        """Start a `WorkerActor` on a node with a free device of the kind `device` ("cuda", "cpu"), as soon as there is
        one.
        """

    def start_reaper(self, node: str) -> Actor:
        """Start a `Reaper`, which kills frozen workers, on the given node."""

    def start_host(self, node: str) -> Actor:
        """Start a `CompanionHost`, which runs companions such as encoders, on the given node."""

    def free_devices(self, device: str) -> float:
        """Return the number of free devices of the kind `device` ("cuda", "cpu") in the cluster, for the log."""

    def close(self) -> None:
        """Leave the cluster, which ends all actors of this process."""


LIFE, CONTROL, SOUND = "life", "control", "sound"
"""Names of the concurrency groups of an actor's calls, in addition to one group for each lane (command queue) of a
worker.
"""
