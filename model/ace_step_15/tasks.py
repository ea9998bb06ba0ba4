"""Tasks that the model was trained for, such as cover and repaint, and the instruction text of each. The module does
not import torch.

The wording of the instructions is that of the training data.
"""

from dataclasses import dataclass
from typing import TypeAlias

from model.tasks import Track


@dataclass(frozen=True, slots=True)
class TextToMusic:
    """Task: generate a song from its prompt and lyrics alone."""

    @property
    def instruction(self) -> str:
        """Text that instructs the model to do this task; a part of the text encoder's input."""
        return "Fill the audio semantic mask based on the given conditions:"


@dataclass(frozen=True, slots=True)
class RepaintWindow:
    """Task: generate the frames from `start` to `end` of a recording anew. If `protect` is True, the other frames stay
    as they are.
    """

    start: int
    end: int
    protect: bool = True

    @property
    def instruction(self) -> str:
        """Text that instructs the model to do this task; a part of the text encoder's input."""
        return "Repaint the mask area based on the given conditions:"


@dataclass(frozen=True, slots=True)
class Cover:
    """Task: generate a song with the melody and rhythm of a source recording; `strength`, 0 to 1, is the influence of
    the recording.
    """

    strength: float = 1.0

    @property
    def instruction(self) -> str:
        """Text that instructs the model to do this task; a part of the text encoder's input."""
        return "Generate audio semantic tokens based on the given conditions:"


@dataclass(frozen=True, slots=True)
class ExtractTrack:
    """Task: extract one track, such as the vocals, from a source recording."""

    track: Track

    @property
    def instruction(self) -> str:
        """Text that instructs the model to do this task; a part of the text encoder's input."""
        return f"Extract the {self.track.upper()} track from the audio:"


@dataclass(frozen=True, slots=True)
class Lego:
    """Task: add one track to a source recording, in its frames from `start` to `end`; if `end` is `None`, to the end of
    the recording.
    """

    track: Track
    start: int = 0
    end: int | None = None

    @property
    def instruction(self) -> str:
        """Text that instructs the model to do this task; a part of the text encoder's input."""
        return f"Generate the {self.track.upper()} track based on the audio context:"


@dataclass(frozen=True, slots=True)
class Complete:
    """Task: add `tracks` to a source recording as accompaniment; if `tracks` is empty, the model chooses the tracks."""

    tracks: tuple[Track, ...] = ()

    @property
    def instruction(self) -> str:
        """Text that instructs the model to do this task; a part of the text encoder's input."""
        if not self.tracks:
            return "Complete the input track:"
        return f"Complete the input track with {' | '.join(track.upper() for track in self.tracks)}:"


ModelTask: TypeAlias = TextToMusic | RepaintWindow | Cover | ExtractTrack | Lego | Complete
