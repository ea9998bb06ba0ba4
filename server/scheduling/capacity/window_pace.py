"""Estimates the duration of rendering a window (a short part of a section's sound), and chooses the number of windows
per command.
"""

from dataclasses import dataclass

WINDOWS = 4
"""Most windows of sound that one command renders. Windows are grouped by this number from the beginning of a
section.
"""

_COMMAND_SECONDS, _COMMAND_SOUND_SECONDS = 0.01, 4.0
_MEMORY = 0.8


@dataclass(slots=True)
class WindowPace:
    """Device seconds, and seconds of sound, of one rendered window (short part of a section's sound) of an engine, as
    exponentially weighted means.
    """

    seconds: float = 0.0
    sound_seconds: float = 0.0

    def add(self, windows: int, seconds: float, sound_seconds: float) -> None:
        """Update the means with a measurement: `windows` windows took `seconds` and have `sound_seconds` of sound in
        total.
        """
        kept = _MEMORY if self.sound_seconds else 0.0
        self.seconds = kept * self.seconds + (1 - kept) * seconds / windows
        self.sound_seconds = kept * self.sound_seconds + (1 - kept) * sound_seconds / windows

    @property
    def windows(self) -> int:
        """The number of windows that the next command should render, 1 to `WINDOWS`: several if windows are short, one
        until their duration is known.

        Several windows per command save about a millisecond of overhead each. A window is sent to the encoder as soon
        as it is rendered, so sound is not delayed. The limits restrict the time for which other songs wait, and the
        sound that waits for the encoder.
        """
        if not self.sound_seconds:
            return 1
        in_time = int(_COMMAND_SECONDS / max(self.seconds, 1e-6))
        return max(1, min(WINDOWS, in_time, int(_COMMAND_SOUND_SECONDS / self.sound_seconds)))
