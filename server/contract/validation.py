"""What a request has to fulfil before it becomes a song: the rules of the .proto, then the engine's own limits."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

import protovalidate
from google.protobuf.message import DecodeError, Message

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from model.song import Control, Mode, Scheduler, Stem, Violation, Voice
from server.errors import ControlNotSupported, InvalidRequest

WHOLE_MESSAGE = "request"
"""The name of the field in a violation that concerns the message as a whole."""

MESSAGE_RULE_FIELDS = MappingProxyType({"prompt_or_lyrics": "prompt", "length_of_recording": "duration_seconds"})
"""The field to name where a rule is about the message as a whole."""

STEMS = MappingProxyType(
    {
        music_pb2.STEM_VOCAL: Stem.VOCAL,
        music_pb2.STEM_HARMONY: Stem.HARMONY,
        music_pb2.STEM_DRUMS: Stem.DRUMS,
        music_pb2.STEM_BASS: Stem.BASS,
        music_pb2.STEM_ORNAMENTS: Stem.ORNAMENTS,
    }
)

VOICES = MappingProxyType({music_pb2.VOICE_FEMALE: Voice.FEMALE, music_pb2.VOICE_MALE: Voice.MALE})

MODES = MappingProxyType({music_pb2.MODE_WHOLE: Mode.WHOLE, music_pb2.MODE_SECTIONED: Mode.SECTIONED})

SCHEDULERS = MappingProxyType(
    {
        music_pb2.SCHEDULER_EULER: Scheduler.EULER,
        music_pb2.SCHEDULER_HEUN: Scheduler.HEUN,
        music_pb2.SCHEDULER_PINGPONG: Scheduler.PINGPONG,
    }
)

TASKS = (Control.AUDIO_TO_AUDIO, Control.RETAKE, Control.REPAINT, Control.EXTEND, Control.EDIT)
"""Controls of which a request has at most one."""

_M = TypeVar("_M", bound=Message)
_Number = TypeVar("_Number", int, float)


def parsed(parse: Callable[[bytes], _M], data: bytes) -> _M:
    """The message in `data`; raises InvalidRequest where there is none, such as for a string that is not UTF-8."""
    try:
        return parse(data)
    except DecodeError as error:
        reason = str(error).rpartition(": ")[2]
        raise InvalidRequest(Violation(WHOLE_MESSAGE, f"cannot be read: {reason}")) from error


def check(message: Message) -> None:
    """Enforce the rules that the .proto declares for the message; raises InvalidRequest with one violation a fault."""
    if found := protovalidate.collect_violations(message):
        raise InvalidRequest(*map(_violation, found))


def _violation(found: protovalidate.Violation) -> Violation:
    fault = found.proto
    path = ".".join(map(_path_element, fault.field.elements)) if fault.field else ""
    return Violation(path or MESSAGE_RULE_FIELDS.get(fault.rule_id, WHOLE_MESSAGE), fault.message or fault.rule_id)


def _path_element(element: protovalidate.FieldPathElementPb) -> str:
    if element.subscript is None:
        return element.field_name
    return f"{element.field_name}[{element.subscript.value}]"


def check_against(message: music_pb2.GenerateRequest, engine: EngineInfo, engines: Mapping[str, EngineInfo]) -> None:
    """Enforce the engine's own limits on a message that keeps the contract's; `engines` are all that are known.

    Raises:
        ControlNotSupported: the message sets a field that the engine has no use for.
        InvalidRequest: a value is outside the engine's range, or a stem or voice is not one of its own.
    """
    _check_controls(message, engine, engines)
    violations = (_range_violations, _stem_violations, _voice_violations, _lora_violations)
    if found := [violation for violations_of in violations for violation in violations_of(message, engine)]:
        raise InvalidRequest(*found)


def _check_controls(message: music_pb2.GenerateRequest, engine: EngineInfo, engines: Mapping[str, EngineInfo]) -> None:
    given = {
        Control.STEPS: message.HasField("steps"),
        Control.GUIDANCE_SCALE: message.HasField("guidance_scale"),
        Control.KEY: bool(message.key),
        Control.TEMPO: message.HasField("tempo_bpm"),
        Control.ANCHOR: message.HasField("anchor"),
        Control.STEMS: bool(message.stems),
        Control.VOICE: message.voice != music_pb2.VOICE_UNSPECIFIED,
        Control.VOCAL_LEVEL: message.vocal_level_db != 0,
        Control.LANGUAGE: bool(message.language),
        Control.MODE: message.mode != music_pb2.MODE_UNSPECIFIED,
        Control.SCHEDULER: message.scheduler != music_pb2.SCHEDULER_UNSPECIFIED,
        Control.OMEGA: message.HasField("omega"),
        Control.LORA: bool(message.lora),
    } | {control: message.WhichOneof("task") == control.value for control in TASKS}
    for control, is_given in given.items():
        if is_given and control not in engine.controls:
            others = [name for name, info in engines.items() if control in info.controls]
            raise ControlNotSupported(control.value, engine.name, others)


def _range_violations(message: music_pb2.GenerateRequest, engine: EngineInfo) -> Iterable[Violation]:
    if message.duration_seconds != 0:
        yield from _outside("duration_seconds", message.duration_seconds, engine.duration_seconds, engine.name)
    if message.HasField("steps"):
        yield from _outside("steps", message.steps, engine.steps, engine.name)
    if message.HasField("guidance_scale"):
        yield from _outside("guidance_scale", message.guidance_scale, engine.guidance_scale, engine.name)


def _outside(field: str, value: _Number, limits: tuple[_Number, _Number], engine: str) -> Iterable[Violation]:
    low, high = limits
    if not low <= value <= high:
        yield Violation(field, f"must be in the range [{low:g}, {high:g}] of engine {engine!r}")


def _stem_violations(message: music_pb2.GenerateRequest, engine: EngineInfo) -> Iterable[Violation]:
    for index, number in enumerate(message.stems):
        if (stem := STEMS[number]) not in engine.stems:
            yield Violation(f"stems[{index}]", f"engine {engine.name!r} has no stem {stem.value!r}")


def _voice_violations(message: music_pb2.GenerateRequest, engine: EngineInfo) -> Iterable[Violation]:
    if (voice := VOICES.get(message.voice)) is not None and voice not in engine.voices:
        yield Violation("voice", f"engine {engine.name!r} has no voice {voice.value!r}")


def _lora_violations(message: music_pb2.GenerateRequest, engine: EngineInfo) -> Iterable[Violation]:
    if message.lora and message.lora not in engine.loras:
        yield Violation("lora", f"engine {engine.name!r} has these: {', '.join(engine.loras)}")
