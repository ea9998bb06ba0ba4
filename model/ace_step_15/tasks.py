"""Defines the tasks that the model was trained for, and the instruction of each. The module is free of torch.

The wording of the instructions is that of the training data.
"""

from dataclasses import dataclass
from typing import TypeAlias

from model.song import Track


@dataclass(frozen=True, slots=True)
class TextToMusic:
    """Makes a song from words alone."""

    @property
    def instruction(self) -> str:
        """The instruction for the text encoder."""
        return "Fill the audio semantic mask based on the given conditions:"


@dataclass(frozen=True, slots=True)
class RepaintWindow:
    """Makes the frames from `start` to `end` anew. With `protect`, the others stay as they are."""

    start: int
    end: int
    protect: bool = True

    @property
    def instruction(self) -> str:
        """The instruction for the text encoder."""
        return "Repaint the mask area based on the given conditions:"


@dataclass(frozen=True, slots=True)
class Cover:
    """Makes a song with the melody and rhythm of a source, followed with `strength`, 0 to 1."""

    strength: float = 1.0

    @property
    def instruction(self) -> str:
        """The instruction for the text encoder."""
        return "Generate audio semantic tokens based on the given conditions:"


@dataclass(frozen=True, slots=True)
class ExtractTrack:
    """Makes one track of a source."""

    track: Track

    @property
    def instruction(self) -> str:
        """The instruction for the text encoder."""
        return f"Extract the {self.track.upper()} track from the audio:"


@dataclass(frozen=True, slots=True)
class Lego:
    """Makes one more track for a source, in its frames from `start` to `end`, or to its end for `None`."""

    track: Track
    start: int = 0
    end: int | None = None

    @property
    def instruction(self) -> str:
        """The instruction for the text encoder."""
        return f"Generate the {self.track.upper()} track based on the audio context:"


@dataclass(frozen=True, slots=True)
class Complete:
    """Adds `tracks` to a source, or, without any, those that the model chooses."""

    tracks: tuple[Track, ...] = ()

    @property
    def instruction(self) -> str:
        """The instruction for the text encoder."""
        if not self.tracks:
            return "Complete the input track:"
        return f"Complete the input track with {' | '.join(track.upper() for track in self.tracks)}:"


ModelTask: TypeAlias = TextToMusic | RepaintWindow | Cover | ExtractTrack | Lego | Complete
