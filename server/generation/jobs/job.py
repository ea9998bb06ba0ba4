"""One song that is being made, from admission to its end."""

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass

from model.song import SectionScore, SongPlan
from server.audio.chunker import Chunker, slices_of
from server.audio.codecs.base import EncoderFactory
from server.audio.tags import tags_of
from server.errors import ServiceError, SongFailed
from server.generation.jobs.back_pressure import BackPressure
from server.generation.jobs.delivery import Delivery
from server.generation.jobs.encoding import EncodeWindow, EndSection, OpenEncoder, SongEncoding
from server.generation.jobs.retry_overlap import OverlapTrimmer
from server.generation.jobs.song_clocks import SongClocks
from server.generation.jobs.song_report import SongReport
from server.logs import bound
from server.scheduling.device_usage import Usage
from server.song import Accepted, Progressed, SongCompleted, SongEvent, SongRequest, SongState, Waiting
from server.songs.ports import EventSink
from server.telemetry.metrics import Metrics
from server.telemetry.song_trace import SongTrace
from server.workers.messages import Rendered, SectionStep

# A step may take a millisecond: to tell every one would cost more than to make it.
_PROGRESS_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class JobParts:
    """The parts of a server that all its jobs share.

    `clock` gives seconds and never goes back. `on_room` is called whenever a full job stops being full, which it is
    while `stream_buffer_bytes` of its sound are unheard.
    """

    encoder_factory: EncoderFactory
    encoders: Executor
    stream_buffer_bytes: int
    clock: Callable[[], float]
    on_room: Callable[[], None]
    metrics: Metrics


class Job:
    """One song from admission to its end.

    Results of workers enter through `planned`, `stepped` and `rendered`, which never wait; a task of the song's own
    encodes them and delivers the events. To the scheduler the job is the song's outlet.
    """

    def __init__(
        self, request: SongRequest, accepted: Accepted, sink: EventSink, parts: JobParts, trace: SongTrace
    ) -> None:
        """Events go to `sink`, `accepted` first of all."""
        self.request = request
        self.accepted = accepted
        self.state = SongState.QUEUED
        self.clocks = SongClocks(parts.clock())
        self.usage = Usage()
        self.steps = 0
        self.trace = trace
        self.report = SongReport(request.engine, parts.metrics, trace)
        self.on_end = ExitStack()
        self._parts = parts
        self._last_index = -1
        self._progress_at = -math.inf
        self._scores: dict[int, SectionScore] = {}
        self._overlap = OverlapTrimmer()
        self._delivery = Delivery(sink, clocks=self.clocks, report=self.report, clock=parts.clock)
        self._back_pressure = BackPressure(sink, parts.stream_buffer_bytes, parts.on_room)
        self._encoding = SongEncoding(parts.encoders, clocks=self.clocks, report=self.report, clock=parts.clock)
        self._delivery.send([accepted])
        with bound(song_id=accepted.song_id):
            encoding = self._encoding.run(self._open_chunker, self._encoded, self._encoder_failed)
            task = asyncio.create_task(encoding, name=f"encode {accepted.song_id}")
        self.on_end.callback(task.cancel)

    @property
    def song_id(self) -> str:
        """The server's name of the song."""
        return self.accepted.song_id

    @property
    def names(self) -> dict[str, str]:
        """The fields of log lines about the song."""
        trace_id = self.trace.trace_id
        return {"song_id": self.song_id, **({"trace_id": trace_id} if trace_id else {})}

    @property
    def full(self) -> bool:
        """True while listeners or encoder have enough to do."""
        return self._back_pressure.full

    @property
    def unsent_seconds(self) -> float:
        """Sound that was made but that no listener has taken yet, in seconds."""
        return self._back_pressure.unsent_seconds

    @property
    def sound_seconds(self) -> float:
        """Sound that was sent, in seconds."""
        return self._delivery.sound_seconds

    def cancel(self) -> None:
        """Stop making the song; without effect on a song that has ended."""
        if not self.state.ended:
            self._end(SongState.CANCELLED)

    def fail(self, error: ServiceError) -> None:
        """End the song with an error for its listeners; without effect on a song that has ended."""
        if not self.state.ended:
            self._end(SongState.FAILED, error)

    def heartbeat(self, waiting: Waiting, silence_seconds: float) -> None:
        """Send `waiting` where nothing was sent for `silence_seconds`."""
        if not self.state.ended and self._delivery.silent_for(silence_seconds):
            self._delivery.send([waiting])

    def started(self) -> None:
        """Note that the first work on the song begins now, unless it began before."""
        if self.state is not SongState.QUEUED:
            return
        self.state = SongState.RUNNING
        self.clocks.started_at = self._parts.clock()
        self.report.started(self.clocks.queued_seconds)

    def planned(self, plan: SongPlan, sample_rate_hertz: int) -> None:
        """Open the encoder for sound at `sample_rate_hertz` and send the plan; a second attempt changes nothing."""
        if self._last_index >= 0:
            return
        self._last_index, self.steps = plan.sections[-1].index, plan.steps
        self._encoding.put(OpenEncoder(plan, sample_rate_hertz))

    def stepped(self, step: SectionStep, seconds: float) -> None:
        """Send a section's progress, but not too often; `seconds` is the device time of the whole step."""
        self.clocks.denoising_seconds += seconds
        if (now := self._parts.clock()) < self._progress_at + _PROGRESS_SECONDS:
            return
        self._progress_at = now
        self._encoding.put(Progressed(step.section.index, step.step, step.steps))

    def rendered(self, rendered: Rendered) -> None:
        """Encode and send a window; after the last one of the last section, complete the song.

        What an earlier attempt has delivered already is left out: a section of which something was rendered is rendered
        again from the same finished state.
        """
        self.clocks.rendering_seconds += rendered.seconds
        if self.clocks.first_sound_at is None:
            self.clocks.first_sound_at = self._parts.clock()
        index = rendered.section.index
        if rendered.score is not None:
            self._scores[index] = rendered.score
        if rendered.samples:
            self._encode(rendered)
        if rendered.last:
            self._encoding.put(EndSection(index, self._scores.pop(index, None), last=index == self._last_index))

    def _encode(self, rendered: Rendered) -> None:
        window = self._overlap.trim(rendered)
        if not window.shape[1]:
            return
        for part in slices_of(window, rendered.sample_rate_hertz):
            seconds = part.shape[1] / rendered.sample_rate_hertz
            self._back_pressure.rendered(seconds)
            self._encoding.put(EncodeWindow(part, seconds))

    def _open_chunker(self, opened: OpenEncoder) -> Chunker:
        audio, tags = self.request.audio, tags_of(self.request, opened.plan)
        encoder = self._parts.encoder_factory(opened.sample_rate_hertz, audio, tags=tags)
        return Chunker(encoder, opened.plan, opened.sample_rate_hertz, audio.sample_rate_hertz)

    def _encoded(self, events: Sequence[SongEvent], seconds: float) -> None:
        self._back_pressure.encoded(seconds)
        self._delivery.send(events)
        self._back_pressure.update()
        if events and isinstance(events[-1], SongCompleted):
            self._end(SongState.COMPLETED)

    def _encoder_failed(self) -> None:
        self.fail(SongFailed("the song could not be encoded"))

    def _end(self, state: SongState, error: ServiceError | None = None) -> None:
        self.state = state
        self.clocks.ended_at = self._parts.clock()
        self._delivery.end(error)
        self.report.ended(
            state,
            self.clocks,
            sound_seconds=self._delivery.sound_seconds,
            underrun_seconds=self._delivery.underrun_seconds,
            error=error,
        )
        self.on_end.close()
