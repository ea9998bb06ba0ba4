"""Options of a request that only the engine ACE-Step 1.5 has. The module does not import torch."""

from dataclasses import dataclass

from model.shared.generation_mode import GenerationMode
from model.song import EngineOptions


@dataclass(frozen=True, slots=True)
class AceStep15Options(EngineOptions):
    """The options of the message `AceStep15Options` in music.proto, with the same ranges.

    The engine uses its defaults for options that are `None`. `lora` is the name of a LoRA adapter that the engine was
    started with; `None` for no adapter.
    """

    mode: GenerationMode | None = None
    shift: float | None = None
    guidance_start: float | None = None
    guidance_end: float | None = None
    lora: str | None = None
    lora_weight: float = 1.0
