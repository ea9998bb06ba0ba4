"""The process that drives one device: each of its lanes receives one command, does it, sends one reply.

The only room of the server that reaches an engine, and through it torch. It knows nothing of other devices, listeners
or time limits; who goes next is decided on the other side of the pipe.
"""

import dataclasses
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import cast

import numpy as np
from threadpoolctl import threadpool_limits

from model.engine import Engine, EngineUnavailable, SectionConditions, SectionContext, SectionState
from model.registry import load_engine
from model.song import InvalidParams, SongPlan, Window
from server.logs import bound, configure_logs
from server.workers.messages import (
    Command,
    Done,
    EngineSpec,
    Failed,
    Failure,
    Fault,
    Forget,
    Ping,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Ready,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SectionStep,
    SongKey,
    Step,
    Stepped,
    WorkerSpec,
    WorkSpan,
)
from server.workers.pipe import PipeClosed, WorkerEnd
from server.workers.span_tally import WorkTally

_SWITCH_SECONDS = 0.0005


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


class Workbench:
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
                pass
            case Prepare(section) | Render(section) | Step(sections=(section,)):
                key = section.song
                trace = self._songs[key].trace if key in self._songs else ""
            case _:
                return {}
        return {"song_id": key.song_id, **({"trace_id": trace.split("-")[1]} if trace else {})}

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


def _written(section: _Section) -> SectionState:
    if section.state is None:
        raise RuntimeError("the section was not denoised. This is a bug.")
    return section.state


def denoise(engine: Engine, states: Sequence[SectionState]) -> tuple[list[Exception | None], int]:
    """Advance every state by one step; the error of each that cannot, and the most states that memory held at once.

    A batch that raises is taken apart, so that a poisoned state costs its neighbours nothing but time; one that does
    not fit into memory is halved.
    """
    before = [state.step for state in states]
    try:
        engine.denoise(states)
    except Exception as error:
        full = is_out_of_memory(error)
        if len(states) == 1:
            return [error], 0 if full else 1
        left = [position for position, state in enumerate(states) if state.step == before[position]]
        return _denoise_apart(engine, states, _parts(left, 2 if full else len(left)), full=full)
    return [None] * len(states), len(states)


def _denoise_apart(
    engine: Engine, states: Sequence[SectionState], parts: Sequence[Sequence[int]], *, full: bool
) -> tuple[list[Exception | None], int]:
    errors: list[Exception | None] = [None] * len(states)
    fits = 0 if full else len(states)
    for part in parts:
        part_errors, part_fits = denoise(engine, [states[position] for position in part])
        for position, error in zip(part, part_errors, strict=True):
            errors[position] = error
        fits = max(fits, part_fits)
    return errors, fits


def _parts(positions: Sequence[int], count: int) -> list[Sequence[int]]:
    size = -(-len(positions) // max(1, count))
    return [positions[start : start + size] for start in range(0, len(positions), max(1, size))]


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device had no memory for what was asked; torch says so in an error of its own."""
    torch = sys.modules.get("torch")
    return isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError))


def failure_of(error: Exception) -> Failure:
    """Tell the caller's faults, missing pieces and lack of memory from bugs; bugs carry their traceback."""
    match error:
        case InvalidParams():
            return Failure(Fault.CALLER, str(error), error.violations)
        case EngineUnavailable():
            return Failure(Fault.INSTALLATION, str(error))
        case _:
            fault = Fault.MEMORY if is_out_of_memory(error) else Fault.BUG
            return Failure(fault, "".join(traceback.format_exception(error)))


def load_engines(specs: Sequence[EngineSpec], device: str) -> tuple[dict[str, Engine], dict[str, Failure]]:
    """Load every engine that can be loaded onto `device`; one that cannot leaves the others alone."""
    engines: dict[str, Engine] = {}
    failures: dict[str, Failure] = {}
    for spec in specs:
        try:
            engines[spec.name] = load_engine(spec.name, device, spec.factory, spec.options)
        except Exception as error:
            failures[spec.name] = failure_of(error)
    return engines, failures


def main(*descriptors: int) -> None:
    """Run a worker process on its ends of pipes, one for each lane.

    Reads a `WorkerSpec` from the first, loads, says `Ready`, then answers the commands of every lane in a thread of its
    own. Returns when the other ends are closed. Signals are left to the server, which ends its workers in its order.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    first, *others = [WorkerEnd(descriptor) for descriptor in descriptors]
    with suppress(PipeClosed):
        spec = first.receive()
        assert isinstance(spec, WorkerSpec)
        configure_logs(spec.logs.level, spec.logs.format)
        engines, failures = load_engines(spec.engines, spec.device)
        infos = tuple(dataclasses.replace(engine.info(), name=name) for name, engine in engines.items())
        first.send(Ready(infos, failures))
        workbench = Workbench(engines)
        if others:
            # Two threads of one interpreter take turns; a step must not wait long for its turn.
            sys.setswitchinterval(_SWITCH_SECONDS)
        for pipe in others:
            threading.Thread(target=_answer_or_die, args=(pipe, workbench, spec.threads), daemon=True).start()
        answer(first, workbench, spec.threads)


def answer(pipe: WorkerEnd, workbench: Workbench, threads: int) -> None:
    """Do command after command; raises PipeClosed when there will be no more."""
    _limit_threads(threads)
    while True:
        pipe.send(workbench.handle(cast(Command, pipe.receive())))


def _answer_or_die(pipe: WorkerEnd, workbench: Workbench, threads: int) -> None:
    """Do command after command; a lane that ends otherwise than by its pipe takes the process along."""
    try:
        answer(pipe, workbench, threads)
    except PipeClosed:
        return
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _limit_threads(threads: int) -> None:
    """Limit the compute threads of the calling thread: some libraries count them for each."""
    if not threads:
        return
    threadpool_limits(threads)
    # Asking the loaded modules spares engines that do not use torch its import, which takes seconds.
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
