"""A worker pool without processes: its workers run their commands on the event loop, one at a time for each lane
(command queue).

Tests of the code above the pool run faster with it than with processes. An engine must neither hang nor end the
process; with `IN_PROCESS_FAKE` the prompt "crash" ends only the worker.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from model.engine import Engine, EngineInfo
from server.workers.availability import EngineAvailability
from server.workers.base import WorkerDeath, WorkerDied, WorkerPoolObserver
from server.workers.device_spec import DeviceSpec
from server.workers.execution.engine_loading import load_engines, ready_message
from server.workers.execution.executor import CommandExecutor
from server.workers.execution.failures import DeviceBroken
from server.workers.messages import Command, Lane, Reply
from server.workers.sound.links import EncoderLinks
from server.workers.worker_spec import EngineSpec
from tests.support.fakes import FakeEngine

_log = logging.getLogger(__name__)

IN_PROCESS_FAKE = EngineSpec("fake", "tests.support.workers.in_process_pool:InProcessFakeEngine")


class WorkerCrash(BaseException):
    """An error that ends the worker in whose engine it is raised, like the end of a worker process."""


class InProcessFakeEngine(FakeEngine):
    """The fake engine, whose crash ends only its worker."""

    @classmethod
    def load(cls, device: str) -> "InProcessFakeEngine":
        return cls()

    def crash(self) -> None:
        raise WorkerCrash


class InProcessWorker:
    """A worker that runs commands with an executor in this process, each lane (command queue) in a task."""

    def __init__(self, lanes: tuple[Lane, ...], engines: Mapping[str, Engine], on_exit: Callable[[], None]) -> None:
        """Set up the worker; `on_exit` is called when it has crashed or was killed."""
        self._lanes = lanes
        self._links = EncoderLinks()
        self._executor = CommandExecutor(engines, encoders=self._links)
        self._on_exit = on_exit
        self._exited = False
        self._commands = {lane: asyncio.Queue[Command]() for lane in lanes}
        self._replies = {lane: asyncio.Queue[Reply | None]() for lane in lanes}
        self._tasks = [asyncio.create_task(self._run(lane), name=f"lane {lane.value}") for lane in lanes]

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return self._lanes

    @property
    def distant(self) -> bool:
        return False

    @property
    def exited(self) -> bool:
        return self._exited

    def send(self, command: Command, lane: Lane) -> None:
        self._commands[lane].put_nowait(command)

    async def receive(self, lane: Lane) -> Reply:
        reply = await self._replies[lane].get()
        if reply is None:
            self._replies[lane].put_nowait(None)
            raise WorkerDied("it ended")
        return reply

    def kill(self) -> None:
        """End the worker at once, in the middle of its work."""
        if not self._exited:
            self._exited = True
            self._end()
            self._on_exit()

    async def stop(self) -> None:
        """End the worker, and wait until its tasks have ended."""
        self._end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for replies in self._replies.values():
            replies.put_nowait(None)
        self._links.close()

    async def _run(self, lane: Lane) -> None:
        while True:
            command = await self._commands[lane].get()
            try:
                reply = self._executor.handle(command)
            except (WorkerCrash, DeviceBroken):
                self.kill()
                return
            self._replies[lane].put_nowait(reply)
            # Other tasks, such as those of songs, get their turn between two commands.
            await asyncio.sleep(0)


class InProcessPool:
    """A worker pool with one in-process worker on every device, which implements the protocol of worker pools."""

    def __init__(
        self, devices: Sequence[DeviceSpec], engines: Sequence[EngineSpec], restart_seconds: float = 0.01
    ) -> None:
        """Set up the pool; a lost worker is replaced after `restart_seconds`."""
        self._restart_seconds = restart_seconds
        self._engines = tuple(engines)
        self._availability = EngineAvailability(devices, [engine.name for engine in engines])
        self.workers: dict[str, InProcessWorker] = {}
        """The running workers, by device."""

    @property
    def devices(self) -> tuple[DeviceSpec, ...]:
        return self._availability.devices

    @property
    def engine_names(self) -> tuple[str, ...]:
        return self._availability.engine_names

    def infos(self) -> dict[str, EngineInfo]:
        return self._availability.infos()

    def devices_of(self, engine: str) -> tuple[str, ...]:
        return self._availability.devices_of(engine)

    def engines_on(self, device: str) -> frozenset[str]:
        return self._availability.engines_on(device)

    def require(self, engine: str) -> None:
        self._availability.require(engine)

    def serves_nothing(self, device: str) -> bool:
        return self._availability.serves_nothing(device)

    def sound_of(self, engine: str) -> str:
        return self._availability.sound_of(engine)

    def unavailable(self, engine: str) -> bool:
        return self._availability.unavailable(engine)

    def all_starts_failed(self) -> bool:
        return self._availability.all_starts_failed()

    async def settled(self) -> None:
        await self._availability.settled()

    async def run(self, observer: WorkerPoolObserver) -> None:
        async with asyncio.TaskGroup() as drivers:
            for device in self.devices:
                drivers.create_task(self._drive(device, observer), name=f"drive {device.name}")

    async def _drive(self, device: DeviceSpec, observer: WorkerPoolObserver) -> None:
        while True:
            worker = self._load(device, observer)
            try:
                observer.readiness_changed()
                await observer.serve(device.name, worker)
            except WorkerDied:
                _log.info("the worker of device %s ended", device.name)
            except Exception:
                _log.exception("the worker of device %s failed because of a bug, and is restarted", device.name)
            finally:
                del self.workers[device.name]
                self._availability.lost(device.name)
                observer.readiness_changed()
                await worker.stop()
            observer.worker_restarted(device.name, WorkerDeath.EXITED)
            await asyncio.sleep(self._restart_seconds)

    def _load(self, device: DeviceSpec, observer: WorkerPoolObserver) -> InProcessWorker:
        placed = [engine for engine in self._engines if device.loads(engine.name)]
        engines, failures = load_engines(placed, device.device)
        self._availability.loaded(device.name, ready_message(engines, failures))
        worker = InProcessWorker(device.lanes, engines, lambda: observer.worker_exited(device.name))
        self.workers[device.name] = worker
        return worker
