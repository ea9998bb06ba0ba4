"""Options of a request that this engine alone understands. The module is free of torch."""

from dataclasses import dataclass
from enum import StrEnum

from model.song import EngineOptions


class GenerationMode(StrEnum):
    """Denoising of a whole song at once, or section by section."""

    WHOLE = "whole"
    SECTIONED = "sectioned"


class Sampler(StrEnum):
    """The sampler that takes noise to a song."""

    EULER = "euler"
    HEUN = "heun"
    PINGPONG = "pingpong"


@dataclass(frozen=True, slots=True)
class AceStepOptions(EngineOptions):
    """The options as `AceStepOptions` of the public contract describes them, ranges included.

    `mode`, `sampler` and `omega` `None` are the engine's choice. `lora` names an adapter that the engine was started
    with; `None`: no adapter.
    """

    mode: GenerationMode | None = None
    sampler: Sampler | None = None
    omega: float | None = None
    lora: str | None = None
    lora_weight: float = 1.0
