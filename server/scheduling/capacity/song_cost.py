"""The cost of a song among a number of others, from that of songs like it and from its own so far."""

from dataclasses import dataclass

from server.estimation.forecast import Work
from server.scheduling.capacity.step_sharing import StepSharing
from server.scheduling.device_usage import DeviceUsage

MEASURED_SECONDS = 10.0
"""Sound after which what songs have taken tells their cost better than what others took."""


@dataclass(frozen=True, slots=True)
class SongCost:
    """Device seconds of one song, as if all of its steps were shared among the present number of songs.

    All of it should take `total_seconds`, of which `first_seconds` come before its first sound, and has taken
    `used_seconds` for `made_seconds` of its `length_seconds` of sound.
    """

    total_seconds: float
    first_seconds: float
    used_seconds: float
    made_seconds: float
    length_seconds: float

    @property
    def expected_seconds(self) -> float:
        """The time that the sound which is made should have taken."""
        part = self.made_seconds / self.length_seconds if self.made_seconds else 0.0
        return self.first_seconds + part * (self.total_seconds - self.first_seconds)

    def pace(self, slowdown: float) -> float:
        """Device seconds for a second of the sound that is left, on a device that takes `slowdown` times as long.

        The dearest of three: that of the whole song, its own so far, and what is left of what all of it should take;
        sections differ, and the cheap ones may come first.
        """
        paces = [slowdown * self.total_seconds / self.length_seconds]
        if self.made_seconds >= MEASURED_SECONDS:
            paces.append(self.used_seconds / self.made_seconds)
        if left_seconds := self.left_sound_seconds:
            paces.append((slowdown * self.total_seconds - self.used_seconds) / max(left_seconds, 1.0))
        return max(paces)

    @property
    def left_sound_seconds(self) -> float:
        """Sound that is still to be made."""
        return max(0.0, self.length_seconds - self.made_seconds)


def expected_seconds(work: Work, sharing: StepSharing, songs: int) -> float:
    """Device seconds of all of a song among `songs` songs."""
    lone_steps = work.step_seconds + work.total_seconds * (work.stretch - 1.0)
    other = work.total_seconds - work.step_seconds
    if not work.step_seconds:
        return other
    return other + sharing.divided_seconds(lone_steps, lone_steps / work.step_seconds, songs)


def used_seconds(usage: DeviceUsage, sharing: StepSharing, songs: int) -> float:
    """Device seconds that a song has taken, had its steps been shared among `songs` songs."""
    if not usage.step_seconds:
        return usage.other_seconds
    shared_by = usage.whole_step_seconds / usage.step_seconds
    return usage.other_seconds + sharing.divided_seconds(usage.whole_step_seconds, shared_by, songs)
