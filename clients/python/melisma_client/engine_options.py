"""Options of a request that only one engine has."""

from dataclasses import dataclass

from melisma.v1 import music_pb2
from melisma_client.enums import GenerationMode, Sampler, constant_name


@dataclass(frozen=True, slots=True)
class AceStepOptions:
    """Options of the engine "ace_step". `None` and empty values leave the choice to the server.

    Ranges and meanings are those of `AceStepOptions` in music.proto. `lora` is one of the engine's `loras`.
    """

    mode: GenerationMode | None = None
    sampler: Sampler | None = None
    omega: float | None = None
    lora: str = ""
    lora_weight: float | None = None

    def to_proto(self) -> music_pb2.AceStepOptions:
        """Return the options as a protobuf message."""
        return music_pb2.AceStepOptions(
            mode=music_pb2.GenerationMode.Value(constant_name("GENERATION_MODE", self.mode)),
            sampler=music_pb2.Sampler.Value(constant_name("SAMPLER", self.sampler)),
            omega=self.omega,
            lora=self.lora,
            lora_weight=self.lora_weight,
        )
