"""Holds a song back while its listeners or its encoder have enough to do."""

from collections.abc import Callable

from server.encoders.section_positions import SectionPositions
from server.songs.ports import EventSink
from server.workers.messages import Rendered

_MAX_UNENCODED_SECONDS = 4.0


class BackPressure:
    """Adds up one song's sound that waits for the encoder and encoded sound that no listener has taken."""

    def __init__(
        self, sink: EventSink, capacity_bytes: int, on_room: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        """The song is full with `capacity_bytes` unheard; `on_room` is called whenever a full song stops being full.

        `clock` gives seconds and never goes back.
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
        """True while no more sound should be made."""
        self.unsent_seconds = 0.0
        """Sound that is made and that no listener has taken yet, in seconds."""
        sink.on_heard(self.update)

    @property
    def held_seconds(self) -> float:
        """Time so far in which the song was held back because its listeners had not taken what was made."""
        return self._held_seconds + (0.0 if self._held_since is None else self._clock() - self._held_since)

    def rendered(self, rendered: Rendered) -> None:
        """Note sound that waits for the encoder, which leaves out what an earlier attempt has brought."""
        new = self._positions.new_samples(rendered.section, rendered.samples)
        self._unencoded_seconds += new / rendered.sample_rate_hertz
        if rendered.last:
            self._positions.end(rendered.section)
        self.update()

    def restart(self) -> None:
        """Note that the encoder has lost all sound of the song, and is to get it from the beginning."""
        self._unencoded_seconds, self._positions = 0.0, SectionPositions()
        self.update()

    def encoded(self, seconds: float) -> None:
        """Note sound that the encoder has done with; `update` follows when its chunks are with the listeners."""
        self._unencoded_seconds -= seconds

    def update(self) -> None:
        """Add up again. The sums are kept, because every decision of the scheduler reads those of all songs."""
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
