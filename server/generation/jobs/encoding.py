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
    """All sound of a section has come; `last` ends the song."""

    index: int
    score: SectionScore
    last: bool


EncoderInput: TypeAlias = OpenEncoder | EncodeWindow | EndSection | Progressed
"""Inputs of a song's encoder in their order; progress passes through, so that it stays in its place."""

OpenChunker: TypeAlias = Callable[[OpenEncoder], Chunker]
Deliver: TypeAlias = Callable[[Sequence[SongEvent], float], None]
"""Takes events, and the seconds of sound that the encoder has done with for them."""


class SongEncoding:
    """Encodes what is put into it, one input after another; `run` is the song's task."""

    def __init__(
        self,
        open_chunker: OpenChunker,
        executor: Executor,
        *,
        clocks: SongClocks,
        report: SongReport,
        clock: Callable[[], float],
        deliver: Deliver,
    ) -> None:
        """Encoding runs on `executor`, everything else on the event loop. `clock` gives seconds."""
        self._open_chunker = open_chunker
        self._executor = executor
        self._clocks = clocks
        self._report = report
        self._clock = clock
        self._deliver = deliver
        self._inbox: asyncio.Queue[EncoderInput] = asyncio.Queue()
        self._chunker: Chunker | None = None

    def put(self, one: EncoderInput) -> None:
        """Append an input; never waits."""
        self._inbox.put_nowait(one)

    async def run(self, on_failure: Callable[[], None]) -> None:
        """Encode until cancelled; an error is logged and ends it with `on_failure`."""
        try:
            while True:
                await self._encode(await self._inbox.get())
        except Exception:
            _log.exception("the song could not be encoded")
            on_failure()

    async def _encode(self, one: EncoderInput) -> None:
        match one:
            case Progressed():
                self._deliver([one], 0.0)
            case EndSection(last=False):
                self._report.section_encoded(one.index)
                self._deliver(self._opened().end_section(one.index, one.score), 0.0)
            case EndSection():
                events = await self._on_thread(lambda: self._finish(one), 0.0)
                self._report.section_encoded(one.index)
                self._deliver(events, 0.0)
            case EncodeWindow():
                self._deliver(await self._on_thread(lambda: self._opened().feed(one.window), one.seconds), one.seconds)
            case OpenEncoder():
                self._deliver(await self._on_thread(lambda: self._open(one), 0.0), 0.0)

    async def _on_thread(self, encode: Callable[[], Sequence[SongEvent]], sound_seconds: float) -> Sequence[SongEvent]:
        def timed() -> tuple[Sequence[SongEvent], float]:
            started = self._clock()
            return encode(), self._clock() - started

        start_ns = time.time_ns()
        events, seconds = await asyncio.get_running_loop().run_in_executor(self._executor, timed)
        self._report.encoded(seconds, sound_seconds, start_ns, time.time_ns())
        return events

    def _open(self, one: OpenEncoder) -> Sequence[SongEvent]:
        self._chunker = self._open_chunker(one)
        return self._chunker.planned()

    def _finish(self, end: EndSection) -> Sequence[SongEvent]:
        clocks, chunker = self._clocks, self._opened()
        sections = chunker.end_section(end.index, end.score)
        finished = chunker.finish(clocks.queued_seconds, clocks.denoising_seconds, clocks.rendering_seconds)
        return [*sections, *finished]

    def _opened(self) -> Chunker:
        if self._chunker is None:
            raise RuntimeError("sound came before the plan. This is a bug.")
        return self._chunker
