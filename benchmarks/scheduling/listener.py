"""Simulates the listener of one song, who plays the song in real time from its first sound on."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Listener:
    """A simulated listener who requested a song of `seconds` at the time `arrived_at` and plays it in real time. For
    songs without a listener an object that never plays is used.

    `silences` are the times at which the buffer ran empty, each with the seconds until playback continued. The sound
    received so far lasts until `plays_until`.
    """

    arrived_at: float
    seconds: float
    present: bool = True
    first_audio_at: float | None = None
    complete_at: float | None = None
    plays_until: float = 0.0
    heard_seconds: float = 0.0
    silences: list[tuple[float, float]] = field(default_factory=list)

    def hear(self, now: float, seconds: float) -> None:
        """Receive `seconds` of sound that arrive at the time `now`."""
        if self.first_audio_at is None:
            self.first_audio_at = self.plays_until = now
        self._be_silent(now)
        self.plays_until = max(now, self.plays_until) + seconds
        self.heard_seconds += seconds
        if self.heard_seconds >= self.seconds - 1e-6:
            self.complete_at = now

    def stop(self, now: float) -> None:
        """Stop listening; a silence that has begun is recorded."""
        if self.first_audio_at is not None and self.complete_at is None:
            self._be_silent(now)
        self.plays_until = min(self.plays_until, now)

    @property
    def first_audio_seconds(self) -> float | None:
        """Time from the request to the first sound, in seconds; `None` if no sound arrived."""
        return None if self.first_audio_at is None else self.first_audio_at - self.arrived_at

    @property
    def worst_silence(self) -> float:
        """The longest interruption of playback in seconds."""
        return max((seconds for _, seconds in self.silences), default=0.0)

    def _be_silent(self, now: float) -> None:
        if now > self.plays_until + 1e-9:
            self.silences.append((self.plays_until, now - self.plays_until))
