"""A song being made on this server, from admission to its end."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from server.encoders.base import EncoderPool
from server.encoders.messages import Encoded
from server.errors import ServiceError
from server.generation.jobs.back_pressure import BackPressure
from server.generation.jobs.delivery import Delivery
from server.generation.jobs.encoded_stream import EncodedStream
from server.generation.jobs.song_clocks import SongClocks
from server.generation.jobs.song_report import SongReport
from server.scheduling.device_usage import DeviceUsage
from server.song import Accepted, Planned, Progressed, QueueStatus, SongCompleted, SongRequest, SongState
from server.songs.ports import EventSink
from server.telemetry.metrics import Metrics
from server.telemetry.traces.song_trace import SongTrace
from server.workers.messages import Planned as PlanMade
from server.workers.messages import Rendered, SectionStep, SoundTarget

# A step may take only a millisecond, and an event for every step would cost more time than the step.
_PROGRESS_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class JobParts:
    """Objects and limits that all jobs share, such as the encoder pool and the metrics.

    `clock` returns monotonic seconds. `on_room` is called when a full job stops being full; a job is full while its
    listeners have not read `stream_buffer_bytes` of its sound.
    """

    encoders: EncoderPool
    stream_buffer_bytes: int
    clock: Callable[[], float]
    on_room: Callable[[], None]
    metrics: Metrics


class Job:
    """A song being made on this server, from admission to its end.

    The methods `planned`, `stepped`, `rendered` and `encoded`, which never wait, handle the messages of workers and
    encoders. Sound goes from the worker directly to the encoder; the job gets only encoded chunks. The scheduler uses
    the job as the song's `Sink`.
    """

    def __init__(
        self,
        request: SongRequest,
        accepted: Accepted,
        sink: EventSink,
        parts: JobParts,
        trace: SongTrace,
        *,
        key: str = "",
    ) -> None:
        """Set up the job of a song; its events go to `sink`, `accepted` first.

        `key` identifies the job for workers and encoders, so that they do not confuse it with an earlier job of the
        same song; by default it is the song's id.
        """
        self.key = key or accepted.song_id
        self.request = request
        self.accepted = accepted
        self.state = SongState.QUEUED
        self.clocks = SongClocks(parts.clock())
        self.usage = DeviceUsage()
        self.steps: int | None = None
        self.trace = trace
        self.report = SongReport(request.engine, parts.metrics, trace)
        self.on_end = ExitStack()
        self._parts = parts
        self._sink = sink
        self._paused = False
        self._all_rendered = False
        self._progress_at = -math.inf
        self._early_progress: Progressed | None = None
        self._plan_sent = False
        self._whole: SongCompleted | None = None
        self._stream = EncodedStream()
        self._delivery = Delivery(sink, clocks=self.clocks, report=self.report, clock=parts.clock)
        self._back_pressure = BackPressure(sink, parts.stream_buffer_bytes, parts.on_room, parts.clock)
        self._delivery.send([accepted])
        parts.encoders.enter(self.key)
        self.on_end.callback(parts.encoders.leave, self.key)

    @property
    def song_id(self) -> str:
        """The id of the song."""
        return self.accepted.song_id

    @property
    def names(self) -> dict[str, str]:
        """Names and values of the fields that identify the song in log lines, its id and its trace id."""
        return {"song_id": self.song_id, **self.trace.names}

    @property
    def full(self) -> bool:
        """True while the scheduler must give no work to the song: it is paused, has enough unread sound, or has no
        encoder.
        """
        if self._paused or self._back_pressure.full:
            return True
        return self._parts.encoders.address_of(self.key) is None

    def sound_to(self, device: str) -> SoundTarget | None:
        """Return the target for the song's sound from a worker of `device`: address of the encoder and audio settings;
        `None` while the song has no encoder.
        """
        address = self._parts.encoders.address_for(self.key, device)
        return None if address is None else SoundTarget(address, self.request.audio)

    @property
    def has_listener(self) -> bool:
        """True while the song has a listener, or a listener may come back."""
        return self._sink.has_listener

    @property
    def unsent_seconds(self) -> float:
        """Seconds of the song's sound that were rendered and that no listener has read."""
        return self._back_pressure.unsent_seconds

    @property
    def repeats(self) -> bool:
        """True while the song's new sound is already stored, because another server has made it before."""
        return self._sink.repeats

    @property
    def sound_seconds(self) -> float:
        """Length of the sound that was sent to listeners, in seconds."""
        return self._delivery.sound_seconds

    def cancel(self) -> None:
        """Stop making the song; no effect if the song has ended."""
        if not self.state.ended:
            self._end(SongState.CANCELLED)

    def pause(self) -> None:
        """Stop the work on the song until `resume` is called."""
        self._paused = True

    def resume(self) -> None:
        """Continue the work on the song after `pause`."""
        if self._paused:
            self._paused = False
            self._parts.on_room()

    def fail(self, error: ServiceError) -> None:
        """End the song with an error for its listeners; no effect if the song has ended."""
        if not self.state.ended:
            self._end(SongState.FAILED, error)

    def heartbeat(self, waiting: QueueStatus, silence_seconds: float) -> None:
        """Send the event `waiting` (queue position and ETA) if no event was sent for `silence_seconds`."""
        if not self.state.ended and self._delivery.silent_for(silence_seconds):
            self._delivery.send([waiting])

    def started(self) -> None:
        """Record that a worker begins with the song; only the first call has an effect."""
        if self.state is not SongState.QUEUED:
            return
        self.state = SongState.RUNNING
        self.clocks.started_at = self._parts.clock()
        self.report.started(self.clocks.queued_seconds)

    def planned(self, made: PlanMade) -> None:
        """Record the number of denoising steps of the song's plan. Listeners get the plan itself as the first event of
        the encoder.
        """
        self.steps = made.plan.steps

    def stepped(self, step: SectionStep, seconds: float) -> None:
        """Send an event with the progress of a section, at most every 0.25 s; `seconds` is the device time of the whole
        step.

        Before the plan was sent only the latest progress is stored, and sent right after the plan.
        """
        self.clocks.denoising_seconds += seconds
        if (now := self._parts.clock()) < self._progress_at + _PROGRESS_SECONDS:
            return
        self._progress_at = now
        progress = Progressed(step.section.index, step.step, step.steps, denoises=self.steps is not None)
        if self._plan_sent:
            self._delivery.send([progress])
        else:
            self._early_progress = progress

    def rendered(self, rendered: Rendered) -> None:
        """Record that a window of sound was sent to the encoder. After the last window the song completes if it is
        already encoded.
        """
        self.clocks.rendering_seconds += rendered.seconds
        if self.clocks.first_sound_at is None:
            self.clocks.first_sound_at = self._parts.clock()
        self._back_pressure.rendered(rendered)
        if rendered.ends_song:
            self._all_rendered = True
            self.complete()

    def encoded(self, encoded: Encoded) -> None:
        """Send encoded events to the listeners, except those that were sent before an encoder was lost.

        Raises:
            StreamDiffers: the new encoder has made a different stream.
        """
        events = self._stream.new_events(encoded)
        whole = events.pop() if events and isinstance(events[-1], SongCompleted) else None
        if encoded.section_ended is None or whole is not None:
            self.report.encoded(encoded.seconds, encoded.sound_seconds, encoded.start_ns, encoded.end_ns)
        if encoded.section_ended is not None:
            self.report.section_encoded(encoded.section_ended)
        self._back_pressure.encoded(encoded.sound_seconds)
        self._delivery.send(events)
        if events and isinstance(events[0], Planned):
            self._note_plan_sent()
        self._back_pressure.update()
        if isinstance(whole, SongCompleted):
            self._whole = whole
            if self._all_rendered:
                self.complete()

    def complete(self) -> bool:
        """Complete the song if all of its sound is encoded; return True if this call has completed it.

        The song completes only after the worker has reported the last window (`rendered`) and the encoder the last
        chunk (`encoded`), whichever comes later.
        """
        if self._whole is None or self.state.ended:
            return False
        completed = replace(
            self._whole,
            queued_seconds=self.clocks.queued_seconds,
            denoising_seconds=self.clocks.denoising_seconds,
            rendering_seconds=self.clocks.rendering_seconds,
        )
        self._delivery.send([completed])
        self._end(SongState.COMPLETED)
        return True

    def encoder_lost(self) -> None:
        """Expect all encoded sound of the song again from its beginning, because the song's encoder was lost."""
        self._stream.restart()
        self._back_pressure.restart()
        self._all_rendered = False

    def _note_plan_sent(self) -> None:
        self._plan_sent = True
        if self._early_progress is not None:
            self._delivery.send([self._early_progress])

    def _end(self, state: SongState, error: ServiceError | None = None) -> None:
        self.state = state
        self.clocks.ended_at = self._parts.clock()
        self.clocks.held_seconds = self._back_pressure.held_seconds
        self._delivery.end(error)
        self.report.ended(
            state,
            self.clocks,
            sound_seconds=self._delivery.sound_seconds,
            underrun_seconds=self._delivery.underrun_seconds,
            error=error,
        )
        self.on_end.close()
