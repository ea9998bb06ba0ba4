"""The time that windows take, learnt while serving, and how many of them one command makes."""

from dataclasses import dataclass

WINDOWS = 4
"""Windows of a section that one command makes at most; the groups are counted from the section's beginning."""

_COMMAND_SECONDS, _COMMAND_SOUND_SECONDS = 0.01, 4.0
_MEMORY = 0.8


@dataclass(slots=True)
class WindowPace:
    """Seconds of device time and of sound of one window of an engine, as means with fading memory."""

    seconds: float = 0.0
    sound_seconds: float = 0.0

    def add(self, windows: int, seconds: float, sound_seconds: float) -> None:
        """Take in windows that were made."""
        kept = _MEMORY if self.sound_seconds else 0.0
        self.seconds = kept * self.seconds + (1 - kept) * seconds / windows
        self.sound_seconds = kept * self.sound_seconds + (1 - kept) * sound_seconds / windows

    @property
    def windows(self) -> int:
        """The windows of one command, 1 to `WINDOWS`: several where they are short, and until that is known just one.

        Each window leaves for the encoder at once, so that none comes later. What is exchanged for a command costs a
        millisecond; the limits bound how long other songs wait for it, and the sound that waits for the encoder then.
        """
        if not self.sound_seconds:
            return 1
        in_time = int(_COMMAND_SECONDS / max(self.seconds, 1e-6))
        return max(1, min(WINDOWS, in_time, int(_COMMAND_SOUND_SECONDS / self.sound_seconds)))
