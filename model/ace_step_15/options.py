"""Options of a request for this engine alone. The module is free of torch."""

from dataclasses import dataclass

from model.shared.generation_mode import GenerationMode
from model.song import EngineOptions


@dataclass(frozen=True, slots=True)
class AceStep15Options(EngineOptions):
    """The options of the message `AceStep15Options` in music.proto, with the same ranges.

    What is `None` is chosen by the engine. `lora` names an adapter that the engine was started with; `None`: no
    adapter.
    """

    mode: GenerationMode | None = None
    shift: float | None = None
    guidance_start: float | None = None
    guidance_end: float | None = None
    lora: str | None = None
    lora_weight: float = 1.0
