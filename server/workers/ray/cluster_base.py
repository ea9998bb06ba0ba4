"""Defines the interface of the cluster on which workers run, implemented by Ray, and in memory for tests."""

import asyncio
from typing import Any, NamedTuple, Protocol

from server.workers.base import WorkerDeath


class Place(NamedTuple):
    """Location of an actor: the version of its code, its process, the address and id of its node, and the ids of its
    GPUs.
    """

    version: str
    pid: int
    host: str
    node: str
    gpus: tuple[str, ...] = ()


class ActorLost(Exception):
    """An actor has died or cannot be reached; its calls in progress and all later ones fail.

    With `never_ran` the cluster has dropped it before it was started.
    """

    def __init__(self, text: str, death: WorkerDeath = WorkerDeath.EXITED, *, never_ran: bool = False) -> None:
        super().__init__(text)
        self.death = death
        self.never_ran = never_ran


class ClusterLost(Exception):
    """The cluster does not start actors of this process any more, for example after a restart of its head; another
    process may be able to join it.
    """


class Actor(Protocol):
    """An object in a process of its own on some node of the cluster."""

    def call(self, method: str, *arguments: object, group: str = "") -> asyncio.Future[Any]:
        """Call a method; returns a future. The calls of a group run one after the other in their order, at the same
        time as those of other groups.

        The future raises ActorLost if the actor dies, and other errors as the method does.
        """

    def kill(self) -> None:
        """End the actor's process without waiting for its end."""


class Cluster(Protocol):
    """A Ray cluster that starts actors: processes with methods that are called remotely. The cluster never restarts an
    actor and never repeats a call.
    """

    def start_worker(self, device: str) -> Actor:
        """Start a `WorkerActor` on a node with a free device of that kind ("cuda", "cpu"), as soon as there is one."""

    def start_reaper(self, node: str) -> Actor:
        """Start a `Reaper` on a node."""

    def start_host(self, node: str) -> Actor:
        """Start a `CompanionHost` on a node."""

    def free_devices(self, device: str) -> float:
        """Return the number of free devices of that kind in the cluster, for the log."""

    def close(self) -> None:
        """Leave the cluster, which ends all actors of this process."""


LIFE, CONTROL, SOUND = "life", "control", "sound"
"""Groups of an actor's calls beside those of its lanes."""
