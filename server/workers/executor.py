"""Runs commands on the loaded engines of one worker."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from model.engine import Engine, SectionConditions, SectionContext, SectionState
from model.song import SongPlan, Window
from server.logs import bound
from server.workers.batch_denoise import denoise
from server.workers.failures import failure_of
from server.workers.messages import (
    Command,
    Done,
    Failed,
    Forget,
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
    SongKey,
    Step,
    Stepped,
    WorkSpan,
)
from server.workers.span_tally import WorkTally


@dataclasses.dataclass(slots=True)
class _Section:
    """What an engine needs to remember between the commands of one section."""

    conditions: SectionConditions
    state: SectionState | None = None
    windows: Iterator[Window] | None = None
    denoising: WorkTally | None = None
    rendering: WorkTally | None = None


@dataclasses.dataclass(slots=True)
class _Song:
    """One attempt at a song; `context` is that of the section before `start`."""

    engine: Engine
    sample_rate_hertz: int
    plan: SongPlan
    start: int
    context: SectionContext | None
    trace: str = ""
    sections: dict[int, _Section] = dataclasses.field(default_factory=dict)


class CommandExecutor:
    """Does commands on loaded engines, known by the names that the server gave them.

    Commands of two lanes may come from two threads at once; those about one section never do.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        clock: Callable[[], float] = time.perf_counter,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`clock` measures in seconds; `now_ns` is the wall clock of spans."""
        self._engines = engines
        self._clock = clock
        self._now_ns = now_ns
        self._songs: dict[SongKey, _Song] = {}

    def handle(self, command: Command) -> Reply:
        """Do one command. Whatever an engine raises becomes a `Failed`, of its own or within a `Stepped`."""
        with bound(**self._names(command)):
            return self._do(command)

    def _names(self, command: Command) -> dict[str, str]:
        """What log lines about the command carry."""
        match command:
            case Plan(song=key, trace=trace):
                return _log_names(key, trace)
            case Prepare(section) | Render(section) | Step(sections=(section,)):
                song = self._songs.get(section.song)
                return _log_names(section.song, song.trace if song else "")
            case _:
                return {}

    def _do(self, command: Command) -> Reply:
        match command:
            case Plan():
                return self._guarded(command.song, lambda: self._plan(command))
            case Prepare(section):
                return self._guarded(section.song, lambda: self._prepare(section))
            case Step(sections):
                return self._step(sections)
            case Render(section):
                return self._guarded(section.song, lambda: self._render(section))
            case Forget(song):
                self._songs.pop(song, None)
                return Done()
            case Ping():
                return Done()

    def _guarded(self, song: SongKey, work: Callable[[], Reply]) -> Reply:
        try:
            return work()
        except Exception as error:
            return Failed(song, failure_of(error))

    def _plan(self, command: Plan) -> Planned:
        started = self._clock()
        engine = self._engines[command.engine]
        plan = engine.plan(command.params)
        context = engine.restore(plan, command.index - 1, command.saved) if command.index else None
        song = _Song(engine, engine.info().sample_rate_hertz, plan, command.index, context, command.trace)
        self._songs[command.song] = song
        public = dataclasses.replace(plan, detail=None)
        seconds = self._clock() - started
        spans = self._span(command.song, None, "plan", seconds)
        return Planned(command.song, public, song.sample_rate_hertz, seconds, spans)

    def _prepare(self, section: SectionKey) -> Prepared:
        started = self._clock()
        song = self._songs[section.song]
        made = song.engine.prepare(song.plan, section.index)
        song.sections[section.index] = _Section(made)
        seconds = self._clock() - started
        spans = self._span(section.song, section.index, "prepare", seconds)
        return Prepared(section, made.cost, made.length, made.steps, made.memory_bytes, made.group, seconds, spans)

    def _step(self, keys: Sequence[SectionKey]) -> Stepped:
        started = self._clock()
        failures: list[Failed] = []
        ready: list[tuple[SectionKey, SectionState]] = []
        for key in keys:
            try:
                ready.append((key, self._opened(key)))
            except Exception as error:
                failures.append(Failed(key.song, failure_of(error)))
        if not ready:
            return Stepped((), tuple(failures), self._clock() - started)
        tokens = sum(self._songs[key.song].sections[key.index].conditions.cost for key, _ in ready)
        states = [state for _, state in ready]
        errors, fits = denoise(self._songs[ready[0][0].song].engine, states)
        outcomes = list(zip(ready, errors, strict=True))
        failures += [Failed(key.song, failure_of(error)) for (key, _), error in outcomes if error is not None]
        done = tuple(SectionStep(key, state.step, state.steps) for (key, state), error in outcomes if error is None)
        seconds = self._clock() - started
        spans = tuple(span for step in done for span in self._step_spans(step, len(states), seconds))
        return Stepped(done, tuple(failures), seconds, tokens, fits if fits < len(states) else None, spans)

    def _span(self, key: SongKey, section: int | None, name: str, seconds: float) -> tuple[WorkSpan, ...]:
        if not self._songs[key].trace:
            return ()
        tally = WorkTally(name, self._now_ns)
        tally.add(seconds)
        return (tally.span(key, section),)

    def _step_spans(self, step: SectionStep, batch: int, seconds: float) -> tuple[WorkSpan, ...]:
        (song, index), last = step.section, step.step >= step.steps
        if not self._songs[song].trace:
            return ()
        section = self._songs[song].sections[index]
        tally = section.denoising = section.denoising or WorkTally("denoise", self._now_ns)
        tally.add(seconds, batch)
        told: dict[str, int | tuple[int, ...]] = {
            "melisma.steps": len(tally.batches),
            "melisma.batch_sections": tuple(tally.batches),
        }
        return (tally.span(song, index, told),) if last else ()

    def _window_spans(self, key: SectionKey, seconds: float, *, last: bool) -> tuple[WorkSpan, ...]:
        song, index = key
        if not self._songs[song].trace:
            return ()
        section = self._songs[song].sections[index]
        tally = section.rendering = section.rendering or WorkTally("render", self._now_ns)
        tally.add(seconds)
        return (tally.span(song, index, {"melisma.windows": len(tally.batches) - 1}),) if last else ()

    def _opened(self, key: SectionKey) -> SectionState:
        song = self._songs[key.song]
        section = song.sections[key.index]
        if section.state is None:
            section.state = song.engine.begin(song.plan, key.index, section.conditions, self._context(song, key.index))
        return section.state

    def _context(self, song: _Song, index: int) -> SectionContext | None:
        if index == song.start:
            return song.context
        return song.engine.context(_written(song.sections[index - 1]))

    def _render(self, key: SectionKey) -> Rendered:
        started = self._clock()
        song = self._songs[key.song]
        section = song.sections[key.index]
        state, score, saved = _written(section), None, b""
        if section.windows is None:
            score, section.windows = song.engine.score(state), song.engine.render(state)
        window = next(section.windows, None)
        if window is None:
            song.sections.pop(key.index - 1, None)
            if key.index + 1 < len(song.plan.sections):
                saved = song.engine.save(state)
        pcm = b"" if window is None else window.astype(np.float32, copy=False).tobytes()
        samples = 0 if window is None else window.shape[1]
        seconds = self._clock() - started
        spans = self._window_spans(key, seconds, last=window is None)
        return Rendered(key, pcm, samples, song.sample_rate_hertz, window is None, seconds, score, saved, spans)


def _log_names(song: SongKey, trace: str) -> dict[str, str]:
    return {"song_id": song.song_id, **({"trace_id": trace.split("-")[1]} if trace else {})}


def _written(section: _Section) -> SectionState:
    if section.state is None:
        raise RuntimeError("the section was not denoised. This is a bug.")
    return section.state
