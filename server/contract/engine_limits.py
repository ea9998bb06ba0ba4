"""Checks a request against the controls and ranges that its engine supports."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from model.shared.languages import language_among
from model.song import Control, Violation
from server.contract.enums import STEMS, VOICES
from server.errors import ControlNotSupported, InvalidRequest

TASKS = (
    Control.AUDIO_TO_AUDIO, Control.RETAKE, Control.REPAINT, Control.EXTEND, Control.EDIT, Control.EXTRACT_TRACK,
    Control.LEGO, Control.COMPLETE,
)  # fmt: skip
"""Controls that make a song from a recording or an earlier song; a request may have at most one of them."""

_Number = TypeVar("_Number", int, float)


def check_against(message: music_pb2.GenerateRequest, engine: EngineInfo, engines: Mapping[str, EngineInfo]) -> None:
    """Check that the engine of a request supports the fields that the request sets, and that their values are in its
    ranges.

    The message already follows the rules of the .proto file; `engines` are all known engines, for the error texts.

    Raises:
        ControlNotSupported: the message sets fields that the engine does not support.
        InvalidRequest: a value is outside the engine's range, or the engine does not have a stem, voice or
            language.
    """
    _check_controls(message, engine, engines)
    violations = (_range_violations, _stem_violations, _voice_violations, _lora_violations)
    found = [violation for violations_of in violations for violation in violations_of(message, engine)]
    found += _language_violations(message.language, engine, engines)
    if found:
        raise InvalidRequest(*found)


def _check_controls(message: music_pb2.GenerateRequest, engine: EngineInfo, engines: Mapping[str, EngineInfo]) -> None:
    given = {
        Control.STEPS: message.HasField("steps"),
        Control.GUIDANCE_SCALE: message.HasField("guidance_scale"),
        Control.KEY: bool(message.key),
        Control.TEMPO: message.HasField("tempo_bpm"),
        Control.ANCHOR: message.HasField("anchor"),
        Control.STEMS: bool(message.stems),
        Control.VOICE: message.voice != music_pb2.VOICE_KIND_UNSPECIFIED,
        Control.VOCAL_LEVEL: message.vocal_level_db != 0,
        Control.LANGUAGE: bool(message.language),
        Control.NEGATIVE_PROMPT: bool(message.negative_prompt),
        Control.TIME_SIGNATURE: bool(message.time_signature),
        Control.REFERENCE_AUDIO: message.HasField("reference_audio"),
    } | {control: message.WhichOneof("task") == control.value for control in TASKS}
    missing = [control for control, is_given in given.items() if is_given and control not in engine.controls]
    if missing:
        able = {each.value: [name for name, info in engines.items() if each in info.controls] for each in missing}
        raise ControlNotSupported(engine.name, able)


def _range_violations(message: music_pb2.GenerateRequest, engine: EngineInfo) -> Iterable[Violation]:
    if message.duration_seconds != 0:
        yield from _outside("duration_seconds", message.duration_seconds, engine.duration_seconds, engine.name)
    if message.HasField("steps") and engine.steps is not None:
        yield from _outside("steps", message.steps, engine.steps, engine.name)
    if message.HasField("guidance_scale"):
        yield from _outside("guidance_scale", message.guidance_scale, engine.guidance_scale, engine.name)


def _outside(field: str, value: _Number, limits: tuple[_Number, _Number], engine: str) -> Iterable[Violation]:
    low, high = limits
    if not low <= value <= high:
        yield Violation(field, f"must be {low:g} to {high:g}, the range of engine {engine!r}")


def _stem_violations(message: music_pb2.GenerateRequest, engine: EngineInfo) -> Iterable[Violation]:
    for index, number in enumerate(message.stems):
        if (stem := STEMS[number]) not in engine.stems:
            known = ", ".join(engine.stems) or "none"
            text = f"engine {engine.name!r} has no stem {stem.value!r}: use one of its stems ({known}), or leave it out"
            yield Violation(f"stems[{index}]", text)


def _voice_violations(message: music_pb2.GenerateRequest, engine: EngineInfo) -> Iterable[Violation]:
    if (voice := VOICES.get(message.voice)) is not None and voice not in engine.voices:
        known = ", ".join(engine.voices) or "none"
        text = f"engine {engine.name!r} has no voice {voice.value!r}: use one of its voices ({known}), or leave it out"
        yield Violation("voice", text)


def _language_violations(language: str, engine: EngineInfo, engines: Mapping[str, EngineInfo]) -> Iterable[Violation]:
    if language and language_among(language, engine.languages) is None:
        able = [name for name, info in engines.items() if language_among(language, info.languages)]
        instead = f"; these engines can: {', '.join(able)}" if able else ""
        own = f"only {', '.join(engine.languages)}" if engine.languages else "it sings no words"
        yield Violation("language", f"engine {engine.name!r} cannot sing this language, {own}{instead}")


def _lora_violations(message: music_pb2.GenerateRequest, engine: EngineInfo) -> Iterable[Violation]:
    owner = message.WhichOneof("engine_options")
    lora = getattr(getattr(message, owner), "lora", "") if owner else ""
    if lora and lora not in engine.loras:
        known = ", ".join(engine.loras) or "none"
        text = f"engine {engine.name!r} has no adapter of this name: use one of its adapters ({known}), or leave it out"
        yield Violation(f"{owner}.lora", text)
