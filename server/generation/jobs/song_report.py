"""Reports the events of one song to metrics and traces."""

from server.errors import InvalidRequest, ServiceError
from server.generation.jobs.song_clocks import SongClocks
from server.song import SongState
from server.telemetry.metrics import Metrics
from server.telemetry.song_metrics import SongOutcome, SongVerdict
from server.telemetry.traces.song_trace import SongTrace


class SongReport:
    """Reports the events of one song to metrics and to the song's trace."""

    def __init__(self, engine: str, metrics: Metrics, trace: SongTrace) -> None:
        self._engine = engine
        self._trace = trace
        self._metrics = metrics

    def started(self, queued_seconds: float) -> None:
        """Report that work on the song begins, after `queued_seconds` in the queue."""
        self._trace.started()
        self._metrics.songs.started(self._engine, queued_seconds, self._trace.trace_id)

    def first_chunk(self, seconds: float) -> None:
        """Report the song's first chunk of sound, `seconds` after admission."""
        self._trace.first_chunk()
        self._metrics.songs.first_audio(self._engine, seconds, self._trace.trace_id)

    def chunk(self, size_bytes: int) -> None:
        """Report that a chunk of sound, `size_bytes` long, was sent to the listeners."""
        self._metrics.streams.chunk(self._engine, size_bytes)

    def encoded(self, seconds: float, sound_seconds: float, start_ns: int, end_ns: int) -> None:
        """Report that the encoder has worked for `seconds` on `sound_seconds` of sound; `start_ns` and `end_ns` are the
        wall-clock times of start and end, in nanoseconds since 1970.
        """
        if sound_seconds:
            self._trace.encoded(start_ns, end_ns)
        self._metrics.streams.encoded(self._engine, seconds=seconds, sound_seconds=sound_seconds)

    def section_encoded(self, index: int) -> None:
        """Report that all sound of section `index` was encoded."""
        self._trace.section_encoded(index)

    def section_sent(self, index: int) -> None:
        """Report that all sound of section `index` was sent to the listeners."""
        self._trace.section_sent(index)

    def retried(self, cause: str) -> None:
        """Report that a new attempt at the song begins; `cause` is the label of the failure of the previous attempt."""
        self._metrics.songs.retried(self._engine, cause)
        self._trace.retried(cause)

    def ended(
        self,
        state: SongState,
        clocks: SongClocks,
        *,
        sound_seconds: float,
        underrun_seconds: float,
        error: ServiceError | None,
    ) -> None:
        """Report the end of the song to metrics and trace, with its durations, length and underruns."""
        outcome = SongOutcome.REJECTED if isinstance(error, InvalidRequest) else SongOutcome(state.value)
        trace_id = self._trace.trace_id
        songs = self._metrics.songs
        songs.ended(self._engine, outcome, clocks.latency_seconds, sound_seconds, trace_id)
        songs.held(self._engine, clocks.held_seconds)
        if outcome in (SongOutcome.COMPLETED, SongOutcome.FAILED):
            good = SongVerdict.STALLED if underrun_seconds else SongVerdict.GOOD
            songs.judged(self._engine, good if outcome is SongOutcome.COMPLETED else SongVerdict.FAILED)
        if clocks.first_chunk_at is not None:
            self._metrics.streams.underrun(self._engine, underrun_seconds, trace_id)
        self._trace.ended(outcome, sound_seconds)
