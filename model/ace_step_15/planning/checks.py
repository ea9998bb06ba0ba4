"""Checks of a request that involve several fields, or the loaded model. The module does not import torch."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from model.ace_step_15.networks.config import Variant
from model.ace_step_15.options import AceStep15Options
from model.shared.generation_mode import GenerationMode
from model.shared.tasks import task_field
from model.song import Control, InvalidParams, SongParams, Violation

NAME = "ace_step_15"

TIME_SIGNATURES: Mapping[str, str] = MappingProxyType({"2/4": "2", "3/4": "3", "4/4": "4", "6/8": "6"})
"""The time signatures that the model knows, and the model's names for them."""

_UNABLE = frozenset({Control.ANCHOR, Control.STEMS, Control.VOCAL_LEVEL, Control.EDIT})
"""Controls that no variant of the model supports."""

_GUIDED = frozenset({Control.GUIDANCE_SCALE, Control.NEGATIVE_PROMPT})
"""Controls that a turbo model does not support, because it needs no guidance."""

_OF_BASE = frozenset({Control.EXTRACT_TRACK, Control.LEGO, Control.COMPLETE})
"""Controls that only the base model was trained for."""


def controls_of(variant: Variant, *, covers: bool) -> frozenset[Control]:
    """Return the controls that a request may use with a variant of the model; `covers` is False for a checkpoint
    without audio tokenizer and detokenizer.
    """
    lacking = _UNABLE | (_GUIDED if variant is Variant.TURBO else frozenset())
    lacking |= frozenset() if variant is Variant.BASE else _OF_BASE
    return frozenset(Control) - lacking - (frozenset() if covers else {Control.AUDIO_TO_AUDIO})


def check(params: SongParams, options: AceStep15Options, loras: Collection[str], *, guided: bool) -> None:
    """Raise an error for controls and values of a request that would have no effect on the song. `loras` are the names
    of the adapters; `guided` is True for a model with guidance.

    Raises:
        InvalidParams: a control or value has no effect; one violation for each.
    """
    if found := list(_faults(params, options, loras, guided=guided)):
        raise InvalidParams(*found)


def _faults(
    params: SongParams, options: AceStep15Options, loras: Collection[str], *, guided: bool
) -> Iterator[Violation]:
    if options.lora is not None and options.lora not in loras:
        yield Violation(
            f"{NAME}.lora",
            "must be one of the LoRA adapters of this server: "
            f"{', '.join(sorted(loras)) or 'it has none, so leave the field out'}",
        )
    if params.task is not None and options.mode is GenerationMode.SECTIONED:
        yield Violation(
            f"{NAME}.mode", f'must be "whole" for the task {task_field(params.task)}: set this value, or leave it out'
        )
    if params.time_signature is not None and params.time_signature not in TIME_SIGNATURES:
        yield Violation("time_signature", f"must be one of {', '.join(TIME_SIGNATURES)}")
    if not guided:
        yield from _unguided(params, options)


def _unguided(params: SongParams, options: AceStep15Options) -> Iterator[Violation]:
    asked = {
        "negative_prompt": bool(params.negative_prompt),
        f"{NAME}.guidance_start": options.guidance_start is not None,
        f"{NAME}.guidance_end": options.guidance_end is not None,
    }
    for field, given in asked.items():
        if given:
            yield Violation(field, "has no effect without guidance: leave it out, or raise guidance_scale above 1")
