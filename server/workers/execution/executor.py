"""Executes the server's commands on the loaded engines of one worker."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence

from model.engine import Engine
from model.song import SongPlan
from server.logs import bound
from server.workers.execution.batch_denoise import denoise
from server.workers.execution.device_memory import device_memory
from server.workers.execution.failures import DeviceBroken, failure_of, is_out_of_memory, release_memory
from server.workers.execution.held_song import HeldSection, HeldSong
from server.workers.execution.span_timer import SpanTimer
from server.workers.messages import (
    Command,
    Done,
    Failed,
    Fault,
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
    SongKey,
    Step,
    Stepped,
    WorkSpan,
)
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import OpenSong, Sound, pcm_of
from server.workers.sound.origin import origin_of
from server.workers.sound.sink import SoundSink


class CommandExecutor:
    """Executes the server's commands (plan, prepare, step, render ...) on the loaded engines of one worker, and keeps
    the songs' data between commands.

    Commands of two lanes (command queues) may come from two threads at once, but not for the same section, except
    `Release`: a command in progress then continues with the section's objects.
    """

    def __init__(
        self,
        engines: Mapping[str, Engine],
        clock: Callable[[], float] = time.perf_counter,
        now_ns: Callable[[], int] = time.time_ns,
        encoders: SoundSink | None = None,
    ) -> None:
        """Set up the executor. `engines` are the loaded engines by their configured names, `clock` returns monotonic
        seconds, `now_ns` the wall-clock time for trace spans. Rendered sound is sent through `encoders`.
        """
        self._engines = engines
        self._clock = clock
        self._now_ns = now_ns
        self._songs: dict[SongKey, HeldSong] = {}
        self._encoders: SoundSink = encoders or EncoderLinks()

    def handle(self, command: Command) -> Reply:
        """Execute one command and return its reply. An engine's error becomes a `Failed` reply or, for a step, a
        failure in `Stepped`.

        Raises:
            DeviceBroken: an engine has raised an error after which the device cannot be used.
        """
        with bound(**self._names(command)):
            return self._do(command)

    def _names(self, command: Command) -> dict[str, str]:
        """Return the log fields that identify the song of a command: song id and trace id."""
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
            case Step():
                return self._guarded_step(command)
            case Render(section, windows):
                return self._guarded(section.song, lambda: self._render(section, windows))
            case Release(song):
                self._songs.pop(song, None)
                self._encoders.release(song)
                return Done()
            case Ping():
                self._check()
                return Done(device_memory())

    def _guarded(self, song: SongKey, work: Callable[[], Reply]) -> Reply:
        try:
            return work()
        except Exception as error:
            failure = failure_of(error)
            if failure.fault is Fault.MEMORY:
                release_memory(error)
            return Failed(song, failure)

    def _check(self) -> None:
        for name, engine in self._engines.items():
            try:
                engine.check()
            except Exception as error:
                # A device without free memory still works, because the lack is temporary.
                if not is_out_of_memory(error):
                    raise DeviceBroken(
                        f"the device of engine {name} does not compute any more, so its worker is restarted: {error}"
                    ) from error

    def _plan(self, command: Plan) -> Planned:
        started = self._clock()
        song = HeldSong.planned(command, self._engines[command.engine])
        self._songs[command.song] = song
        public = dataclasses.replace(song.plan, detail=None)
        self._open_encoder(command, public, song.sample_rate_hertz)
        seconds = self._clock() - started
        return Planned(command.song, public, song.sample_rate_hertz, seconds, self._span(song, None, "plan", seconds))

    def _open_encoder(self, command: Plan, plan: SongPlan, rate_hertz: int) -> None:
        if (target := command.sound_to) is not None:
            params = command.params
            origin = origin_of(command.engine, params, target.audio)
            channels = self._engines[command.engine].info().channels
            opened = OpenSong(
                command.song, target.audio, params.prompt, params.lyrics, plan, rate_hertz, origin, channels
            )
            self._encoders.open(target, opened)

    def _prepare(self, section: SectionKey) -> Prepared:
        started = self._clock()
        song = self._songs[section.song]
        made = song.prepare(section.index)
        seconds = self._clock() - started
        spans = self._span(song, section.index, "prepare", seconds)
        return Prepared(section, made.cost, made.length, made.steps, made.memory_bytes, made.group, seconds, spans)

    def _guarded_step(self, command: Step) -> Stepped:
        started = self._clock()
        try:
            return self._step(command, started)
        except Exception as error:
            failure = failure_of(error)
            return Stepped((), tuple(Failed(key.song, failure) for key in command.sections), self._clock() - started)

    def _step(self, command: Step, started: float) -> Stepped:
        begun, failures = self._begun(command.sections)
        if not begun:
            return Stepped((), tuple(failures), self._clock() - started)
        tokens = sum(section.cost for _, section in begun)
        before = [section.written.step for _, section in begun]
        errors, fits = denoise(begun[0][0].engine, [section.written for _, section in begun], command.steps)
        done: list[tuple[HeldSong, HeldSection, SectionStep]] = []
        for (song, section), error in zip(begun, errors, strict=True):
            match _outcome(song, section, error):
                case SectionStep() as step:
                    done.append((song, section, step))
                case Failed() as failed:
                    failures.append(failed)
        seconds = self._clock() - started
        sections = tuple(step for _, _, step in done)
        fitted = fits if fits < len(begun) else None
        steps = max(1, *(section.written.step - step for (_, section), step in zip(begun, before, strict=True)))
        spans = tuple(span for one in done for span in self._step_spans(*one, len(begun), steps, seconds))
        return Stepped(sections, tuple(failures), seconds, tokens, fitted, spans, steps)

    def _begun(self, keys: Sequence[SectionKey]) -> tuple[list[tuple[HeldSong, HeldSection]], list[Failed]]:
        """Return the sections of a step with their songs, and the failures of sections whose denoising could not be
        started. Sections that have ended are left out.
        """
        begun: list[tuple[HeldSong, HeldSection]] = []
        failures: list[Failed] = []
        for key in keys:
            try:
                song = self._songs[key.song]
                if not song.has_ended(key.index):
                    begun.append((song, song.begun(key.index)))
            except Exception as error:
                failures.append(Failed(key.song, failure_of(error)))
        return begun, failures

    def _span(self, song: HeldSong, section: int | None, name: str, seconds: float) -> tuple[WorkSpan, ...]:
        if not song.sampled:
            return ()
        timer = SpanTimer(name, self._now_ns)
        timer.add(seconds)
        return (timer.span(song.key, section),)

    def _step_spans(
        self, song: HeldSong, section: HeldSection, step: SectionStep, batch: int, steps: int, seconds: float
    ) -> tuple[WorkSpan, ...]:
        if not song.sampled:
            return ()
        timer = section.denoising = section.denoising or SpanTimer("denoise", self._now_ns)
        timer.add(seconds, batch, steps)
        attributes: dict[str, int | tuple[int, ...]] = {
            "melisma.steps": len(timer.batches),
            "melisma.batch_sections": tuple(timer.batches),
        }
        return (timer.span(song.key, section.key.index, attributes),) if step.step >= step.steps else ()

    def _window_spans(
        self, song: HeldSong, section: HeldSection, seconds: float, windows: int, *, last: bool
    ) -> tuple[WorkSpan, ...]:
        if not song.sampled:
            return ()
        timer = section.rendering = section.rendering or SpanTimer("render", self._now_ns)
        timer.add(seconds, pieces=windows)
        attributes = {"melisma.windows": len(timer.batches)}
        return (timer.span(song.key, section.key.index, attributes),) if last else ()

    def _render(self, key: SectionKey, windows: int) -> Rendered:
        song, seconds, samples, made, last, saved = self._songs[key.song], 0.0, 0, 0, False, b""
        while made < windows and not last:
            started = self._clock()
            sound = self._window(song, key)
            saved = self._saved(song, key) if sound.last else b""
            seconds += self._clock() - started
            self._encoders.send(sound)
            samples, made, last = samples + sound.samples, made + (not sound.last), sound.last
        spans = self._window_spans(song, song.sections[key.index], seconds, made, last=last)
        memory = device_memory() if last else None
        return Rendered(
            key,
            samples,
            song.sample_rate_hertz,
            last,
            seconds,
            saved,
            spans,
            made,
            memory,
            ends_song=last and key.index == song.last,
        )

    def _saved(self, song: HeldSong, key: SectionKey) -> bytes:
        """Return the saved state of a finished section, from which another attempt at the song can continue with the
        next section; empty for the song's last section.
        """
        return song.engine.save(song.sections[key.index].written) if key.index < song.last else b""

    def _window(self, song: HeldSong, key: SectionKey) -> Sound:
        """Return the message with the next window (stretch rendered at once) of a section's sound; after the last
        window, the message that marks the section's end.
        """
        section = song.sections[key.index]
        state, score = section.written, None
        if section.windows is None:
            score, section.windows = song.engine.score(state), song.engine.render(state)
        window = next(section.windows, None)
        if window is not None:
            return Sound(key, pcm_of(window), window.shape[1], score=score)
        song.sections.pop(key.index - 1, None)
        return Sound(key, b"", 0, last=True, score=score, ends_song=key.index == song.last)


def _outcome(song: HeldSong, section: HeldSection, error: Exception | None) -> SectionStep | Failed:
    """Return the result of a denoising step for one section: its progress, or a failure if `error` is given."""
    if error is None:
        try:
            return song.step_of(section)
        except Exception as raised:
            error = raised
    return Failed(song.key, failure_of(error))


def _log_names(song: SongKey, trace: str) -> dict[str, str]:
    return {"song_id": song.song_id, **({"trace_id": trace.split("-")[1]} if trace else {})}
