"""One song in flight: its request, status and clocks, and the way of its sound from the worker to the listener."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from enum import Enum
from functools import partial
from types import TracebackType
from typing import TypeAlias

from model.song import SectionScore, SongPlan, Window
from server.audio.chunker import Chunker, slices_of
from server.audio.codecs.base import EncoderFactory
from server.audio.tags import tags_of
from server.errors import InvalidRequest, ServiceError, SongFailed
from server.generation.event_stream import ChunkStream
from server.generation.playback import Playback, Received
from server.logs import bound
from server.scheduling.device_usage import Usage
from server.song import Accepted, Chunk, Progressed, SectionSent, SongCompleted, SongEvent, SongRequest, Waiting
from server.telemetry.metrics import Metrics
from server.telemetry.song_metrics import Outcome
from server.telemetry.song_trace import SongTrace
from server.telemetry.tracing import NO_TRACER
from server.workers.messages import Rendered, SectionStep

_log = logging.getLogger(__name__)

_MAX_UNENCODED_SECONDS = 4.0
# A step may take a millisecond: to tell every one would cost more than to make it.
_TELL_SECONDS = 0.25

_Encoding: TypeAlias = Callable[[], Sequence[SongEvent]]
_Item: TypeAlias = tuple[_Encoding | Progressed | int, float]
"""Work for the encoder's thread, progress, or the index of a section that has ended; and the seconds of its sound."""


class JobStatus(Enum):
    """Where a song stands; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Clocks:
    """What a song's time went into, in seconds; the points in time are those of the server's monotonic clock."""

    def __init__(self, submitted_at: float) -> None:
        self.submitted_at = submitted_at
        self.started_at = submitted_at
        self.ended_at = submitted_at
        self.first_sound_at: float | None = None
        self.first_chunk_at: float | None = None
        self.denoising_seconds = 0.0
        self.rendering_seconds = 0.0

    @property
    def queued_seconds(self) -> float:
        """Time from admission to the first work on the song."""
        return self.started_at - self.submitted_at

    @property
    def first_audio_seconds(self) -> float | None:
        """Time from admission to the first chunk; `None` before there is one."""
        return None if self.first_chunk_at is None else self.first_chunk_at - self.submitted_at

    @property
    def lag_seconds(self) -> float:
        """Time from the first sound to the first chunk, 0 before there is one."""
        if self.first_chunk_at is None or self.first_sound_at is None:
            return 0.0
        return self.first_chunk_at - self.first_sound_at

    @property
    def elapsed_seconds(self) -> float:
        """Time from admission to the end."""
        return self.ended_at - self.submitted_at


class Job:
    """One song from admission to its end. An async context manager whose exit cancels what is not complete.

    What a worker has made enters through `planned`, `stepped` and `rendered`, which never wait; the song's own task
    encodes it on a thread pool, one piece after another, and puts the events into the stream. To the scheduler the job
    is the song's outlet.
    """

    def __init__(
        self,
        request: SongRequest,
        accepted: Accepted,
        *,
        encoder_factory: EncoderFactory,
        encoders: Executor,
        stream_buffer_bytes: int,
        clock: Callable[[], float],
        on_room: Callable[[], None],
        metrics: Metrics,
        trace: SongTrace | None = None,
    ) -> None:
        """`on_room` is called whenever a full job stops being full."""
        self.request = request
        self.accepted = accepted
        self.status = JobStatus.QUEUED
        self.clocks = Clocks(clock())
        self.usage = Usage()
        self.steps = 0
        self.trace = trace or SongTrace(NO_TRACER, accepted.song_id, request.engine)
        self.on_end = ExitStack()
        self._encoder_factory = encoder_factory
        self._encoders = encoders
        self._clock = clock
        self._on_room = on_room
        self._metrics = metrics
        self._stream = ChunkStream(stream_buffer_bytes, on_room)
        self._rejected = False
        self._last_index = -1
        self._chunker: Chunker | None = None
        self._told_at = -math.inf
        self._sent_at = self.clocks.submitted_at
        self._scores: dict[int, SectionScore] = {}
        self._playback = Playback()
        self._section = Received()
        self._inbox: asyncio.Queue[_Item] = asyncio.Queue()
        self._unencoded_seconds = 0.0
        with bound(song_id=accepted.song_id):
            task = asyncio.create_task(self._encode_all(), name=f"encode {accepted.song_id}")
        self.on_end.callback(task.cancel)

    @property
    def song_id(self) -> str:
        """The server's name of the song."""
        return self.accepted.song_id

    @property
    def names(self) -> dict[str, str]:
        """What log lines about the song carry."""
        trace_id = self.trace.trace_id
        return {"song_id": self.song_id, **({"trace_id": trace_id} if trace_id else {})}

    @property
    def ended(self) -> bool:
        """Whether nothing more is made for the song."""
        return self.status not in (JobStatus.QUEUED, JobStatus.RUNNING)

    @property
    def full(self) -> bool:
        """Whether the listener, or the encoder, has enough to do for now."""
        return self._stream.full or self._unencoded_seconds >= _MAX_UNENCODED_SECONDS

    @property
    def unsent_seconds(self) -> float:
        """Sound that was made but that the listener has not taken yet, in seconds."""
        return self._stream.unsent_seconds + self._unencoded_seconds

    def events(self) -> AsyncIterator[SongEvent]:
        """What happens to the song after `accepted`, for one reader; ends after `SongCompleted`, or when cancelled.

        Raises:
            ServiceError: the song failed; what was encoded before comes first.
        """
        return self._stream.events()

    def cancel(self) -> None:
        """Stop making the song and drop what nobody has taken; without effect on a song that has ended."""
        if not self.ended:
            self._stream.discard()
            self._end(JobStatus.CANCELLED)

    def fail(self, error: ServiceError) -> None:
        """End the song with an error for its listener; without effect on a song that has ended."""
        if not self.ended:
            self._stream.fail(error)
            self._rejected = isinstance(error, InvalidRequest)
            self._end(JobStatus.FAILED)

    async def __aenter__(self) -> "Job":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.cancel()

    @property
    def sound_seconds(self) -> float:
        """Sound that was put into the stream, in seconds."""
        return self._playback.sound_seconds

    @property
    def underrun_seconds(self) -> float:
        """How long a listener who started with the first chunk has had nothing to hear so far."""
        return self._playback.underrun_seconds

    def waits(self, waiting: Waiting, silence_seconds: float) -> None:
        """Give a sign of life where nothing was said for so long."""
        if not self.ended and self._clock() >= self._sent_at + silence_seconds:
            self._send([waiting], 0.0)

    def started(self) -> None:
        """Note that the first work on the song begins now, unless it began before."""
        if self.status is not JobStatus.QUEUED:
            return
        self.status = JobStatus.RUNNING
        self.clocks.started_at = self._clock()
        self.trace.started()
        self._metrics.songs.started(self.request.engine, self.clocks.queued_seconds, self.trace.trace_id)

    def planned(self, plan: SongPlan, sample_rate_hertz: int) -> None:
        """Open the encoder for sound at `sample_rate_hertz` and tell the plan; a second attempt changes nothing."""
        if self._last_index >= 0:
            return
        self._last_index, self.steps = plan.sections[-1].index, plan.steps
        self._inbox.put_nowait((partial(self._open, plan, sample_rate_hertz), 0.0))

    def stepped(self, step: SectionStep, seconds: float) -> None:
        """Tell how far a section is, but not too often; `seconds` is the device time of the whole step."""
        self.clocks.denoising_seconds += seconds
        if (now := self._clock()) < self._told_at + _TELL_SECONDS:
            return
        self._told_at = now
        self._inbox.put_nowait((Progressed(step.section.index, step.step, step.steps), 0.0))

    def rendered(self, rendered: Rendered) -> None:
        """Encode and send a window; after the last one of the last section, complete the song.

        What an earlier attempt has delivered already is left out: attempts make the same sound.
        """
        self.clocks.rendering_seconds += rendered.seconds
        if self.clocks.first_sound_at is None:
            self.clocks.first_sound_at = self._clock()
        if rendered.score is not None:
            self._scores[rendered.section.index] = rendered.score
        if rendered.samples:
            self._take(self._section.new_part(rendered), rendered.sample_rate_hertz)
        if rendered.last:
            index = rendered.section.index
            self._inbox.put_nowait((partial(self._finish, index) if index == self._last_index else index, 0.0))

    def _take(self, window: Window, rate_hertz: int) -> None:
        if not window.shape[1]:
            return
        for piece in slices_of(window, rate_hertz):
            seconds = piece.shape[1] / rate_hertz
            self._unencoded_seconds += seconds
            self._inbox.put_nowait((partial(self._feed, piece), seconds))

    async def _encode_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not self.ended:
                item, seconds = await self._inbox.get()
                if isinstance(item, Progressed):
                    self._send([item], seconds)
                elif isinstance(item, int):
                    self.trace.section_encoded(item)
                    self._send(self._end_section(item), seconds)
                else:
                    start_ns = time.time_ns()
                    events, took_seconds = await loop.run_in_executor(self._encoders, self._timed, item)
                    if seconds:
                        self.trace.encoded(start_ns, time.time_ns())
                    self._metrics.streams.encoded(self.request.engine, seconds=took_seconds, sound_seconds=seconds)
                    self._send(events, seconds)
        except Exception:
            _log.exception("the song could not be encoded")
            self.fail(SongFailed("the song could not be encoded"))

    def _timed(self, encoding: _Encoding) -> tuple[Sequence[SongEvent], float]:
        started = self._clock()
        events = encoding()
        return events, self._clock() - started

    def _open(self, plan: SongPlan, sample_rate_hertz: int) -> Sequence[SongEvent]:
        audio = self.request.audio
        encoder = self._encoder_factory(sample_rate_hertz, audio, tags=tags_of(self.request, plan))
        self._chunker = Chunker(encoder, plan, sample_rate_hertz, audio.sample_rate_hertz)
        return self._chunker.planned()

    def _feed(self, piece: Window) -> Sequence[SongEvent]:
        return self._opened().feed(piece)

    def _end_section(self, index: int) -> Sequence[SongEvent]:
        return self._opened().end_section(index, self._scores.pop(index))

    def _finish(self, index: int) -> Sequence[SongEvent]:
        clocks = self.clocks
        ended = self._end_section(index)
        finished = self._opened().finish(clocks.queued_seconds, clocks.denoising_seconds, clocks.rendering_seconds)
        return [*ended, *finished]

    def _opened(self) -> Chunker:
        if self._chunker is None:
            raise RuntimeError("sound came before the plan. This is a bug.")
        return self._chunker

    def _send(self, events: Sequence[SongEvent], seconds: float) -> None:
        if complete := bool(events) and isinstance(events[-1], SongCompleted):
            self.trace.section_encoded(self._last_index)
        was_full = self.full
        self._sent_at = self._clock() if events else self._sent_at
        self._unencoded_seconds -= seconds
        for event in events:
            self._stream.put(event)
            if isinstance(event, Chunk):
                self._note(event)
            elif isinstance(event, SectionSent):
                self.trace.section_sent(event.section_index)
        if was_full and not self.full:
            self._on_room()
        if complete:
            self._stream.close()
            self._end(JobStatus.COMPLETED)

    def _note(self, chunk: Chunk) -> None:
        now = self._clock()
        self._metrics.streams.chunk(self.request.engine, len(chunk.data))
        if self.clocks.first_chunk_at is None:
            self.clocks.first_chunk_at = now
            self.trace.first_chunk()
            self._metrics.songs.first_audio(self.request.engine, now - self.clocks.submitted_at, self.trace.trace_id)
        self._playback.add(now, chunk.duration_seconds)

    def _end(self, status: JobStatus) -> None:
        self.status = status
        self.clocks.ended_at = self._clock()
        self._report()
        self.on_end.close()

    def _report(self) -> None:
        engine, trace_id = self.request.engine, self.trace.trace_id
        outcome = Outcome.REJECTED if self._rejected else Outcome(self.status.value)
        self._metrics.songs.ended(engine, outcome, self.clocks.elapsed_seconds, self.sound_seconds, trace_id)
        if self.clocks.first_chunk_at is not None:
            self._metrics.streams.underrun(engine, self._playback.underrun_seconds, trace_id)
        self.trace.ended(outcome, self.sound_seconds)
