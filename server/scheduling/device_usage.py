"""What one song has taken of its devices so far."""

from dataclasses import dataclass


@dataclass(slots=True)
class Usage:
    """Device seconds, over all attempts. A step's time is divided among the songs that share it, by their tokens.

    `whole_step_seconds` are the same steps undivided. `first_seconds` were spent until the first sound was made.
    """

    step_seconds: float = 0.0
    whole_step_seconds: float = 0.0
    other_seconds: float = 0.0
    first_seconds: float | None = None

    @property
    def total_seconds(self) -> float:
        """Everything that was charged to the song."""
        return self.step_seconds + self.other_seconds

    def heard(self) -> None:
        """Note that the song has sound; only the first time counts."""
        if self.first_seconds is None:
            self.first_seconds = self.total_seconds
