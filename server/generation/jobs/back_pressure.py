"""Pauses a song while its encoder or its listeners lag behind (back-pressure)."""

from collections.abc import Callable

from server.encoders.section_positions import SectionPositions
from server.songs.ports import EventSink
from server.workers.messages import Rendered

_MAX_UNENCODED_SECONDS = 4.0


class BackPressure:
    """Tracks two amounts of one song's sound: rendered but not encoded, and encoded but not read by a listener. Too
    much of either pauses the song.
    """

    def __init__(
        self, sink: EventSink, capacity_bytes: int, on_room: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        """Set up the back-pressure of a song. The song is full while `capacity_bytes` of its encoded sound are unread,
        or while too much sound waits for the encoder.

        `on_room` is called when the song stops being full; `clock` returns monotonic seconds.
        """
        self._sink = sink
        self._capacity_bytes = capacity_bytes
        self._on_room = on_room
        self._clock = clock
        self._held_seconds = 0.0
        self._held_since: float | None = None
        self._unencoded_seconds = 0.0
        self._positions = SectionPositions()
        self.full = False
        """True while no more sound of the song should be made."""
        self.unsent_seconds = 0.0
        """Seconds of the song's sound that were rendered and that no listener has read."""
        sink.on_heard(self.update)

    @property
    def held_seconds(self) -> float:
        """Total time so far in which the song was paused because its listeners had not read its sound."""
        return self._held_seconds + (0.0 if self._held_since is None else self._clock() - self._held_since)

    def rendered(self, rendered: Rendered) -> None:
        """Add a window of sound that was sent to the encoder; sound that an earlier attempt at the song has sent is not
        counted again.
        """
        new = self._positions.new_samples(rendered.section, rendered.samples)
        self._unencoded_seconds += new / rendered.sample_rate_hertz
        if rendered.last:
            self._positions.end(rendered.section)
        self.update()

    def restart(self) -> None:
        """Record that the encoder has lost all sound of the song, so that the sound is sent again from the
        beginning.
        """
        self._unencoded_seconds, self._positions = 0.0, SectionPositions()
        self.update()

    def encoded(self, seconds: float) -> None:
        """Record that the encoder has finished `seconds` of sound. Call `update` after the encoded chunks were sent to
        the listeners.
        """
        self._unencoded_seconds -= seconds

    def update(self) -> None:
        """Recompute `full` and `unsent_seconds`. Both are stored, because every decision of the scheduler reads the
        values of all songs.
        """
        was_full, full_encoder = self.full, self._unencoded_seconds >= _MAX_UNENCODED_SECONDS
        unheard = self._sink.unheard_bytes >= self._capacity_bytes
        self._note_held(unheard)
        self.full = full_encoder or unheard
        self.unsent_seconds = self._sink.unheard_seconds + self._unencoded_seconds
        if was_full and not self.full:
            self._on_room()

    def _note_held(self, held: bool) -> None:
        if held and self._held_since is None:
            self._held_since = self._clock()
        elif not held and self._held_since is not None:
            self._held_seconds, self._held_since = self.held_seconds, None
