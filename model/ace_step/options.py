"""Options of a request that only this engine has. The module is free of torch."""

from dataclasses import dataclass
from enum import StrEnum

from model.song import EngineOptions


class GenerationMode(StrEnum):
    """Denoising of a whole song at once, or section by section."""

    WHOLE = "whole"
    SECTIONED = "sectioned"


class Sampler(StrEnum):
    """Sampler that turns noise into a song."""

    EULER = "euler"
    HEUN = "heun"
    PINGPONG = "pingpong"


@dataclass(frozen=True, slots=True)
class AceStepOptions(EngineOptions):
    """The options of `AceStepOptions` in the public contract, ranges included.

    `mode`, `sampler` and `omega` `None` are the engine's choice. `lora` names an adapter that the engine was started
    with; `None`: no adapter.
    """

    mode: GenerationMode | None = None
    sampler: Sampler | None = None
    omega: float | None = None
    lora: str | None = None
    lora_weight: float = 1.0
