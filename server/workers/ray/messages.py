"""Messages between the server and the driver process, which controls the server's workers on a Ray cluster."""

from dataclasses import dataclass
from typing import TypeAlias

from server.logs import Logs
from server.workers.base import WorkerDeath
from server.workers.messages import Lane, Ready
from server.workers.worker_spec import WorkerSpec


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """Start parameters of the driver process: the address "host:port" of the cluster's head, and the id of the server's
    worker pool.

    A worker that gets no heartbeat for three times `ping_seconds` ends itself.
    """

    address: str
    pool: str
    ping_seconds: float = 10.0
    logs: Logs = Logs()


@dataclass(frozen=True, slots=True)
class Connected:
    """First message of the driver process: the process has joined the cluster."""


@dataclass(frozen=True, slots=True)
class NotConnected:
    """First message of a driver process that cannot join the cluster and ends; the text says what to do."""

    text: str


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Command: start a worker for the device named `device`. `worker` is the worker's number, which is used only
    once.
    """

    worker: int
    device: str
    spec: WorkerSpec


@dataclass(frozen=True, slots=True)
class EndWorker:
    """Command: end a worker. Reply: `WorkerEnded`, once the worker's process has ended or cannot be reached."""

    worker: int


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Command: pass the pickled `command` to a lane (command queue) of the worker with that number. Reply:
    `CommandDone`.
    """

    worker: int
    lane: Lane
    command: bytes


@dataclass(frozen=True, slots=True)
class StartCompanion:
    """Command: start a companion, a process beside the worker of a device. The process runs the Python module `module`,
    and gets the pickled `spec` as its first message.

    `companion` is the companion's number, used only once. Reply: `CompanionStarted`, once the device has a worker, or
    `CompanionEnded`.
    """

    companion: int
    device: str
    module: str
    spec: bytes


@dataclass(frozen=True, slots=True)
class SendToCompanion:
    """Command: pass a pickled message to a companion (a process beside a worker)."""

    companion: int
    message: bytes


@dataclass(frozen=True, slots=True)
class EndCompanion:
    """Command: end a companion (a process beside a worker). Reply: `CompanionEnded`."""

    companion: int


@dataclass(frozen=True, slots=True)
class WorkerLoaded:
    """Message: a worker has loaded its engines. `node` is the address of its computer, `node_id` the id of that node in
    the cluster.
    """

    worker: int
    ready: Ready
    node: str
    node_id: str


@dataclass(frozen=True, slots=True)
class CommandDone:
    """Message: the pickled reply of a worker's lane (command queue) to the oldest command there that has no reply yet.
    The reply's sound was already sent to the encoder.
    """

    worker: int
    lane: Lane
    reply: bytes


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """Message: a worker has ended, by itself or after `EndWorker`; no more messages about the worker follow.

    With `cluster_lost` all workers have ended, because the driver process has ended.
    """

    worker: int
    death: WorkerDeath
    text: str
    cluster_lost: bool = False


@dataclass(frozen=True, slots=True)
class CompanionStarted:
    """Message: a companion (a process beside a worker) runs on the node `node_id`. `first` is the companion's first
    message, pickled, `address` the path of its socket there.
    """

    companion: int
    node_id: str
    address: str
    first: bytes


@dataclass(frozen=True, slots=True)
class CompanionMessage:
    """Message: a pickled message of a companion (a process beside a worker) to the server."""

    companion: int
    message: bytes


@dataclass(frozen=True, slots=True)
class CompanionEnded:
    """Message: a companion (a process beside a worker) has ended; no more messages about the companion follow. With
    `cluster_lost` all companions have ended, because the driver process has ended.
    """

    companion: int
    text: str
    cluster_lost: bool = False


ToDriver: TypeAlias = (
    ClusterSpec | StartWorker | EndWorker | RunCommand | StartCompanion | SendToCompanion | EndCompanion
)
OfWorker: TypeAlias = WorkerLoaded | CommandDone | WorkerEnded
OfCompanion: TypeAlias = CompanionStarted | CompanionMessage | CompanionEnded
FromDriver: TypeAlias = Connected | NotConnected | OfWorker | OfCompanion
