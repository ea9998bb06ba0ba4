"""Options of a request that only the engine ACE-Step v1 has. The module does not import torch."""

from dataclasses import dataclass
from enum import StrEnum

from model.shared.generation_mode import GenerationMode
from model.song import EngineOptions


class Sampler(StrEnum):
    """The sampler (ODE solver, or stochastic sampler) that computes the denoising steps."""

    EULER = "euler"
    HEUN = "heun"
    PINGPONG = "pingpong"


@dataclass(frozen=True, slots=True)
class AceStepOptions(EngineOptions):
    """The options of the message `AceStepOptions` in music.proto, with the same ranges.

    If `mode`, `sampler` or `omega` is `None`, the engine chooses it. `lora` is the name of a LoRA adapter that the
    engine was started with; `None` for no adapter.
    """

    mode: GenerationMode | None = None
    sampler: Sampler | None = None
    omega: float | None = None
    lora: str | None = None
    lora_weight: float = 1.0
