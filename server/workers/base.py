"""Protocols of workers and of the pool that keeps them alive, in terms of messages only."""

from typing import Protocol

from model.engine import EngineInfo
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Reply


class WorkerDied(Exception):
    """A worker has ended, or was ended because it did not answer in time; the text says which."""


class Worker(Protocol):
    """One loaded worker. Each lane answers its commands in the order in which they were sent."""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The queues of the worker."""

    @property
    def exited(self) -> bool:
        """True once the worker has ended by itself or for want of an answer."""

    def send(self, command: Command, lane: Lane) -> None:
        """Hand a command to a lane without waiting. A worker that has ended is noticed by `receive`."""

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
        """The worker of a device has ended by itself or for want of an answer. Wakes what waits to send to it."""

    def worker_restarted(self, device: str) -> None:
        """The worker of a device was lost, and the pool is about to start another in its place."""

    def readiness_changed(self) -> None:
        """An engine may have become ready somewhere, or ceased to be."""


class WorkerPool(Protocol):
    """Keeps one worker on every device, and knows which engines are ready where."""

    @property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """The devices, each of which has one worker at most."""

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
        """The sound fingerprint of `engine` where all devices that have it agree; empty otherwise."""

    def require(self, engine: str) -> None:
        """Check that `engine` is ready on some device.

        Raises:
            UnknownEngine: it is not configured.
            EngineNotReady: it is still loading, or could not be loaded; the text says what to do.
            WorkerLost: it was ready, and its worker is being restarted.
        """

    def unavailable(self, engine: str) -> bool:
        """True if no device has `engine`, nor is at its first attempt to get it (again)."""

    def all_starts_failed(self) -> bool:
        """True if no device has a worker, and none could be started for many times."""

    async def settled(self) -> None:
        """Wait until every device has loaded what it can, or has failed to start once."""

    async def run(self, observer: WorkerPoolObserver) -> None:
        """Keep a worker on every device and let `observer` use it, until cancelled. Then no worker is left."""
