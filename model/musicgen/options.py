"""Options of a request that only the engine MusicGen has. The module does not import torch."""

from dataclasses import dataclass

from model.song import EngineOptions


@dataclass(frozen=True, slots=True)
class MusicGenOptions(EngineOptions):
    """The options of the message `MusicGenOptions` in music.proto, with the same ranges.

    If an option is `None`, the engine uses the value of the released model: 250 for `top_k`, 1 for `temperature`.
    """

    top_k: int | None = None
    temperature: float | None = None
