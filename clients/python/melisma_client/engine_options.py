"""Options of a request that only one engine supports."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from melisma.v1 import music_pb2
from melisma_client.enums import GenerationMode, Sampler, constant_name


@dataclass(frozen=True, slots=True)
class AceStepOptions:
    """Options of the engine "ace_step". `None` and empty values leave the choice to the server.

    Ranges and meanings are those of `AceStepOptions` in music.proto. `lora` is one of the `loras` (adapters) that the
    engine lists.
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


@dataclass(frozen=True, slots=True)
class AceStep15Options:
    """Options of the engine "ace_step_15". `None` and empty values leave the choice to the server.

    Ranges and meanings are those of `AceStep15Options` in music.proto. `lora` is one of the `loras` (adapters) that the
    engine lists.
    """

    mode: GenerationMode | None = None
    shift: float | None = None
    guidance_start: float | None = None
    guidance_end: float | None = None
    lora: str = ""
    lora_weight: float | None = None

    def to_proto(self) -> music_pb2.AceStep15Options:
        """Return the options as a protobuf message."""
        return music_pb2.AceStep15Options(
            mode=music_pb2.GenerationMode.Value(constant_name("GENERATION_MODE", self.mode)),
            shift=self.shift,
            guidance_start=self.guidance_start,
            guidance_end=self.guidance_end,
            lora=self.lora,
            lora_weight=self.lora_weight,
        )


@dataclass(frozen=True, slots=True)
class MusicGenOptions:
    """Options of the engine "musicgen". `None` leaves the choice to the server.

    Ranges and meanings are those of `MusicGenOptions` in music.proto.
    """

    top_k: int | None = None
    temperature: float | None = None

    def to_proto(self) -> music_pb2.MusicGenOptions:
        """Return the options as a protobuf message."""
        return music_pb2.MusicGenOptions(top_k=self.top_k, temperature=self.temperature)


EngineOptions: TypeAlias = AceStepOptions | AceStep15Options | MusicGenOptions
"""The options of one engine that has options of its own."""

_FIELDS: dict[type[Any], str] = {
    AceStepOptions: "ace_step",
    AceStep15Options: "ace_step_15",
    MusicGenOptions: "musicgen",
}


def options_field(options: EngineOptions | None) -> dict[str, Any]:
    """Return the engine options as a keyword argument for the protobuf message GenerateRequest; empty without
    options.
    """
    return {_FIELDS[type(options)]: options.to_proto()} if options is not None else {}
