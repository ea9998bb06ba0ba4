"""The devices of the server: one worker process for each, restarted when it dies, and what is known of its engines."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from model.engine import EngineInfo
from server.errors import EngineNotReady, UnknownEngine, WorkerLost
from server.logs import Logs
from server.workers.base import WorkerDied
from server.workers.device_spec import DeviceSpec
from server.workers.messages import EngineSpec, Failure, Fault, Ready, WorkerSpec
from server.workers.worker_process import WorkerProcess

_log = logging.getLogger(__name__)

_MAX_BACKOFF_SECONDS = 30.0
_END_GRACE_SECONDS = 2.0
_HOPELESS_STARTS = 5


@dataclass(slots=True)
class _Device:
    spec: DeviceSpec
    engines: tuple[EngineSpec, ...]
    worker: WorkerProcess | None = None
    ready: Ready | None = None
    started_before: bool = False
    failed_starts: int = 0

    def info(self, engine: str) -> EngineInfo | None:
        infos = self.ready.engines if self.ready else ()
        return next((info for info in infos if info.name == engine), None)

    def failure(self, engine: str) -> Failure | None:
        return self.ready.failures.get(engine) if self.ready else None

    def has(self, engine: str) -> bool:
        return any(spec.name == engine for spec in self.engines)


class DevicePool:
    """Keeps one worker alive on every device, and knows which engine is ready where."""

    def __init__(
        self,
        devices: Sequence[DeviceSpec],
        engines: Sequence[EngineSpec],
        *,
        worker_threads: int,
        exchange_timeout_seconds: float,
        load_timeout_seconds: float,
        restart_backoff_seconds: float,
        logs: Logs = Logs(),
        on_change: Callable[[], None],
        on_restart: Callable[[str], None] = lambda device: None,
    ) -> None:
        """`on_change` is called whenever an engine may have become ready, or ceased to be, somewhere; `on_restart`
        with the device whose worker is started in the place of a lost one."""
        self._engines = tuple(engines)
        self._devices = {spec.name: _Device(spec, _placed(engines, spec)) for spec in devices}
        self._worker_threads = worker_threads
        self._exchange_timeout_seconds = exchange_timeout_seconds
        self._load_timeout_seconds = load_timeout_seconds
        self._restart_backoff_seconds = restart_backoff_seconds
        self._logs = logs
        self._on_change = on_change
        self._on_restart = on_restart
        self._settled = asyncio.Event()

    @property
    def engine_names(self) -> tuple[str, ...]:
        """The configured engines, ready or not, in the order of the settings."""
        return tuple(engine.name for engine in self._engines)

    @property
    def workers(self) -> dict[str, WorkerProcess]:
        """The workers that are up, by device."""
        return {name: device.worker for name, device in self._devices.items() if device.worker is not None}

    def infos(self) -> dict[str, EngineInfo]:
        """The engines that are ready on some device, in the order of the settings."""
        infos = ((name, device.info(name)) for name in self.engine_names for device in self._devices.values())
        return {name: info for name, info in infos if info is not None}

    def devices_of(self, engine: str) -> tuple[str, ...]:
        """The devices on which `engine` is ready."""
        return tuple(name for name, device in self._devices.items() if device.info(engine) is not None)

    def engines_on(self, device: str) -> frozenset[str]:
        """The engines that are ready on `device`."""
        ready = self._devices[device].ready
        return frozenset(info.name for info in ready.engines) if ready else frozenset()

    def require(self, engine: str) -> None:
        """Make sure that `engine` is ready on some device.

        Raises:
            UnknownEngine: it is not configured.
            EngineNotReady: it is still loading, or could not be loaded; the text says what to do.
            WorkerLost: it was ready, and its worker is being restarted.
        """
        if engine not in self.engine_names:
            raise UnknownEngine(engine, self.engine_names)
        if self.devices_of(engine):
            return
        failures = [failure for device in self._devices.values() if (failure := device.failure(engine)) is not None]
        if failures:
            raise EngineNotReady(_told(engine, failures[0]))
        homes = [device for device in self._devices.values() if device.has(engine)]
        if not homes:
            raise EngineNotReady(f"engine {engine!r} is placed on no device; name it in MELISMA_DEVICES")
        if any(device.started_before or device.failed_starts for device in homes):
            raise WorkerLost(f"the worker of engine {engine!r} is being restarted")
        raise EngineNotReady(f"engine {engine!r} is still loading")

    def given_up(self, engine: str) -> bool:
        """Whether no device has `engine`, nor is at its first attempt to get it (again)."""
        return all(
            device.info(engine) is None and (device.ready is not None or device.failed_starts > 0)
            for device in self._devices.values()
            if device.has(engine)
        )

    def hopeless(self) -> bool:
        """Whether no device has a worker, and none could be started for many times."""
        return all(device.failed_starts >= _HOPELESS_STARTS for device in self._devices.values())

    async def settled(self) -> None:
        """Wait until every device has loaded what it can, or has failed to start once."""
        await self._settled.wait()

    async def drive(
        self, name: str, serve: Callable[[str, WorkerProcess], Awaitable[None]], wake: Callable[[], None]
    ) -> None:
        """Keep a worker alive on device `name` and let `serve` work with it, until cancelled.

        `serve` leaves by raising `WorkerDied`; `wake` is called when the worker's process has ended.
        """
        device = self._devices[name]
        while True:
            try:
                async with self._loaded(name, device, wake) as worker:
                    await serve(name, worker)
            except WorkerDied as error:
                _log.error("the worker of device %s is lost: %s", name, error)
            except Exception:
                # A bug of ours must not leave a device unserved for the rest of the server's life.
                _log.exception("the worker of device %s is given up", name)
            self._on_restart(name)
            backoff_seconds = self._restart_backoff_seconds * 2.0**device.failed_starts
            await asyncio.sleep(min(backoff_seconds, _MAX_BACKOFF_SECONDS))

    @asynccontextmanager
    async def _loaded(self, name: str, device: _Device, wake: Callable[[], None]) -> AsyncIterator[WorkerProcess]:
        spec = WorkerSpec(device.spec.device, device.engines, self._worker_threads, device.spec.lanes, self._logs)
        worker = WorkerProcess(spec, exchange_timeout_seconds=self._exchange_timeout_seconds, on_exit=wake)
        try:
            await self._load(name, device, worker)
            yield worker
        finally:
            device.worker, device.ready = None, None
            self._on_change()
            await worker.stop(_END_GRACE_SECONDS)

    async def _load(self, name: str, device: _Device, worker: WorkerProcess) -> None:
        try:
            device.ready = await worker.start(self._load_timeout_seconds)
        except WorkerDied:
            device.failed_starts += 1
            self._changed()
            raise
        device.worker, device.started_before, device.failed_starts = worker, True, 0
        for engine, failure in device.ready.failures.items():
            _log.error("engine %s could not be loaded on device %s: %s", engine, name, failure.text)
        self._changed()

    def _changed(self) -> None:
        if all(device.started_before or device.failed_starts for device in self._devices.values()):
            self._settled.set()
        self._on_change()


def _placed(engines: Sequence[EngineSpec], spec: DeviceSpec) -> tuple[EngineSpec, ...]:
    return tuple(engine for engine in engines if not spec.engines or engine.name in spec.engines)


def _told(engine: str, failure: Failure) -> str:
    if failure.fault is Fault.BUG:
        return f"engine {engine!r} could not be loaded; the server's log says why"
    return failure.text
