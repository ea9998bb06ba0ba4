"""Simulates a pool of devices with songs, encoders and listeners in simulated time, served by the real scheduler.

Devices are represented by the durations of their commands; all decisions are made by server/scheduling/scheduler.py.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.scheduling.dispatchers import Dispatcher
from benchmarks.scheduling.encoders import Encoders
from benchmarks.scheduling.listener import Listener
from benchmarks.scheduling.pool import Pool, engine_of
from benchmarks.scheduling.presets import DeviceModel
from benchmarks.scheduling.simulated_worker import SimulatedWorker
from benchmarks.scheduling.traffic import ArrivingSong
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Render, Reply, Step

_MAX_UNENCODED_SECONDS = 4.0


@dataclass(slots=True)
class SongSink:
    """The sink of a song whose listener reads everything as soon as it is encoded. `unsent_seconds` is the length of
    the sound that is rendered but not yet encoded, and `repeats` is True while the song repeats sound that its listener
    already has.
    """

    has_listener: bool = True
    unsent_seconds: float = 0.0
    repeats: bool = False

    @property
    def full(self) -> bool:
        """True while the encoder has enough work of the song."""
        return self.unsent_seconds >= _MAX_UNENCODED_SECONDS


@dataclass(slots=True)
class _Device:
    model: DeviceModel
    worker: SimulatedWorker
    free_at: float = 0.0
    idle: set[Lane] = field(default_factory=set)


class Simulation:
    """A simulation in which songs arrive at given times and a dispatcher assigns them to devices; `now` is the
    simulated time.
    """

    def __init__(self, pool: Pool, specs: Sequence[DeviceSpec]) -> None:
        self.now = 0.0
        self.listeners: dict[str, Listener] = {}
        self.sound_seconds = 0.0
        self.sections_stepped = 0
        self.steps = 0
        self.encoders = Encoders(pool.encoders, lambda seconds, event: self._at(self.now + seconds, event))
        self._workers = {engine: SimulatedWorker(model) for engine, model in pool.engines.items()}
        self._devices = {spec.name: self._device(pool, spec) for spec in specs}
        self._sinks: dict[str, SongSink] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def _device(self, pool: Pool, spec: DeviceSpec) -> _Device:
        engine = engine_of(spec)
        return _Device(pool.engines[engine], self._workers[engine], idle=set(spec.lanes))

    def run(self, dispatcher: Dispatcher, songs: Sequence[ArrivingSong], until: float) -> None:
        """Simulate songs that arrive at given times, until the time `until`."""
        for number, song in enumerate(songs):
            self._at(song.at, lambda n=number, s=song: self._arrive(dispatcher, f"song-{n}", s))  # type: ignore[misc]
        while self._heap and self._heap[0][0] <= until:
            self.now, _, event = heapq.heappop(self._heap)
            event()
        for listener in self.listeners.values():
            listener.stop(until)

    def _at(self, time: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (time, next(self._count), event))

    def _arrive(self, dispatcher: Dispatcher, song_id: str, song: ArrivingSong) -> None:
        for device in dispatcher.arrive(song_id, song, self.expect(song_id, song)):
            self._serve(dispatcher, device)

    def expect(self, song_id: str, song: ArrivingSong) -> SongSink:
        """Register a song that arrives now, with its listener, and return the sink that takes its sound."""
        self.listeners[song_id] = Listener(self.now, song.seconds, song.has_listener)
        self._workers[song.engine].expect(song_id, song.seconds)
        self._sinks[song_id] = sink = SongSink(song.has_listener)
        return sink

    def reply(self, device: str, command: Command) -> Reply:
        """Return the reply of the device to a command without simulating its duration; its sound is dropped."""
        worker = self._devices[device].worker
        return worker.reply(command, worker.seconds(command))

    def _serve(self, dispatcher: Dispatcher, name: str) -> None:
        device = self._devices[name]
        for lane in tuple(device.idle):
            command = dispatcher.next_command(name, lane)
            if command is None:
                continue
            device.idle.discard(lane)
            seconds = device.worker.seconds(command)
            begins = max(self.now + device.model.exchange_seconds, device.free_at)
            device.free_at = begins + seconds
            self._at(device.free_at, lambda c=command, ln=lane, s=seconds: self._finish(dispatcher, name, ln, c, s))  # type: ignore[misc]

    def _finish(self, dispatcher: Dispatcher, name: str, lane: Lane, command: Command, seconds: float) -> None:
        device = self._devices[name]
        match command:
            case Step(sections, steps):
                self.steps, self.sections_stepped = self.steps + steps, self.sections_stepped + steps * len(sections)
            case Render(section, windows):
                for window_seconds in device.worker.next_windows(section, windows):
                    self._encode(dispatcher, section.song.song_id, device, window_seconds)
        dispatcher.done(name, device.worker.reply(command, seconds), lane)
        device.idle.add(lane)
        self._serve(dispatcher, name)

    def _encode(self, dispatcher: Dispatcher, song_id: str, device: _Device, window_seconds: float) -> None:
        """Pass a window of `window_seconds` of the song, which `device` has rendered, to the encoders."""
        self.sound_seconds += window_seconds
        self._sinks[song_id].unsent_seconds += window_seconds
        work_seconds = device.model.encode_seconds * window_seconds
        self.encoders.put(song_id, work_seconds, lambda: self._hear(dispatcher, song_id, window_seconds, work_seconds))

    def _hear(self, dispatcher: Dispatcher, song_id: str, window_seconds: float, work_seconds: float) -> None:
        """Deliver an encoded window to its listener; a song that was paused, because too much of its sound waited for
        the encoders, continues.
        """
        dispatcher.encoded(work_seconds, window_seconds)
        sink = self._sinks[song_id]
        was_full = sink.full
        sink.unsent_seconds = max(0.0, sink.unsent_seconds - window_seconds)
        self.listeners[song_id].hear(self.now, window_seconds)
        if was_full and not sink.full and (name := dispatcher.device_of(song_id)):
            self._serve(dispatcher, name)
