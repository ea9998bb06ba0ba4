"""Options of a request for this engine alone. The module does not import torch."""

from dataclasses import dataclass

from model.song import EngineOptions


@dataclass(frozen=True, slots=True)
class MusicGenOptions(EngineOptions):
    """The options of the message `MusicGenOptions` in music.proto, with the same ranges.

    If one is `None`, the engine takes the release's: 250 and 1.
    """

    top_k: int | None = None
    temperature: float | None = None
