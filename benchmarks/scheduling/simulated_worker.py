"""A simulated worker: computes the time that each command takes, and the reply to it."""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence

from benchmarks.scheduling.presets import DeviceModel
from model.song import SectionKind, SectionPlan, SongPlan
from server.workers.messages import (
    Command,
    Done,
    Ping,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Release,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SectionStep,
    Step,
    Stepped,
)

RATE_HERTZ = 1000


class SimulatedWorker:
    """Simulated worker: answers commands for songs of given lengths, as a device of the `DeviceModel` would."""

    def __init__(self, model: DeviceModel) -> None:
        self._model = model
        self._lengths: dict[str, list[float]] = {}
        self._windows: dict[SectionKey, deque[float]] = {}
        self._done_steps: dict[SectionKey, int] = {}

    def expect(self, song_id: str, seconds: float) -> None:
        """Register a song of `seconds`, divided into sections."""
        self._lengths[song_id] = section_lengths(seconds, self._model.section_seconds)

    def seconds(self, command: Command) -> float:
        """Return the device seconds that a command takes on the simulated device."""
        model = self._model
        match command:
            case Plan():
                return model.plan_seconds
            case Prepare():
                return model.prepare_seconds
            case Step(sections, steps):
                tokens = sum(self._cost(section) for section in sections)
                return steps * (model.step_seconds + model.token_seconds * tokens)
            case Render(section, windows):
                return model.render_seconds * sum(self.next_windows(section, windows))
            case Release() | Ping():
                return 0.0

    def reply(self, command: Command, seconds: float) -> Reply:
        """Return the reply to a command that took `seconds`."""
        match command:
            case Plan(song):
                return Planned(song, plan_of(self._model.name, self._lengths[song.song_id]), RATE_HERTZ, seconds)
            case Prepare(section):
                length = self._length(section)
                return Prepared(section, self._cost(section), length, self._model.steps, 0, "", seconds)
            case Step(sections, steps):
                done = tuple(self._stepped(section, steps) for section in sections)
                return Stepped(done, (), seconds, steps=steps)
            case Render(section, windows):
                return self._rendered(section, windows, seconds)
            case Release() | Ping():
                return Done()

    def next_windows(self, section: SectionKey, windows: int) -> Sequence[float]:
        """Return the lengths in seconds of the windows that the command `Render` would render next; empty after the
        last one.
        """
        return tuple(itertools.islice(self._left(section), windows))

    def _stepped(self, section: SectionKey, steps: int) -> SectionStep:
        self._done_steps[section] = step = self._done_steps.get(section, 0) + steps
        return SectionStep(section, step, self._model.steps)

    def _rendered(self, section: SectionKey, windows: int, seconds: float) -> Rendered:
        made, left = self.next_windows(section, windows), self._left(section)
        for _ in made:
            left.popleft()
        samples = round(sum(made) * RATE_HERTZ)
        return Rendered(section, samples, RATE_HERTZ, len(made) < windows, seconds, windows=len(made))

    def _left(self, section: SectionKey) -> deque[float]:
        """Return the windows of a section that are not rendered yet."""
        if section not in self._windows:
            model, length = self._model, self._lengths[section.song.song_id][section.index]
            first = model.first_window_seconds if section.index == 0 else model.window_seconds
            self._windows[section] = deque(windows_of(length, first, model.window_seconds))
        return self._windows[section]

    def _length(self, section: SectionKey) -> int:
        seconds = self._lengths[section.song.song_id][section.index]
        return max(1, round(seconds * self._model.tokens_per_second))

    def _cost(self, section: SectionKey) -> int:
        return round(self._length(section) * self._model.rows)


def section_lengths(seconds: float, section_seconds: float) -> list[float]:
    """Return the lengths of equal sections of about `section_seconds` that a song is divided into."""
    count = max(1, round(seconds / section_seconds))
    return [seconds / count] * count


def windows_of(seconds: float, first: float, following: float) -> Iterator[float]:
    """Yield the lengths in seconds of the windows into which the sound of a section of `seconds` is divided: one of
    `first`, then windows of `following`; the last one is shorter if needed.
    """
    left, size = seconds, first
    while left > 1e-9:
        yield min(size, left)
        left, size = left - min(size, left), following


def plan_of(engine: str, lengths: Sequence[float]) -> SongPlan:
    """Return a plan of a song for `engine`, with sections of the given `lengths` in seconds."""
    starts = itertools.accumulate(lengths, initial=0.0)
    sections = tuple(
        SectionPlan(index, SectionKind.VERSE, "", start, length)
        for index, (start, length) in enumerate(zip(starts, lengths, strict=False))
    )
    return SongPlan(engine, 0, 0, 1.0, sum(lengths), sections)
