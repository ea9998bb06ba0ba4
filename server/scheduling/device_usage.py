"""Accounts for the device time that one song has used and is expected to need."""

from dataclasses import dataclass

from server.scheduling.fair_share import FairShare


@dataclass(slots=True)
class DeviceUsage:
    """Device time that a song has used over all its attempts, in seconds. The time of a shared step is divided among
    the songs by their tokens.

    `whole_step_seconds` is the time of the same steps undivided. `first_seconds` was spent until the first sound.
    """

    step_seconds: float = 0.0
    whole_step_seconds: float = 0.0
    other_seconds: float = 0.0
    first_seconds: float | None = None

    @property
    def total_seconds(self) -> float:
        """Total device time charged to the song, in seconds."""
        return self.step_seconds + self.other_seconds

    def note_first_audio(self) -> None:
        """Record that the song has its first audio; only the first call has an effect."""
        if self.first_seconds is None:
            self.first_seconds = self.total_seconds


@dataclass(slots=True)
class SongAccount:
    """The account of one song's device time, which is also charged to the fair share of the song's caller.

    `left_seconds` is the remaining work by the estimate at the song's arrival, in device seconds; never below 0.
    """

    caller: str
    shares: FairShare
    usage: DeviceUsage
    left_seconds: float

    def open(self) -> None:
        """Count the song among the present songs of its caller."""
        self.shares.enter(self.caller)

    def close(self) -> None:
        """Stop counting the song among the present songs of its caller."""
        self.shares.leave(self.caller)

    def reserve(self) -> float:
        """Charge the song's remaining work to its caller in advance, when the song gets a slot. Return this work in
        device seconds.
        """
        self.shares.reserve(self.caller, self.left_seconds)
        return self.left_seconds

    def release(self) -> float:
        """Cancel the charge in advance for the song's remaining work, when the song leaves its slot. Return this work
        in device seconds.
        """
        self.shares.reserve(self.caller, -self.left_seconds)
        return self.left_seconds

    def charge_step(self, seconds: float, step_seconds: float) -> float:
        """Charge the song for `seconds`, its part of a shared step that took `step_seconds`. Return by how many seconds
        the remaining work has decreased.
        """
        self.usage.step_seconds += seconds
        self.usage.whole_step_seconds += step_seconds
        return self._charge(seconds)

    def charge_alone(self, seconds: float) -> float:
        """Charge the song for `seconds` of work that was done only for it. Return by how many seconds the remaining
        work has decreased.
        """
        self.usage.other_seconds += seconds
        return self._charge(seconds)

    def _charge(self, seconds: float) -> float:
        done = min(seconds, self.left_seconds)
        self.left_seconds -= done
        self.shares.charge(self.caller, seconds)
        self.shares.reserve(self.caller, -done)
        return done
