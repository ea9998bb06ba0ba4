"""Keeps a worker running on every device, and restarts a worker that ends; subclasses start the workers."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from model.engine import EngineInfo
from server.logs import Logs
from server.workers.availability import EngineAvailability
from server.workers.base import Worker, WorkerDeath, WorkerDied, WorkerPoolObserver
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Ready
from server.workers.worker_spec import EngineSpec, WorkerSpec

_log = logging.getLogger(__name__)

_MAX_BACKOFF_SECONDS = 30.0
_END_GRACE_SECONDS = 2.0
_MORE_MEMORY = "give the container more memory, or let fewer or shorter songs run at once"


class PoolUnusable(Exception):
    """The worker pool cannot be used, because something is missing or wrong; the text says what to do."""


class StartedWorker(Worker, Protocol):
    """Protocol of a worker with the methods by which a pool starts and ends it."""

    async def launch(self) -> None:
        """Start the worker, which then loads its engines; `loaded` waits for the engines."""

    async def loaded(self, timeout_seconds: float) -> Ready:
        """Wait until the started worker has loaded its engines, and return its first message.

        Raises:
            WorkerDied: the worker could not be started, has ended, or took longer than `timeout_seconds`.
        """

    async def stop(self, grace_seconds: float) -> None:
        """End the worker, by force after `grace_seconds`; afterwards the worker does not use its device any more."""


W = TypeVar("W", bound=StartedWorker)


class RestartingPool(ABC, Generic[W]):
    """Keeps one worker running on every device, and tracks the devices on which each engine is ready. Subclasses start
    the workers.
    """

    def __init__(
        self,
        devices: Sequence[DeviceSpec],
        engines: Sequence[EngineSpec],
        *,
        worker_threads: int = 1,
        load_timeout_seconds: float = 300.0,
        restart_backoff_seconds: float = 0.5,
        logs: Logs = Logs(),
        fingerprinted: Collection[str] = (),
    ) -> None:
        """Set up the worker pool. `worker_threads` is the number of compute threads of each worker; with 0 the
        libraries choose it. `logs` has the level and format of the workers' logs. A worker must load its engines within
        `load_timeout_seconds`.

        Workers compute the sound fingerprints (hashes of a test song) of the engines in `fingerprinted`. The pause
        before a restart is `restart_backoff_seconds`, and doubles with every failed start.
        """
        self._engines = tuple(engines)
        self._availability = EngineAvailability(devices, [engine.name for engine in engines])
        self._worker_threads = worker_threads
        self._load_timeout_seconds = load_timeout_seconds
        self._restart_backoff_seconds = restart_backoff_seconds
        self._logs = logs
        self._fingerprinted = frozenset(fingerprinted)
        self._launched: dict[str, W] = {}
        self._workers: dict[str, W] = {}
        self._observer: WorkerPoolObserver | None = None

    @property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """The configured devices; each has at most one worker."""
        return self._availability.devices

    @property
    def engine_names(self) -> tuple[str, ...]:
        """The names of the configured engines, ready or not, in the order of the settings."""
        return self._availability.engine_names

    def infos(self) -> dict[str, EngineInfo]:
        """Return the properties of the engines that are ready on some device, by name, in the order of the settings."""
        return self._availability.infos()

    def devices_of(self, engine: str) -> tuple[str, ...]:
        """Return the names of the devices on which `engine` is ready."""
        return self._availability.devices_of(engine)

    def engines_on(self, device: str) -> frozenset[str]:
        """Return the names of the engines that are ready on `device`."""
        return self._availability.engines_on(device)

    def serves_nothing(self, device: str) -> bool:
        """Return True if the worker of `device` has loaded no engine, or if the last start of a worker has failed."""
        return self._availability.serves_nothing(device)

    def sound_of(self, engine: str) -> str:
        """Return the sound fingerprint of `engine` (a hash of a test song) if it is the same on all its devices;
        otherwise an empty string.
        """
        return self._availability.sound_of(engine)

    def require(self, engine: str) -> None:
        """Raise an error unless `engine` is ready on some device; see `WorkerPool.require`."""
        self._availability.require(engine)

    def nodes(self) -> Mapping[str, str]:
        """Return the address of the cluster node on which the worker of each device runs, by device; empty without a
        cluster.
        """
        return {}

    @abstractmethod
    def process_ids(self) -> Mapping[tuple[str, str], int | None]:
        """Return the ids of the pool's processes on this computer, by kind of process and device; `None` for one that
        does not run.
        """

    def unavailable(self, engine: str) -> bool:
        """Return True if `engine` is ready on no device and every one of its devices has already tried to load it.
        Waiting songs should then fail.
        """
        return self._availability.unavailable(engine)

    def all_starts_failed(self) -> bool:
        """Return True if no device has a worker and the start has failed many times on each device, so that the server
        should be restarted.
        """
        return self._availability.all_starts_failed()

    async def settled(self) -> None:
        """Wait until each device has loaded its engines or has failed to do so once."""
        await self._availability.settled()

    async def launch(self) -> None:
        """Start the first worker of every device, so that engines load before `run` is called."""
        for device in self.devices:
            worker = self._launched[device.name] = self._new_worker(device)
            await worker.launch()

    async def close(self) -> None:
        """Kill the started workers that `run` has not begun to use."""
        while self._launched:
            _, worker = self._launched.popitem()
            await worker.stop(grace_seconds=0.0)

    async def run(self, observer: WorkerPoolObserver) -> None:
        """Keep a worker running on every device, and let `observer` use it, until cancelled. All workers have ended
        when this returns.
        """
        self._observer = observer
        async with asyncio.TaskGroup() as drivers:
            for device in self.devices:
                drivers.create_task(self._drive(device, observer), name=f"drive {device.name}")

    async def _drive(self, device: DeviceSpec, observer: WorkerPoolObserver) -> None:
        while True:
            try:
                await self._serve_one_worker(device, observer)
            except WorkerDied as error:
                _log.error(
                    "the worker of device %s has ended and is restarted; its songs are tried again: %s",
                    device.name,
                    error,
                )
            except Exception:
                # A bug in this code must not leave a device without a worker until the end of the server.
                _log.exception(
                    "the worker of device %s failed because of a bug of the server, and is restarted: please report "
                    "this traceback",
                    device.name,
                )
            self._note_restart(device.name, observer)
            await asyncio.sleep(self._backoff_seconds(device.name))

    def _note_restart(self, device: str, observer: WorkerPoolObserver) -> None:
        death = self._death(self._workers[device])
        if death is WorkerDeath.OUT_OF_MEMORY:
            _log.error("the worker of device %s was killed for lack of memory: %s", device, _MORE_MEMORY)
        try:
            observer.worker_restarted(device, death)
        except Exception:
            _log.exception(
                "the restart of the worker of device %s could not be counted because of a bug of the server: "
                "please report this traceback",
                device,
            )

    async def _serve_one_worker(self, device: DeviceSpec, observer: WorkerPoolObserver) -> None:
        """Start a worker of a device, and let `observer` use it until the worker ends. The worker's process has ended
        when this returns.
        """
        self._starting()
        launched = self._launched.pop(device.name, None)
        worker = launched or self._new_worker(device)
        self._workers[device.name] = worker
        async with AsyncExitStack() as stack:
            stack.push_async_callback(worker.stop, _END_GRACE_SECONDS)
            stack.callback(observer.readiness_changed)
            stack.callback(self._availability.lost, device.name)
            if launched is None:
                await worker.launch()
            await self._load(device.name, worker, observer)
            await observer.serve(device.name, worker)

    async def _load(self, device: str, worker: W, observer: WorkerPoolObserver) -> None:
        try:
            ready = await worker.loaded(self._load_timeout_seconds)
        except WorkerDied:
            self._availability.start_failed(device)
            observer.readiness_changed()
            raise
        self._availability.loaded(device, ready)
        for engine, sound in ready.sounds.items():
            _log.info("engine %s on device %s is ready; the fingerprint of its sound is %s", engine, device, sound)
        for engine, failure in ready.failures.items():
            _log.error(
                "engine %s could not be loaded on device %s, which makes no songs with it: %s",
                engine,
                device,
                failure.text,
            )
        observer.readiness_changed()

    @abstractmethod
    def _new_worker(self, device: DeviceSpec) -> W:
        """Create a worker for a device, not started yet. The worker calls `_exited` when it has ended by itself."""

    @abstractmethod
    def _death(self, worker: W) -> WorkerDeath:
        """Return the cause of a worker's end; called after `stop`."""

    def _starting(self) -> None:
        """Prepare the pool for the use of the next worker; called each time before a worker is launched or waited for.
        The default does nothing.
        """

    def _exited(self, device: str) -> None:
        if self._observer is not None:
            self._observer.worker_exited(device)

    def _worker_spec(self, device: DeviceSpec) -> WorkerSpec:
        engines = tuple(engine for engine in self._engines if device.loads(engine.name))
        threads, lanes = self._worker_threads, device.lanes
        return WorkerSpec(device.device, engines, threads, lanes, self._logs, self._fingerprinted)

    def _backoff_seconds(self, device: str) -> float:
        seconds = self._restart_backoff_seconds * 2.0 ** self._availability.failed_starts(device)
        return min(seconds, _MAX_BACKOFF_SECONDS)


AnyPool: TypeAlias = RestartingPool[Any]
"""A worker pool with any kind of workers."""
