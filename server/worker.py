"""The process that drives one device: receives one command, does it, sends one reply.

The only room of the server that reaches an engine, and through it torch. It knows nothing of other devices, listeners
or time limits; who goes next is decided on the other side of the pipe.
"""

import dataclasses
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

import numpy as np
from threadpoolctl import threadpool_limits

from model.engine import Engine, EngineUnavailable, InvalidParams, SectionState, SongPlan, Window
from model.registry import load_engine
from server.messages import (
    Begin,
    Begun,
    Command,
    EngineSpec,
    Failed,
    Failure,
    Fault,
    Forget,
    Forgotten,
    Plan,
    Planned,
    Ready,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SectionStep,
    Step,
    Stepped,
    WorkerSpec,
)


@dataclasses.dataclass(slots=True)
class _Song:
    """What an engine needs to remember between the commands of one song."""

    engine: Engine
    sample_rate_hertz: int
    plan: SongPlan
    index: int = -1
    state: SectionState | None = None
    windows: Iterator[Window] | None = None


class Workbench:
    """Does commands on loaded engines, known by the names that the server gave them."""

    def __init__(self, engines: Mapping[str, Engine], clock: Callable[[], float] = time.perf_counter) -> None:
        self._engines = engines
        self._clock = clock
        self._songs: dict[str, _Song] = {}

    def handle(self, command: Command) -> Reply:
        """Do one command. Whatever an engine raises becomes a `Failed` or the failures of a `Stepped`.

        Raises:
            RuntimeError: a step asks for a section that is not open, which is a bug of the scheduler.
        """
        match command:
            case Plan():
                return self._guarded(command.song_id, lambda: self._plan(command))
            case Begin(section):
                return self._guarded(section.song_id, lambda: self._begin(section))
            case Step(sections):
                return self._step(sections)
            case Render(section):
                return self._guarded(section.song_id, lambda: self._render(section))
            case Forget(song_id):
                self._songs.pop(song_id, None)
                return Forgotten(song_id)

    def _guarded(self, song_id: str, work: Callable[[], Reply]) -> Reply:
        try:
            return work()
        except Exception as error:
            return Failed(failure_of(song_id, error))

    def _plan(self, command: Plan) -> Planned:
        engine = self._engines[command.engine]
        plan = engine.plan(command.params)
        song = _Song(engine, engine.info().sample_rate_hertz, plan)
        self._songs[command.song_id] = song
        return Planned(command.song_id, dataclasses.replace(plan, detail=None), song.sample_rate_hertz)

    def _begin(self, section: SectionKey) -> Begun:
        song = self._songs[section.song_id]
        context = song.engine.context(song.state) if song.state is not None else None
        song.state = state = song.engine.begin(song.plan, section.index, context)
        song.index, song.windows = section.index, None
        return Begun(section, state.cost, state.steps)

    def _step(self, sections: Sequence[SectionKey]) -> Stepped:
        started = self._clock()
        states = [self._open_state(section) for section in sections]
        errors = _denoise(self._songs[sections[0].song_id].engine, states)
        done: list[SectionStep] = []
        failures: list[Failure] = []
        for position, (section, state) in enumerate(zip(sections, states, strict=True)):
            try:
                if position in errors:
                    raise errors[position]
                done.append(self._progress(section, state))
            except Exception as error:
                failures.append(failure_of(section.song_id, error))
        return Stepped(tuple(done), tuple(failures), self._clock() - started)

    def _progress(self, section: SectionKey, state: SectionState) -> SectionStep:
        finished = state.step >= state.steps
        score = self._songs[section.song_id].engine.score(state) if finished else None
        return SectionStep(section, state.step, state.steps, score)

    def _render(self, section: SectionKey) -> Rendered:
        started = self._clock()
        state, song = self._open_state(section), self._songs[section.song_id]
        if song.windows is None:
            song.windows = song.engine.render(state)
        window = next(song.windows, None)
        pcm = b"" if window is None else window.astype(np.float32, copy=False).tobytes()
        samples = 0 if window is None else window.shape[1]
        return Rendered(section, pcm, samples, song.sample_rate_hertz, window is None, self._clock() - started)

    def _open_state(self, section: SectionKey) -> SectionState:
        song = self._songs.get(section.song_id)
        if song is None or song.state is None or song.index != section.index:
            raise RuntimeError(f"section {section.index} of song {section.song_id} is not open. This is a bug.")
        return song.state


def _denoise(engine: Engine, states: Sequence[SectionState]) -> dict[int, Exception]:
    """Advance every state by one step; the errors of those that cannot, by position.

    A batch that raises is taken apart, so that a poisoned state costs its neighbours nothing but time.
    """
    before = [state.step for state in states]
    try:
        engine.denoise(states)
    except Exception as error:
        if len(states) == 1:
            return {0: error}
        left = [position for position, state in enumerate(states) if state.step == before[position]]
        alone = {position: _denoise(engine, [states[position]]) for position in left}
        return {position: errors[0] for position, errors in alone.items() if errors}
    return {}


def failure_of(name: str, error: Exception) -> Failure:
    """Tell the caller's faults and missing pieces from bugs; bugs carry their traceback."""
    match error:
        case InvalidParams():
            return Failure(name, Fault.CALLER, str(error), error.violations)
        case EngineUnavailable():
            return Failure(name, Fault.INSTALLATION, str(error))
        case _:
            return Failure(name, Fault.BUG, "".join(traceback.format_exception(error)))


def load_engines(specs: Sequence[EngineSpec], device: str) -> tuple[dict[str, Engine], tuple[Failure, ...]]:
    """Load every engine that can be loaded onto `device`; one that cannot leaves the others alone."""
    engines: dict[str, Engine] = {}
    failures: list[Failure] = []
    for spec in specs:
        try:
            engines[spec.name] = load_engine(spec.name, device, spec.factory)
        except Exception as error:
            failures.append(failure_of(spec.name, error))
    return engines, tuple(failures)


def main(descriptor: int) -> None:
    """Run a worker process on its end of a pipe: read a `WorkerSpec`, load, say `Ready`, then answer commands.

    Returns when the other end is closed. Signals are left to the server, which ends its workers in its own order.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with Connection(descriptor) as connection, suppress(EOFError, ConnectionError):
        spec: WorkerSpec = connection.recv()
        engines, failures = load_engines(spec.engines, spec.device)
        _limit_threads(spec.threads)
        infos = tuple(dataclasses.replace(engine.info(), name=name) for name, engine in engines.items())
        connection.send(Ready(infos, failures))
        answer(connection, Workbench(engines))


def answer(connection: Connection, workbench: Workbench) -> None:
    """Do command after command; raises EOFError when there will be no more."""
    while True:
        connection.send(workbench.handle(connection.recv()))


def _limit_threads(threads: int) -> None:
    if not threads:
        return
    threadpool_limits(threads)
    # Asking the loaded modules spares engines that do not use torch its import, which takes seconds.
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
