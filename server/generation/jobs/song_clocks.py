"""Measures the durations of one song's phases: waiting, denoising, rendering, first audio, end."""


class SongClocks:
    """Durations of the phases of one song, in seconds; times are those of the server's monotonic clock."""

    def __init__(self, submitted_at: float) -> None:
        self.submitted_at = submitted_at
        self.started_at = submitted_at
        self.ended_at = submitted_at
        self.first_sound_at: float | None = None
        self.first_chunk_at: float | None = None
        self.denoising_seconds = 0.0
        self.rendering_seconds = 0.0
        self.held_seconds = 0.0
        """Total time, in seconds, for which the song was paused because its listeners had not read its sound; set at
        the song's end.
        """

    @property
    def queued_seconds(self) -> float:
        """Seconds from the song's admission to the first work on it."""
        return self.started_at - self.submitted_at

    @property
    def first_audio_seconds(self) -> float | None:
        """Seconds from the song's admission to its first chunk; `None` before the first chunk."""
        return None if self.first_chunk_at is None else self.first_chunk_at - self.submitted_at

    @property
    def lag_seconds(self) -> float:
        """Seconds from the first rendered sound to the first encoded chunk; 0 before the first chunk."""
        if self.first_chunk_at is None or self.first_sound_at is None:
            return 0.0
        return self.first_chunk_at - self.first_sound_at

    @property
    def latency_seconds(self) -> float:
        """Seconds from the song's admission to its end, without the time in which it was paused because of its
        listeners.
        """
        return self.ended_at - self.submitted_at - self.held_seconds
