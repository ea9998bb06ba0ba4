"""Sends one song's events to its listeners, and measures the buffer underruns of a simulated player."""

from collections.abc import Callable, Sequence

from server.errors import ServiceError
from server.generation.jobs.playback import Playback
from server.generation.jobs.song_clocks import SongClocks
from server.generation.jobs.song_report import SongReport
from server.song import Chunk, SectionSent, SongEvent
from server.songs.ports import EventSink


class Delivery:
    """Sends events to a song's sink (the object that passes them on to listeners), and reports first audio, chunks and
    buffer underruns to the metrics.
    """

    def __init__(self, sink: EventSink, *, clocks: SongClocks, report: SongReport, clock: Callable[[], float]) -> None:
        self._sink = sink
        self._clocks = clocks
        self._report = report
        self._clock = clock
        self._playback = Playback()
        self._sent_at = clocks.submitted_at

    @property
    def sound_seconds(self) -> float:
        """Length of the sound that was sent, in seconds."""
        return self._playback.sound_seconds

    @property
    def underrun_seconds(self) -> float:
        """Seconds of silence (buffer underruns) so far for a listener who started with the first chunk."""
        return self._playback.underrun_seconds

    def silent_for(self, seconds: float) -> bool:
        """Return True if no event of the song was sent for at least `seconds`."""
        return self._clock() >= self._sent_at + seconds

    def send(self, events: Sequence[SongEvent]) -> None:
        """Send events of the song to its listeners, in order."""
        if events:
            self._sent_at = self._clock()
        for event in events:
            self._sink.append(event)
            if isinstance(event, Chunk):
                self._note(event)
            elif isinstance(event, SectionSent):
                self._report.section_sent(event.section_index)

    def end(self, error: ServiceError | None = None) -> None:
        """End the song's stream of events; listeners get `error` if it is given."""
        self._sink.end(error)

    def _note(self, chunk: Chunk) -> None:
        now = self._clock()
        self._report.chunk(len(chunk.data))
        if self._clocks.first_chunk_at is None:
            self._clocks.first_chunk_at = now
            self._report.first_chunk(now - self._clocks.submitted_at)
        self._playback.add(now, chunk.duration_seconds)
