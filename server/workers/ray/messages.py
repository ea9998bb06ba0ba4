"""Messages between the server and the process that drives a Ray cluster for it."""

from dataclasses import dataclass
from typing import TypeAlias

from server.logs import Logs
from server.workers.base import WorkerDeath
from server.workers.messages import Lane, Ready, WorkerSpec


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """Start parameters of the driving process: the "host:port" of the cluster's head, and the id of the pool.

    A worker that hears nothing for three times `ping_seconds` ends itself.
    """

    address: str
    pool: str
    ping_seconds: float = 10.0
    logs: Logs = Logs()


@dataclass(frozen=True, slots=True)
class Connected:
    """First message of the driving process: it has joined the cluster."""


@dataclass(frozen=True, slots=True)
class NotConnected:
    """First message of a driving process that cannot join the cluster and ends; the text says what to do."""

    text: str


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Start a worker for the device of the pool that is named `device`; `worker` is its number, used once."""

    worker: int
    device: str
    spec: WorkerSpec


@dataclass(frozen=True, slots=True)
class EndWorker:
    """End a worker. Reply: `WorkerEnded`, once its process is gone or cannot be reached."""

    worker: int


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Pass a command, pickled, to a lane of a worker. Reply: `CommandDone`."""

    worker: int
    lane: Lane
    command: bytes


@dataclass(frozen=True, slots=True)
class StartCompanion:
    """Start a process beside the worker of a device: `module` of this package, whose first message is `spec`, pickled.

    `companion` is its number, used once. Reply: `CompanionStarted`, once the device has a worker, or `CompanionEnded`.
    """

    companion: int
    device: str
    module: str
    spec: bytes


@dataclass(frozen=True, slots=True)
class TellCompanion:
    """Pass a pickled message to a companion."""

    companion: int
    message: bytes


@dataclass(frozen=True, slots=True)
class EndCompanion:
    """End a companion. Reply: `CompanionEnded`."""

    companion: int


@dataclass(frozen=True, slots=True)
class WorkerLoaded:
    """A worker has loaded its engines on `node`, the address of its computer, whose id in the cluster is `node_id`."""

    worker: int
    ready: Ready
    node: str
    node_id: str


@dataclass(frozen=True, slots=True)
class CommandDone:
    """The reply, pickled, of a lane of a worker to its oldest command; the song's sound has been sent before."""

    worker: int
    lane: Lane
    reply: bytes


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """A worker has ended, by itself or after `EndWorker`; no more messages about it follow.

    With `cluster_lost` all workers have ended, since the driving process has.
    """

    worker: int
    death: WorkerDeath
    text: str
    cluster_lost: bool = False


@dataclass(frozen=True, slots=True)
class CompanionStarted:
    """A companion runs on the node `node_id`; `first` is its first message, pickled, and `address` its socket there."""

    companion: int
    node_id: str
    address: str
    first: bytes


@dataclass(frozen=True, slots=True)
class CompanionTold:
    """A pickled message of a companion."""

    companion: int
    message: bytes


@dataclass(frozen=True, slots=True)
class CompanionEnded:
    """A companion has ended; no more messages about it follow. With `cluster_lost` all have, since the driving process
    has.
    """

    companion: int
    text: str
    cluster_lost: bool = False


ToDriver: TypeAlias = ClusterSpec | StartWorker | EndWorker | RunCommand | StartCompanion | TellCompanion | EndCompanion
OfWorker: TypeAlias = WorkerLoaded | CommandDone | WorkerEnded
OfCompanion: TypeAlias = CompanionStarted | CompanionTold | CompanionEnded
FromDriver: TypeAlias = Connected | NotConnected | OfWorker | OfCompanion
