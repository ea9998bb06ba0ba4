"""Encodes one song: windows in, events of the encoded stream out, in order, on a thread pool."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeAlias

from model.song import SectionScore, SongPlan, Window
from server.audio.chunker import Chunker
from server.generation.jobs.song_clocks import SongClocks
from server.generation.jobs.song_report import SongReport
from server.song import Progressed, SongEvent

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenEncoder:
    """The song's plan has come; its sound comes at `sample_rate_hertz`."""

    plan: SongPlan
    sample_rate_hertz: int


@dataclass(frozen=True, slots=True)
class EncodeWindow:
    """Sound to encode, shape [channels, samples], of so many seconds."""

    window: Window
    seconds: float


@dataclass(frozen=True, slots=True)
class EndSection:
    """All sound of a section has come; `last` ends the song. An engine that keeps its contract has made a score."""

    index: int
    score: SectionScore | None
    last: bool


EncoderInput: TypeAlias = OpenEncoder | EncodeWindow | EndSection | Progressed
"""Inputs of a song's encoder in their order; progress passes through, so that it stays in its place."""

OpenChunker: TypeAlias = Callable[[OpenEncoder], Chunker]
Deliver: TypeAlias = Callable[[Sequence[SongEvent], float], None]
"""Takes events, and the seconds of sound that the encoder has done with for them."""


class SongEncoding:
    """Encodes what is put into it, one input after another; `run` is the song's task."""

    def __init__(
        self, executor: Executor, *, clocks: SongClocks, report: SongReport, clock: Callable[[], float]
    ) -> None:
        """Encoding runs on `executor`, everything else on the event loop. `clock` gives seconds."""
        self._executor = executor
        self._clocks = clocks
        self._report = report
        self._clock = clock
        self._inbox: asyncio.Queue[EncoderInput] = asyncio.Queue()
        self._chunker: Chunker | None = None

    def put(self, one: EncoderInput) -> None:
        """Append an input; never waits."""
        self._inbox.put_nowait(one)

    async def run(self, open_chunker: OpenChunker, deliver: Deliver, on_failure: Callable[[], None]) -> None:
        """Encode until cancelled; an error is logged and ends it with `on_failure`.

        Nothing of the song is held afterwards: encoder and windows are large, and waiting for the garbage collector.
        """
        try:
            while True:
                one = await self._inbox.get()
                deliver(await self._encode(one, open_chunker), one.seconds if isinstance(one, EncodeWindow) else 0.0)
        except Exception:
            _log.exception("the song could not be encoded")
            on_failure()
        finally:
            self._chunker, self._inbox = None, asyncio.Queue()

    async def _encode(self, one: EncoderInput, open_chunker: OpenChunker) -> Sequence[SongEvent]:
        match one:
            case Progressed():
                return [one]
            case EndSection(last=False):
                self._report.section_encoded(one.index)
                return self._end_section(one)
            case EndSection():
                events = await self._on_thread(lambda: self._finish(one), 0.0)
                self._report.section_encoded(one.index)
                return events
            case EncodeWindow():
                return await self._on_thread(lambda: self._opened().feed(one.window), one.seconds)
            case OpenEncoder():
                return await self._on_thread(lambda: self._open(one, open_chunker), 0.0)

    async def _on_thread(self, encode: Callable[[], Sequence[SongEvent]], sound_seconds: float) -> Sequence[SongEvent]:
        def timed() -> tuple[Sequence[SongEvent], float]:
            started = self._clock()
            return encode(), self._clock() - started

        start_ns = time.time_ns()
        events, seconds = await asyncio.get_running_loop().run_in_executor(self._executor, timed)
        self._report.encoded(seconds, sound_seconds, start_ns, time.time_ns())
        return events

    def _open(self, one: OpenEncoder, open_chunker: OpenChunker) -> Sequence[SongEvent]:
        self._chunker = open_chunker(one)
        return self._chunker.planned()

    def _end_section(self, end: EndSection) -> Sequence[SongEvent]:
        if end.score is None:
            raise RuntimeError(f"the engine made no score of section {end.index}. This is a bug of the engine.")
        return self._opened().end_section(end.index, end.score)

    def _finish(self, end: EndSection) -> Sequence[SongEvent]:
        clocks, sections = self._clocks, self._end_section(end)
        finished = self._opened().finish(clocks.queued_seconds, clocks.denoising_seconds, clocks.rendering_seconds)
        return [*sections, *finished]

    def _opened(self) -> Chunker:
        if self._chunker is None:
            raise RuntimeError("sound came before the plan. This is a bug.")
        return self._chunker
