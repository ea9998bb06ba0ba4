"""A pool of devices, its songs and their listeners in simulated time, served by the real scheduler.

Devices are nothing but the time that they take; everything that is decided, server/scheduling/scheduler.py decides.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from model.song import SectionKind, SectionPlan, SongParams, SongPlan
from server.generation.playback import Playback
from server.scheduling.policy import Policy
from server.scheduling.scheduler import Scheduler
from server.workers.device_spec import DeviceSpec
from server.workers.messages import (
    Command,
    Done,
    Forget,
    Lane,
    Ping,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SectionStep,
    Step,
    Stepped,
)

ENGINE = "simulated"
RATE_HERTZ = 1000


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """What commands take on one device, in seconds; a step takes `step_seconds` and `token_seconds` for every token.

    A song has sections of about `section_seconds`, `tokens_per_second` of sound in each of its `rows`, and windows of
    `window_seconds`, the first one `first_window_seconds`. `exchange_seconds` pass with every command while the device
    does nothing. With two lanes rendering hides the exchanges, but it takes the same device.
    """

    name: str
    step_seconds: float
    token_seconds: float
    steps: int
    tokens_per_second: float
    rows: float
    section_seconds: float
    plan_seconds: float
    prepare_seconds: float
    render_seconds: float
    window_seconds: float
    first_window_seconds: float
    encode_seconds: float
    exchange_seconds: float
    lanes: tuple[Lane, ...]
    batch_tokens: int
    assumptions: str


class Outlet:
    """A listener who takes everything at once."""

    full = False
    unsent_seconds = 0.0


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


class Dispatcher(Protocol):
    """What decides in front of the scheduler."""

    def arrive(self, song_id: str, params: SongParams) -> Sequence[str]:
        """Take a song in; the devices that may have got something to do."""

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """As `Scheduler.next_command`."""

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """As `Scheduler.done`."""


class Continuous:
    """One scheduler for the pool: songs join and leave at every step."""

    def __init__(self, specs: Sequence[DeviceSpec], policy: Policy, clock: Callable[[], float], work_seconds: float):
        self._scheduler = Scheduler(specs, policy=policy, clock=clock)
        self._work_seconds = work_seconds
        for spec in specs:
            self._scheduler.open(spec.name, (ENGINE,))

    def arrive(self, song_id: str, params: SongParams) -> Sequence[str]:
        """Hand the song on."""
        work_seconds = self._work_seconds * (params.duration_seconds or 0.0)
        self._scheduler.add(song_id, ENGINE, params, Outlet(), work_seconds=work_seconds)
        device = self._scheduler.device_of(song_id)
        return () if device is None else (device,)

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """Ask the scheduler."""
        return self._scheduler.next_command(device, lane)

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """Tell the scheduler."""
        self._scheduler.done(device, reply, lane)


class WholeBatches:
    """Batching by requests: a device takes songs only when it has none, and then as many as it may."""

    def __init__(self, specs: Sequence[DeviceSpec], policy: Policy, clock: Callable[[], float], batch_songs: int):
        self._schedulers = {spec.name: Scheduler((spec,), policy=policy, clock=clock) for spec in specs}
        self._queue: deque[tuple[str, SongParams]] = deque()
        self._running = {spec.name: set[str]() for spec in specs}
        self._batch_songs = batch_songs
        for name, scheduler in self._schedulers.items():
            scheduler.open(name, (ENGINE,))

    def arrive(self, song_id: str, params: SongParams) -> Sequence[str]:
        """Queue the song, and begin a batch on a device that has none."""
        self._queue.append((song_id, params))
        idle = next((name for name, running in self._running.items() if not running), None)
        if idle is None:
            return ()
        self._begin(idle)
        return (idle,)

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """Ask the device's own scheduler."""
        return self._schedulers[device].next_command(device, lane)

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """Tell it, and begin the next batch after the last song of this one."""
        scheduler, running = self._schedulers[device], self._running[device]
        scheduler.done(device, reply, lane)
        if isinstance(reply, Rendered) and reply.last and scheduler.device_of(reply.section.song.song_id) is None:
            running.discard(reply.section.song.song_id)
            if not running:
                self._begin(device)

    def _begin(self, device: str) -> None:
        for song_id, params in itertools.islice(iter(self._take, None), self._batch_songs):
            self._running[device].add(song_id)
            self._schedulers[device].add(song_id, ENGINE, params, Outlet())

    def _take(self) -> tuple[str, SongParams] | None:
        return self._queue.popleft() if self._queue else None


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
        self._lengths: dict[str, list[float]] = {}
        self._windows: dict[SectionKey, Iterator[float]] = {}
        self._done_steps: dict[SectionKey, int] = {}
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
        self._lengths[song_id] = section_lengths(seconds, self._model.section_seconds)

    def reply(self, command: Command) -> Reply:
        """What the device would answer, in no time."""
        return self._reply(command, self._seconds(command))

    def _serve(self, dispatcher: Dispatcher, name: str) -> None:
        device = self._devices[name]
        for lane in tuple(device.idle):
            command = dispatcher.next_command(name, lane)
            if command is None:
                continue
            device.idle.discard(lane)
            seconds = self._seconds(command)
            begins = max(self.now + self._model.exchange_seconds, device.free_at)
            device.free_at = begins + seconds
            self._at(device.free_at, lambda c=command, ln=lane, s=seconds: self._finish(dispatcher, name, ln, c, s))  # type: ignore[misc]

    def _finish(self, dispatcher: Dispatcher, name: str, lane: Lane, command: Command, seconds: float) -> None:
        dispatcher.done(name, self._reply(command, seconds), lane)
        self._devices[name].idle.add(lane)
        self._serve(dispatcher, name)

    def _seconds(self, command: Command) -> float:
        model = self._model
        match command:
            case Plan():
                return model.plan_seconds
            case Prepare():
                return model.prepare_seconds
            case Step(sections):
                return model.step_seconds + model.token_seconds * sum(self._cost(section) for section in sections)
            case Render(section):
                return model.render_seconds * self._next_window(section)
            case Forget() | Ping():
                return 0.0

    def _reply(self, command: Command, seconds: float) -> Reply:
        match command:
            case Plan(song):
                return Planned(song, plan_of(self._lengths[song.song_id]), RATE_HERTZ, seconds)
            case Prepare(section):
                length = self._length(section)
                return Prepared(section, self._cost(section), length, self._model.steps, 0, "", seconds)
            case Step(sections):
                self.steps, self.sections_stepped = self.steps + 1, self.sections_stepped + len(sections)
                return Stepped(tuple(map(self._stepped, sections)), (), seconds)
            case Render(section):
                return self._rendered(section, seconds)
            case Forget() | Ping():
                return Done()

    def _stepped(self, section: SectionKey) -> SectionStep:
        self._done_steps[section] = step = self._done_steps.get(section, 0) + 1
        return SectionStep(section, step, self._model.steps)

    def _rendered(self, section: SectionKey, seconds: float) -> Rendered:
        window = next(self._windows[section], 0.0)
        listener = self.listeners[section.song.song_id]
        if window:
            listener.hear(self.now + self._model.encode_seconds * window, window)
            self.sound.append((self.now, window))
        return Rendered(section, b"", round(window * RATE_HERTZ), RATE_HERTZ, not window, seconds)

    def _next_window(self, section: SectionKey) -> float:
        model, length = self._model, self._lengths[section.song.song_id][section.index]
        if section not in self._windows:
            first = model.first_window_seconds if section.index == 0 else model.window_seconds
            self._windows[section] = windows_of(length, first, model.window_seconds)
        head = next(self._windows[section], 0.0)
        self._windows[section] = itertools.chain((head,) if head else (), self._windows[section])
        return head

    def _length(self, section: SectionKey) -> int:
        seconds = self._lengths[section.song.song_id][section.index]
        return max(1, round(seconds * self._model.tokens_per_second))

    def _cost(self, section: SectionKey) -> int:
        return round(self._length(section) * self._model.rows)


def section_lengths(seconds: float, section_seconds: float) -> list[float]:
    """A song cut into equal sections of about `section_seconds`."""
    count = max(1, round(seconds / section_seconds))
    return [seconds / count] * count


def windows_of(seconds: float, first: float, following: float) -> Iterator[float]:
    """A section cut into windows, the last one what is left."""
    left, size = seconds, first
    while left > 1e-9:
        yield min(size, left)
        left, size = left - min(size, left), following


def plan_of(lengths: Sequence[float]) -> SongPlan:
    """A plan of so many sections."""
    starts = itertools.accumulate(lengths, initial=0.0)
    sections = tuple(
        SectionPlan(index, SectionKind.VERSE, "", start, length)
        for index, (start, length) in enumerate(zip(starts, lengths, strict=False))
    )
    return SongPlan(ENGINE, 0, 0, 1.0, sum(lengths), sections)


PRESETS: Mapping[str, DeviceModel] = {
    "studio": DeviceModel(
        name="studio",
        step_seconds=0.0032,
        token_seconds=5.2e-5,
        steps=12,
        tokens_per_second=2.8,
        rows=2.0,
        section_seconds=8.6,
        plan_seconds=0.006,
        prepare_seconds=0.004,
        render_seconds=0.02,
        window_seconds=1.0,
        first_window_seconds=0.5,
        encode_seconds=0.02,
        exchange_seconds=0.0005,
        lanes=(Lane.BOTH,),
        batch_tokens=8192,
        assumptions="fitted to a core of the machine of the README's figures; encoding has cores of its own",
    ),
    "ace_step_h100": DeviceModel(
        name="ace_step_h100",
        step_seconds=0.008,
        token_seconds=4.29e9 / 132e12,
        steps=27,
        tokens_per_second=10.77,
        rows=1.5,
        section_seconds=15.0,
        plan_seconds=0.005,
        prepare_seconds=0.03,
        render_seconds=0.0025,
        window_seconds=2.0,
        first_window_seconds=1.0,
        encode_seconds=0.02,
        exchange_seconds=0.0005,
        lanes=(Lane.DENOISE, Lane.RENDER),
        batch_tokens=4096,
        assumptions="4.29 GFLOP for each latent frame and row (10.77 frames/s; guidance in the middle half: 1.5 "
        "rows), 132 TFLOP/s sustained: twice the 66 that the published A100 figure amounts to; 8 ms of launches for "
        "each step; sections of 15 s with 27 steps; decoding 20 TFLOP for 60 s, on the same GPU. Nothing of it was "
        "measured here",
    ),
    "pretend": DeviceModel(
        name="pretend",
        step_seconds=0.02,
        token_seconds=0.0,
        steps=5,
        tokens_per_second=1.0,
        rows=1.0,
        section_seconds=1.0,
        plan_seconds=0.0,
        prepare_seconds=0.0,
        render_seconds=0.0,
        window_seconds=1.0,
        first_window_seconds=1.0,
        encode_seconds=0.0,
        exchange_seconds=0.0005,
        lanes=(Lane.DENOISE, Lane.RENDER),
        batch_tokens=32,
        assumptions="20 ms for every step, whatever the batch up to 32",
    ),
}
"""Devices whose time is known."""
