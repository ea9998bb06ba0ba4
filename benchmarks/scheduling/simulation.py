"""A pool of devices, its songs and their listeners in simulated time, served by the real scheduler.

Devices are nothing but the time that they take; everything that is decided, server/scheduling/scheduler.py decides.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.scheduling.dispatchers import Dispatcher
from benchmarks.scheduling.presets import DeviceModel
from benchmarks.scheduling.simulated_worker import SimulatedWorker
from model.song import SongParams
from server.generation.jobs.playback import Playback
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Render, Reply, Step


@dataclass(slots=True)
class Listener:
    """What one song was like for the one who hears it."""

    arrived_at: float
    seconds: float
    first_audio_seconds: float | None = None
    playback: Playback = field(default_factory=Playback)

    def hear(self, now: float, seconds: float) -> None:
        """Take sound that arrives now."""
        if self.first_audio_seconds is None:
            self.first_audio_seconds = now - self.arrived_at
        self.playback.add(now, seconds)


@dataclass(slots=True)
class _Device:
    free_at: float = 0.0
    idle: set[Lane] = field(default_factory=set)


class Simulation:
    """Runs songs that arrive at given times through a dispatcher; `now` is its clock."""

    def __init__(self, model: DeviceModel, specs: Sequence[DeviceSpec]) -> None:
        self.now = 0.0
        self.listeners: dict[str, Listener] = {}
        self.sound: list[tuple[float, float]] = []
        self.sections_stepped = 0
        self.steps = 0
        self._model = model
        self._devices = {spec.name: _Device(idle=set(spec.lanes)) for spec in specs}
        self._worker = SimulatedWorker(model)
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def run(self, dispatcher: Dispatcher, arrivals: Sequence[tuple[float, float]], until: float) -> None:
        """Let songs of so many seconds arrive at their times (both in seconds) and stop at `until`."""
        for number, (at, seconds) in enumerate(arrivals):
            self._at(at, lambda n=number, s=seconds: self._arrive(dispatcher, f"song-{n}", s))  # type: ignore[misc]
        while self._heap and self._heap[0][0] <= until:
            self.now, _, event = heapq.heappop(self._heap)
            event()

    def _at(self, time: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (time, next(self._count), event))

    def _arrive(self, dispatcher: Dispatcher, song_id: str, seconds: float) -> None:
        self.expect(song_id, seconds)
        params = SongParams("", "", 0, duration_seconds=seconds)
        for device in dispatcher.arrive(song_id, params):
            self._serve(dispatcher, device)

    def expect(self, song_id: str, seconds: float) -> None:
        """Lay out a song that arrives now."""
        self.listeners[song_id] = Listener(self.now, seconds)
        self._worker.expect(song_id, seconds)

    def reply(self, command: Command) -> Reply:
        """What the device would answer, in no time."""
        return self._reply(command, self._worker.seconds(command))

    def _serve(self, dispatcher: Dispatcher, name: str) -> None:
        device = self._devices[name]
        for lane in tuple(device.idle):
            command = dispatcher.next_command(name, lane)
            if command is None:
                continue
            device.idle.discard(lane)
            seconds = self._worker.seconds(command)
            begins = max(self.now + self._model.exchange_seconds, device.free_at)
            device.free_at = begins + seconds
            self._at(device.free_at, lambda c=command, ln=lane, s=seconds: self._finish(dispatcher, name, ln, c, s))  # type: ignore[misc]

    def _finish(self, dispatcher: Dispatcher, name: str, lane: Lane, command: Command, seconds: float) -> None:
        dispatcher.done(name, self._reply(command, seconds), lane)
        self._devices[name].idle.add(lane)
        self._serve(dispatcher, name)

    def _reply(self, command: Command, seconds: float) -> Reply:
        match command:
            case Step(sections):
                self.steps, self.sections_stepped = self.steps + 1, self.sections_stepped + len(sections)
            case Render(section):
                self._hear(section.song.song_id, self._worker.next_window(section))
        return self._worker.reply(command, seconds)

    def _hear(self, song_id: str, window_seconds: float) -> None:
        if window_seconds:
            arrives_at = self.now + self._model.encode_seconds * window_seconds
            self.listeners[song_id].hear(arrives_at, window_seconds)
            self.sound.append((self.now, window_seconds))
