"""Protocols of a worker (the process that drives one device) and of the pool that keeps workers running."""

from enum import StrEnum
from typing import Protocol

from model.engine import EngineInfo
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Reply


class WorkerDeath(StrEnum):
    """Cause of a worker's end, as far as it is known."""

    OUT_OF_MEMORY = "out_of_memory"
    """The kernel has killed the worker for lack of memory: SIGKILL, and the kernel's count of such kills has risen."""
    KILLED = "killed"
    """Another program has killed the worker. Also used for lack of memory if the kernel's count cannot be read, and on
    a cluster for any unexpected end.
    """
    CRASHED = "crashed"
    """A signal other than SIGKILL, such as SIGSEGV, has ended the worker."""
    UNRESPONSIVE = "unresponsive"
    """The server has killed the worker, because the worker did not answer, load or end in time."""
    EXITED = "exited"
    """The worker has ended by itself, because of a broken device or a bug."""


class WorkerDied(Exception):
    """A worker has ended, or the server has killed it because it did not answer in time; the text gives the reason."""


class Worker(Protocol):
    """Protocol of a worker process with loaded engines, as the server uses it. Each lane (command queue) answers its
    commands in the order in which they were sent.
    """

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes (command queues) of the worker."""

    @property
    def distant(self) -> bool:
        """True if messages to the worker and back take milliseconds, so that several commands should be in transit at
        once.
        """

    @property
    def exited(self) -> bool:
        """True once the worker has ended by itself or the server has killed it because it did not answer."""

    def send(self, command: Command, lane: Lane) -> None:
        """Send a command to a lane (command queue) of the worker without waiting. If the worker has ended, `receive`
        raises WorkerDied.
        """

    async def receive(self, lane: Lane) -> Reply:
        """Wait for the next reply of a lane (command queue) of the worker, and return it.

        Raises:
            WorkerDied: the worker has ended, or did not answer in time.
        """


class WorkerPoolObserver(Protocol):
    """Protocol of the object that uses the workers of a pool. The pool calls its methods on the event loop."""

    async def serve(self, device: str, worker: Worker) -> None:
        """Send commands to the loaded worker of a device until the worker ends, or until cancelled.

        Raises:
            WorkerDied: the worker has ended.
        """

    def worker_exited(self, device: str) -> None:
        """Record that the worker of a device has ended, and wake the tasks that wait to send commands to the worker."""

    def worker_restarted(self, device: str, death: WorkerDeath) -> None:
        """Record that the pool is about to start a worker in place of one that has ended; `death` is the cause of that
        end.
        """

    def readiness_changed(self) -> None:
        """Record that an engine may now be ready on a device where it was not, or the reverse."""


class WorkerPool(Protocol):
    """Protocol of a worker pool, which keeps one worker running on every device and tracks the devices on which each
    engine is ready.
    """

    @property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """The configured devices; each has at most one worker."""

    @property
    def engine_names(self) -> tuple[str, ...]:
        """The names of the configured engines, ready or not, in the order of the settings."""

    def infos(self) -> dict[str, EngineInfo]:
        """Return the properties of the engines that are ready on some device, by name, in the order of the settings."""

    def devices_of(self, engine: str) -> tuple[str, ...]:
        """Return the names of the devices on which `engine` is ready."""

    def engines_on(self, device: str) -> frozenset[str]:
        """Return the names of the engines that are ready on `device`."""

    def serves_nothing(self, device: str) -> bool:
        """Return True if the worker of `device` has loaded no engine, or if the last start of a worker has failed."""

    def sound_of(self, engine: str) -> str:
        """Return the sound fingerprint of `engine` (a hash of a test song) if it is the same on all its devices;
        otherwise an empty string.
        """

    def require(self, engine: str) -> None:
        """Raise an error unless `engine` is ready on some device.

        Raises:
            UnknownEngine: the engine is not configured.
            EngineNotReady: the engine is still loading, or could not be loaded; the text says what to do.
            WorkerLost: the engine was ready, and its worker is being restarted.
        """

    def unavailable(self, engine: str) -> bool:
        """Return True if `engine` is ready on no device and every one of its devices has already tried to load it.
        Waiting songs should then fail.
        """

    def all_starts_failed(self) -> bool:
        """Return True if no device has a worker and the start has failed many times on each device, so that the server
        should be restarted.
        """

    async def settled(self) -> None:
        """Wait until each device has loaded its engines or has failed to do so once."""

    async def run(self, observer: WorkerPoolObserver) -> None:
        """Keep a worker running on every device, and let `observer` use it, until cancelled. All workers have ended
        when this returns.
        """
