"""Computes the device time of a song that shares denoising steps with a number of other songs, from expectation and
measurement.
"""

from dataclasses import dataclass

from server.estimation.forecast import Work
from server.scheduling.capacity.step_sharing import StepSharing
from server.scheduling.device_usage import DeviceUsage

MEASURED_SECONDS = 10.0
"""Seconds of sound that must have been made before their measured cost is used."""


@dataclass(frozen=True, slots=True)
class SongCost:
    """Device seconds of one song, computed as if all its steps were shared by the present number of songs.

    The song is expected to take `total_seconds`, of which `first_seconds` precede first audio. It has taken
    `used_seconds` for `made_seconds` of its `length_seconds` of sound.
    """

    total_seconds: float
    first_seconds: float
    used_seconds: float
    made_seconds: float
    length_seconds: float

    @property
    def expected_seconds(self) -> float:
        """Expected device seconds of the work done so far: first audio, and the sound made so far."""
        part = self.made_seconds / self.length_seconds if self.made_seconds else 0.0
        return self.first_seconds + part * (self.total_seconds - self.first_seconds)

    def pace(self, slowdown: float) -> float:
        """Return the device seconds per second of the remaining sound; `slowdown` is the factor by which the device is
        slower than expected.

        The pace is the highest of three: that of the whole song, of the sound made so far, and of the remaining
        expected work. Sections differ in cost, and the cheap ones may come first.
        """
        paces = [slowdown * self.total_seconds / self.length_seconds]
        if self.made_seconds >= MEASURED_SECONDS:
            paces.append(self.used_seconds / self.made_seconds)
        if left_seconds := self.left_sound_seconds:
            paces.append((slowdown * self.total_seconds - self.used_seconds) / max(left_seconds, 1.0))
        return max(paces)

    @property
    def left_sound_seconds(self) -> float:
        """Seconds of sound that remain to be made."""
        return max(0.0, self.length_seconds - self.made_seconds)


def expected_seconds(work: Work, sharing: StepSharing, songs: int) -> float:
    """Return the expected device seconds of a whole song if `songs` songs on the device share steps."""
    lone_steps = work.step_seconds + work.total_seconds * (work.stretch - 1.0)
    other = work.total_seconds - work.step_seconds
    if not work.step_seconds:
        return other
    return other + sharing.divided_seconds(lone_steps, lone_steps / work.step_seconds, songs)


def used_seconds(usage: DeviceUsage, sharing: StepSharing, songs: int) -> float:
    """Return the device seconds that a song would have used so far if `songs` songs on the device had shared steps."""
    if not usage.step_seconds:
        return usage.other_seconds
    shared_by = usage.whole_step_seconds / usage.step_seconds
    return usage.other_seconds + sharing.divided_seconds(usage.whole_step_seconds, shared_by, songs)
