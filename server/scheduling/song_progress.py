"""How far every song is, and what every device has to do: what the scheduler keeps in mind. Pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from model.song import SongParams
from server.scheduling.device_usage import Usage
from server.scheduling.policy import Standing
from server.scheduling.queue_depth import Depth
from server.scheduling.retry import History, Point
from server.scheduling.step_time import StepModel
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Plan, Prepare, Prepared, Render, SectionKey, SongKey


class Outlet(Protocol):
    """Where a song's sound goes, as far as scheduling cares."""

    @property
    def full(self) -> bool:
        """Whether making more would be pointless for now."""

    @property
    def unsent_seconds(self) -> float:
        """Sound that the listener cannot have played yet, in seconds."""


@dataclass(slots=True)
class SongProgress:
    """One song and its present attempt.

    `start` is the section at which an attempt begins, with what was `saved` at the end of the one before. Steps that
    are on their way count for `denoising` and `step`, the section and its next step; those answered for `denoised`,
    the number of sections written. `sound_seconds` were rendered in all, `boundary_seconds` up to `start`,
    `section_seconds` in the present attempt at the section that is rendered.
    """

    song_id: str
    engine: str
    params: SongParams
    outlet: Outlet
    caller: str
    arrived_at: float
    usage: Usage
    left_seconds: float
    trace: str = ""
    device: str | None = None
    attempt: int = 0
    planned: bool = False
    sections: int = 0
    start: int = 0
    saved: bytes = b""
    prepared: dict[int, Prepared] = field(default_factory=dict)
    denoising: int = 0
    step: int = 0
    denoised: int = 0
    rendering: int = 0
    windows: int = 0
    open: set[int] = field(default_factory=set)
    heard_from: float | None = None
    sound_seconds: float = 0.0
    boundary_seconds: float = 0.0
    section_seconds: float = 0.0
    history: History = field(default_factory=History)

    @property
    def key(self) -> SongKey:
        """Names the present attempt."""
        return SongKey(self.song_id, self.attempt)

    @property
    def resumed(self) -> bool:
        """Whether an attempt has failed."""
        return self.attempt > 0

    def section(self, index: int) -> SectionKey:
        """Names a section of the present attempt."""
        return SectionKey(self.key, index)

    def runs_out_at(self, now: float) -> float | None:
        """When a listener who started with the first window has nothing to hear; `None` while there is no window."""
        if self.heard_from is None:
            return None
        return max(self.heard_from + self.sound_seconds, now + self.outlet.unsent_seconds)

    def standing(self, now: float, share_lead: float) -> Standing:
        """What the policy knows of the song."""
        return Standing(self.song_id, self.arrived_at, self.runs_out_at(now), share_lead)

    def to_prepare(self, ahead: int) -> int | None:
        """The section to be prepared, `ahead` sections behind the one being denoised; no further than the next one."""
        index = self.denoising + ahead
        missing = self.planned and index < self.sections and index not in self.prepared
        return index if missing and index <= self.rendering + 1 else None

    def can_render(self) -> bool:
        """Whether a section is written and not rendered."""
        return self.planned and self.rendering < self.denoised

    def can_denoise(self, *, ahead: int) -> bool:
        """Whether a step is due, at most `ahead` sections behind the one being rendered."""
        return self.planned and self.denoising <= self.rendering + ahead and self.denoising in self.prepared

    def issue_step(self) -> None:
        """Take the step that is due for done: what comes next may be decided while it is on its way."""
        self.open.add(self.denoising)
        self.step += 1
        if self.step >= self.prepared[self.denoising].steps:
            self.denoising, self.step = self.denoising + 1, 0

    def hear(self, now: float, seconds: float) -> None:
        """Take a window for heard. A listener who had run dry starts again with it."""
        runs_out_at = self.runs_out_at(now)
        if self.heard_from is None or runs_out_at is None:
            self.heard_from = now
        elif runs_out_at < now:
            self.heard_from += now - runs_out_at
        self.windows += 1
        self.section_seconds += seconds
        self.sound_seconds = max(self.sound_seconds, self.boundary_seconds + self.section_seconds)

    def finish_section(self, saved: bytes) -> None:
        """Note that a section is rendered to its end: from here another attempt would go on."""
        self.open.discard(self.rendering)
        self.prepared.pop(self.rendering, None)
        self.rendering += 1
        self.start, self.saved = self.rendering, saved
        self.boundary_seconds, self.section_seconds, self.windows = self.sound_seconds, 0.0, 0
        self.history.section_done()

    def restart(self) -> None:
        """Go back to the last section boundary."""
        self.attempt += 1
        self.planned, self.denoising, self.denoised, self.rendering = False, self.start, self.start, self.start
        self.step = self.windows = 0
        self.section_seconds = 0.0
        self.prepared.clear()
        self.open.clear()


@dataclass(frozen=True, slots=True)
class Issued:
    """A command on its way, and where each of its songs was when it was given out."""

    command: Command
    points: Mapping[str, Point]


@dataclass(slots=True)
class DeviceProgress:
    """One device, the songs that have a place on it, and what it was given to do.

    It has memory for `fits` sections at once, as far as is known; its songs need about `left_seconds` of it.
    """

    spec: DeviceSpec
    engines: frozenset[str] = frozenset()
    songs: dict[str, SongProgress] = field(default_factory=dict)
    forgotten: deque[SongKey] = field(default_factory=deque)
    busy: dict[Lane, deque[Issued]] = field(default_factory=dict)
    steps: StepModel = field(default_factory=StepModel)
    fits: int = 0
    steps_that_fit: int = 0
    left_seconds: float = 0.0

    def held_bytes(self) -> int:
        """Memory of the sections that are open."""
        return sum(song.prepared[index].memory_bytes for song in self.songs.values() for index in song.open)


def depth_of(songs: Sequence[SongProgress]) -> Depth:
    """How much there is to do for songs of one engine."""
    running = [song for song in songs if song.device is not None]
    opened = sum(len(song.open) for song in running)
    left = sum(song.sections - song.rendering for song in running)
    return Depth(len(songs) - len(running), len(running), opened, left - opened)


def side_command_of(song: SongProgress, ahead: int) -> Command | None:
    """What the song needs besides a step: its plan, a window of sound, or a section prepared."""
    if not song.planned:
        return Plan(song.key, song.engine, song.params, song.start, song.saved, song.trace) if not ahead else None
    if song.can_render() and not ahead:
        return Render(song.section(song.rendering))
    index = song.to_prepare(ahead)
    return None if index is None else Prepare(song.section(index))


def joining_command_of(song: SongProgress) -> Command | None:
    """What a song needs before it can join a step."""
    if not song.planned:
        return Plan(song.key, song.engine, song.params, song.start, song.saved, song.trace)
    index = None if song.can_render() else song.to_prepare(0)
    return None if index is None else Prepare(song.section(index))
