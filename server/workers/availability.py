"""Tracks the devices on which each engine is ready, and the reasons why the engine is not ready on other devices."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from model.engine import EngineInfo
from server.errors import EngineNotReady, UnknownEngine, WorkerLost
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Failure, Fault, Ready

_MANY_FAILED_STARTS = 5


@dataclass(slots=True)
class _Device:
    spec: DeviceSpec
    ready: Ready | None = None
    started_before: bool = False
    failed_starts: int = 0

    def info(self, engine: str) -> EngineInfo | None:
        infos = self.ready.engines if self.ready else ()
        return next((info for info in infos if info.name == engine), None)

    def failure(self, engine: str) -> Failure | None:
        return self.ready.failures.get(engine) if self.ready else None

    def sound(self, engine: str) -> str:
        return self.ready.sounds.get(engine, "") if self.ready else ""

    @property
    def tried(self) -> bool:
        return self.started_before or self.failed_starts > 0


class EngineAvailability:
    """Tracks the engines that each device has loaded. The worker pool records here every start and end of a worker.

    The query methods are those of `server.workers.base.WorkerPool`.
    """

    def __init__(self, devices: Sequence[DeviceSpec], engine_names: Sequence[str]) -> None:
        """Set up the tracking, with no engine ready; `engine_names` are in the order of the settings."""
        self._devices = {spec.name: _Device(spec) for spec in devices}
        self._settled = asyncio.Event()
        self.engine_names = tuple(engine_names)

    @property
    def devices(self) -> tuple[DeviceSpec, ...]:
        """The configured devices; each has at most one worker."""
        return tuple(device.spec for device in self._devices.values())

    def loaded(self, device: str, ready: Ready) -> None:
        """Record that the worker of `device` has loaded its engines, as its first message says."""
        state = self._devices[device]
        state.ready, state.started_before, state.failed_starts = ready, True, 0
        self._settle()

    def start_failed(self, device: str) -> None:
        """Record that a worker of `device` ended before it had loaded its engines."""
        self._devices[device].failed_starts += 1
        self._settle()

    def lost(self, device: str) -> None:
        """Record that `device` has no worker now."""
        self._devices[device].ready = None

    def failed_starts(self, device: str) -> int:
        """Return the number of failed starts of a device's worker since the last successful start."""
        return self._devices[device].failed_starts

    def infos(self) -> dict[str, EngineInfo]:
        """Return the properties of the engines that are ready on some device, by name, in the order of the settings."""
        infos = ((name, device.info(name)) for name in self.engine_names for device in self._devices.values())
        return {name: info for name, info in infos if info is not None}

    def devices_of(self, engine: str) -> tuple[str, ...]:
        """Return the names of the devices on which `engine` is ready."""
        return tuple(name for name, device in self._devices.items() if device.info(engine) is not None)

    def engines_on(self, device: str) -> frozenset[str]:
        """Return the names of the engines that are ready on `device`."""
        ready = self._devices[device].ready
        return frozenset(info.name for info in ready.engines) if ready else frozenset()

    def serves_nothing(self, device: str) -> bool:
        """Return True if the worker of `device` has loaded no engine, or if the last start of a worker has failed."""
        state = self._devices[device]
        return state.failed_starts > 0 or (state.ready is not None and not state.ready.engines)

    def require(self, engine: str) -> None:
        """Raise an error unless `engine` is ready on some device.

        Raises:
            UnknownEngine: the engine is not configured.
            EngineNotReady: the engine is still loading, or could not be loaded; the text says what to do.
            WorkerLost: the engine was ready, and its worker is being restarted.
        """
        if engine not in self.engine_names:
            raise UnknownEngine(engine, self.engine_names)
        if self.devices_of(engine):
            return
        failures = [failure for device in self._devices.values() if (failure := device.failure(engine)) is not None]
        if failures:
            raise EngineNotReady(_sentence(engine, failures[0]))
        homes = self._homes(engine)
        if not homes:
            raise EngineNotReady(f"engine {engine!r} has no device: name the engine in MELISMA_DEVICES")
        if any(device.tried for device in homes):
            raise WorkerLost(f"the worker of engine {engine!r} is being restarted: try again in a moment")
        raise EngineNotReady(f"engine {engine!r} is still being loaded: try again later")

    def sound_of(self, engine: str) -> str:
        """Return the sound fingerprint of `engine` (a hash of a test song) if it is the same on all its devices;
        otherwise an empty string.
        """
        sounds = {device.sound(engine) for device in self._devices.values() if device.info(engine) is not None}
        return sounds.pop() if len(sounds) == 1 else ""

    def unavailable(self, engine: str) -> bool:
        """Return True if `engine` is ready on no device and every one of its devices has already tried to load it.
        Waiting songs should then fail.
        """
        return all(
            device.info(engine) is None and (device.ready is not None or device.failed_starts > 0)
            for device in self._homes(engine)
        )

    def all_starts_failed(self) -> bool:
        """Return True if no device has a worker and the start has failed many times on each device, so that the server
        should be restarted.
        """
        return all(device.failed_starts >= _MANY_FAILED_STARTS for device in self._devices.values())

    async def settled(self) -> None:
        """Wait until each device has loaded its engines or has failed to do so once."""
        await self._settled.wait()

    def _homes(self, engine: str) -> list[_Device]:
        return [device for device in self._devices.values() if device.spec.loads(engine)]

    def _settle(self) -> None:
        if all(device.tried for device in self._devices.values()):
            self._settled.set()


def _sentence(engine: str, failure: Failure) -> str:
    if failure.fault is Fault.BUG:
        return f"engine {engine!r} could not be loaded: see the cause in the server's log"
    return failure.text
