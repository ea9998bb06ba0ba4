"""The devices of the server: one worker process for each, restarted when it dies, and what is known of its engines."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from model.engine import EngineInfo
from server.errors import EngineNotReady, UnknownEngine, WorkerLost
from server.logs import Logs
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, EngineSpec, Failure, Fault, Lane, Ready, Reply, WorkerSpec
from server.workers.pipe import PipeClosed, ServerEnd

_log = logging.getLogger(__name__)

_MAX_BACKOFF_SECONDS = 30.0
_END_GRACE_SECONDS = 2.0
_HOPELESS_STARTS = 5
_BOOT = (
    "import sys; after = 2 + int(sys.argv[1]); lanes = map(int, sys.argv[2:after]); sys.path[:] = sys.argv[after:]; "
    "from server.workers.worker import main; main(*lanes)"
)


class WorkerDied(Exception):
    """A worker process has ended or was ended because it did not answer in time; the text says which."""


class Worker:
    """The server's end of one worker process. One exchange at a time on each of its lanes.

    The process is a fresh interpreter that imports the worker alone: nothing of gRPC gets into it, and nothing of torch
    into the server.
    """

    def __init__(self, spec: WorkerSpec, *, exchange_timeout_seconds: float, on_exit: Callable[[], None]) -> None:
        """`on_exit` is called on the event loop when the process has ended by itself."""
        self._spec = spec
        self._exchange_timeout_seconds = exchange_timeout_seconds
        self._on_exit = on_exit
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix=f"keeper {spec.device}")
        self._pipes: dict[Lane, ServerEnd] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None
        self.exited = False

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The queues of the process."""
        return self._spec.lanes

    @property
    def pid(self) -> int | None:
        """The process's number, once it is started."""
        return self._process.pid if self._process is not None else None

    async def start(self, load_timeout_seconds: float) -> Ready:
        """Start the process and wait until it has loaded what it can.

        Raises:
            WorkerDied: the process ended before, or took longer.
        """
        loop = asyncio.get_running_loop()
        pairs = {lane: socket.socketpair() for lane in self._spec.lanes}
        far_ends = [far for _, far in pairs.values()]
        loop.add_reader(await loop.run_in_executor(self._keeper, self._spawn, far_ends), self._exit)
        self._pipes = {lane: await ServerEnd.open(near) for lane, (near, _) in pairs.items()}
        return cast(Ready, await self._round_trip(self._spec.lanes[0], self._spec, load_timeout_seconds))

    def send(self, command: Command, lane: Lane) -> None:
        """Hand a command to a lane, which does its commands in order."""
        self._pipes[lane].send(command)

    async def receive(self, lane: Lane) -> Reply:
        """Wait for the next reply of a lane. Raises as `exchange` does."""
        return cast(Reply, await self._in_time(self._pipes[lane].receive(), self._exchange_timeout_seconds))

    async def exchange(self, command: Command, lane: Lane = Lane.BOTH) -> Reply:
        """Send a command to a lane and wait for its reply.

        Raises:
            WorkerDied: the process ended before, or took longer than the exchange timeout.
        """
        return cast(Reply, await self._round_trip(lane, command, self._exchange_timeout_seconds))

    async def stop(self, grace_seconds: float) -> None:
        """End the process: by closing its pipes, and by force after `grace_seconds`. Nothing of it is left."""
        for pipe in self._pipes.values():
            pipe.close()
        await asyncio.get_running_loop().run_in_executor(self._keeper, self._bury, grace_seconds)
        self._cut_lifeline()
        self._keeper.shutdown()

    def _spawn(self, far_ends: Sequence[socket.socket]) -> int:
        self._lifeline, far_lifeline = os.pipe()
        numbers = [far.fileno() for far in far_ends]
        command = [sys.executable, "-c", _BOOT, str(len(numbers)), *map(str, numbers), *sys.path]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[*numbers, far_lifeline])
        finally:
            for far in far_ends:
                far.close()
            os.close(far_lifeline)
        return self._lifeline

    async def _round_trip(self, lane: Lane, message: WorkerSpec | Command, timeout_seconds: float) -> object:
        return await self._in_time(self._pipes[lane].exchange(message), timeout_seconds)

    async def _in_time(self, answer: Awaitable[object], timeout_seconds: float) -> object:
        try:
            async with asyncio.timeout(timeout_seconds):
                return await answer
        except TimeoutError:
            self._kill()
            raise WorkerDied(f"it did not answer within {timeout_seconds:g} seconds") from None
        except PipeClosed as error:
            raise WorkerDied("its process ended") from error

    def _exit(self) -> None:
        self._cut_lifeline()
        self.exited = True
        self._on_exit()

    def _cut_lifeline(self) -> None:
        lifeline, self._lifeline = self._lifeline, None
        if lifeline is not None:
            asyncio.get_running_loop().remove_reader(lifeline)
            os.close(lifeline)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _bury(self, grace_seconds: float) -> None:
        if self._process is not None:
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@dataclass(slots=True)
class _Device:
    spec: DeviceSpec
    engines: tuple[EngineSpec, ...]
    worker: Worker | None = None
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
    def workers(self) -> dict[str, Worker]:
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

    async def drive(self, name: str, serve: Callable[[str, Worker], Awaitable[None]], wake: Callable[[], None]) -> None:
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
    async def _loaded(self, name: str, device: _Device, wake: Callable[[], None]) -> AsyncIterator[Worker]:
        spec = WorkerSpec(device.spec.device, device.engines, self._worker_threads, device.spec.lanes, self._logs)
        worker = Worker(spec, exchange_timeout_seconds=self._exchange_timeout_seconds, on_exit=wake)
        try:
            await self._load(name, device, worker)
            yield worker
        finally:
            device.worker, device.ready = None, None
            self._on_change()
            await worker.stop(_END_GRACE_SECONDS)

    async def _load(self, name: str, device: _Device, worker: Worker) -> None:
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
