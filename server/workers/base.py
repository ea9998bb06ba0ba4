"""Protocols of workers and of the pool that keeps them running, in terms of messages only."""

from enum import StrEnum
from typing import Protocol

from model.engine import EngineInfo
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Reply


class WorkerDeath(StrEnum):
    """Cause of a worker's death, as far as it is known."""

    OUT_OF_MEMORY = "out_of_memory"
    """SIGKILL, while the kernel counted a kill for lack of memory that no other death explains."""
    KILLED = "killed"
    """SIGKILL from elsewhere; also for lack of memory, where the kernel's count cannot be read."""
    CRASHED = "crashed"
    """Another signal, such as SIGSEGV."""
    UNRESPONSIVE = "unresponsive"
    """The server has killed it, because it did not answer, load or end in time."""
    EXITED = "exited"
    """It has ended by itself: a broken device, or a bug."""


class WorkerDied(Exception):
    """A worker has ended, or was killed because it did not answer in time; the text says which."""


class Worker(Protocol):
    """One loaded worker. Each lane answers its commands in the order in which they were sent."""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes of the worker."""

    @property
    def exited(self) -> bool:
        """True once the worker has ended by itself or was killed for not answering."""

    def send(self, command: Command, lane: Lane) -> None:
        """Send a command to a lane without waiting. `receive` raises if the worker has ended."""

    async def receive(self, lane: Lane) -> Reply:
        """Wait for the next reply of a lane.

        Raises:
            WorkerDied: the worker ended before, or did not answer in time.
        """


class WorkerPoolObserver(Protocol):
    """Uses the workers of a pool. The pool calls it on the event loop."""

    async def serve(self, device: str, worker: Worker) -> None:
        """Give work to the loaded worker of a device until the worker ends, or until cancelled.

        Raises:
            WorkerDied: the worker has ended.
        """

    def worker_exited(self, device: str) -> None:
        """The worker of a device has ended. Wakes tasks that wait to send to it."""

    def worker_restarted(self, device: str, death: WorkerDeath) -> None:
        """The worker of a device has died, and the pool is about to start another."""

    def readiness_changed(self) -> None:
        """An engine may have become ready on some device, or not ready any more."""


class WorkerPool(Protocol):
    """Keeps one worker running on every device, and knows which engines are ready on which device."""

    @property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """The devices, each of which has at most one worker."""

    @property
    def engine_names(self) -> tuple[str, ...]:
        """The configured engines, ready or not, in the order of the settings."""

    def infos(self) -> dict[str, EngineInfo]:
        """The engines that are ready on some device, in the order of the settings."""

    def devices_of(self, engine: str) -> tuple[str, ...]:
        """The devices on which `engine` is ready."""

    def engines_on(self, device: str) -> frozenset[str]:
        """The engines that are ready on `device`."""

    def serves_nothing(self, device: str) -> bool:
        """True if the worker of `device` has loaded no engine, or none could be started there at the last attempt."""

    def sound_of(self, engine: str) -> str:
        """The sound fingerprint of `engine` if all devices that have it agree; empty otherwise."""

    def require(self, engine: str) -> None:
        """Check that `engine` is ready on some device.

        Raises:
            UnknownEngine: it is not configured.
            EngineNotReady: it is still loading, or could not be loaded; the text says what to do.
            WorkerLost: it was ready, and its worker is being restarted.
        """

    def unavailable(self, engine: str) -> bool:
        """True if no device has `engine`, and none is at its first attempt to load it."""

    def all_starts_failed(self) -> bool:
        """True if no device has a worker, and each has failed to start many times."""

    async def settled(self) -> None:
        """Wait until every device has loaded its engines, or has failed to start once."""

    async def run(self, observer: WorkerPoolObserver) -> None:
        """Keep a worker on every device and let `observer` use it, until cancelled; then all workers have ended."""
