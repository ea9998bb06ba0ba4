"""Converts the events of a song to messages of the API, and appends them to the song's recording (event log)."""

from collections.abc import Callable

from typing_extensions import override

from server.contract.events import event_message
from server.contract.status import outcome_of
from server.errors import ServiceError, SongCancelled
from server.song import Chunk, SongEvent, SongRequest, SongState
from server.songs.ports import EventSink
from server.songs.recordings.recording import Recording


class Recorder(EventSink):
    """Receives the events of one song from the part of the server that makes it, and appends them to the song's
    recording (event log), without blocking.
    """

    def __init__(
        self,
        recording: Recording,
        request: SongRequest,
        now_ns: Callable[[], int],
        on_end: Callable[[float], None] = lambda sound_seconds: None,
    ) -> None:
        """Set up the recorder of one song; `now_ns` returns wall-clock time in nanoseconds since 1970. `on_end` is
        called at the end of the song, with the length of its sound in seconds.
        """
        self._recording = recording
        self._request = request
        self._now_ns = now_ns
        self._on_end = on_end
        self._sound_seconds = 0.0

    @property
    @override
    def unheard_bytes(self) -> int:
        return self._recording.sound.unheard_bytes

    @property
    @override
    def unheard_seconds(self) -> float:
        return self._recording.sound.unheard_seconds

    @property
    @override
    def has_listener(self) -> bool:
        return self._recording.has_listener

    @property
    @override
    def repeats(self) -> bool:
        return False

    @override
    def on_heard(self, callback: Callable[[], None]) -> None:
        self._recording.sound.on_heard(callback)

    @override
    def append(self, event: SongEvent) -> None:
        if isinstance(event, Chunk):
            self._sound_seconds += event.duration_seconds
        if not self._recording.ended:
            self._recording.append(event_message(event, self._request))

    @override
    def end(self, error: ServiceError | None = None) -> None:
        self._recording.sound.on_heard(lambda: None)  # this drops the reference to the job, which needs no more calls
        if error is not None:
            fail(self._recording, error, self._now_ns())
        elif self._recording.complete:
            self._recording.end(SongState.COMPLETED, self._now_ns())
        else:
            self._recording.end(
                SongState.CANCELLED,
                self._now_ns(),
                SongCancelled("the song was ended before it was complete: request it again"),
            )
        self._on_end(self._sound_seconds)


def fail(recording: Recording, error: ServiceError, now_ns: int) -> None:
    """End a song's recording (event log) as failed, with `error` for its listeners and the error's reason in the song's
    record.
    """
    recording.end(SongState.FAILED, now_ns, error, reason=outcome_of(error).reason)
