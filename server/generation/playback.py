"""What a listener has heard and what is new to him: two small accounts of one song's sound."""

from dataclasses import dataclass

from model.song import Window
from server.workers.messages import Rendered, SectionKey


@dataclass(slots=True)
class Playback:
    """A player that starts with the first chunk and plays whatever there is, in real time."""

    underrun_seconds: float = 0.0
    sound_seconds: float = 0.0
    _ends_at: float | None = None

    def add(self, now: float, seconds: float) -> None:
        """Take a chunk of `seconds` that is there at `now`."""
        ends_at = now if self._ends_at is None else self._ends_at
        self.underrun_seconds += max(0.0, now - ends_at)
        self._ends_at = max(now, ends_at) + seconds
        self.sound_seconds += seconds


@dataclass(slots=True)
class Received:
    """How much of a section's sound has come, over all attempts at it, and where the present attempt is."""

    _attempt: SectionKey | None = None
    _samples: int = 0
    _position: int = 0

    def new_part(self, rendered: Rendered) -> Window:
        """The part of a window that no attempt has brought before, shape [channels, samples]; perhaps none of it."""
        self._turn_to(rendered.section)
        start = max(0, min(rendered.samples, self._samples - self._position))
        self._position += rendered.samples
        self._samples = max(self._samples, self._position)
        return rendered.window[:, start:]

    def _turn_to(self, section: SectionKey) -> None:
        if section == self._attempt:
            return
        if self._attempt is None or section.index != self._attempt.index:
            self._samples = 0
        self._attempt, self._position = section, 0
