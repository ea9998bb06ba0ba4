"""Device time that one song has used so far, and that it still needs."""

from dataclasses import dataclass

from server.scheduling.fair_share import FairShare


@dataclass(slots=True)
class DeviceUsage:
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

    def note_first_audio(self) -> None:
        """Note that the song has sound; only the first time counts."""
        if self.first_seconds is None:
            self.first_seconds = self.total_seconds


@dataclass(slots=True)
class SongAccount:
    """The device time of one song. What the song uses and needs also counts for its caller's share.

    `left_seconds` is the work that should be left, by the estimate made when the song came; never less than 0.
    """

    caller: str
    shares: FairShare
    usage: DeviceUsage
    left_seconds: float

    def open(self) -> None:
        """Counts the song among its caller's."""
        self.shares.enter(self.caller)

    def close(self) -> None:
        """Counts the song no longer."""
        self.shares.leave(self.caller)

    def reserve(self) -> float:
        """Reserves the work left, when the song gets a slot. Returns it, in device seconds."""
        self.shares.reserve(self.caller, self.left_seconds)
        return self.left_seconds

    def release(self) -> float:
        """Gives the reserved work back, when the song leaves its slot. Returns it, in device seconds."""
        self.shares.reserve(self.caller, -self.left_seconds)
        return self.left_seconds

    def charge_step(self, seconds: float, step_seconds: float) -> float:
        """Charges `seconds` of a shared step that took `step_seconds`. Returns what was taken off the work left."""
        self.usage.step_seconds += seconds
        self.usage.whole_step_seconds += step_seconds
        return self._charge(seconds)

    def charge_alone(self, seconds: float) -> float:
        """Charges work that was done for the song alone. Returns what was taken off the work left."""
        self.usage.other_seconds += seconds
        return self._charge(seconds)

    def _charge(self, seconds: float) -> float:
        done = min(seconds, self.left_seconds)
        self.left_seconds -= done
        self.shares.charge(self.caller, seconds)
        self.shares.reserve(self.caller, -done)
        return done
