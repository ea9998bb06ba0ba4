"""Turns a GenerateRequest message into the server's SongRequest."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from model.song import (
    ALL_STEMS,
    AnchorNote,
    AudioToAudio,
    Edit,
    Extend,
    Repaint,
    Retake,
    SongParams,
    Task,
)
from server.contract.audio_formats import format_name
from server.contract.engine_limits import check_against
from server.contract.enums import MODES, SCHEDULERS, STEMS, VOICES
from server.contract.midi_melody import anchor_from_midi
from server.contract.validation import check
from server.song import (
    DEFAULT_BITRATE_KBPS,
    DEFAULT_SAMPLE_RATE_HERTZ,
    DEFAULT_TARGET_LUFS,
    AudioSettings,
    SongRequest,
)

GRID_PER_BEAT = 4
DEFAULT_STRENGTH = 0.5
DEFAULT_VARIANCE = 0.5


def song_request(
    message: music_pb2.GenerateRequest,
    engines: Mapping[str, EngineInfo],
    default_engine: str,
    deadline: float | None = None,
    caller: str = "",
) -> SongRequest:
    """What the caller asks for, checked against the .proto and against what is known of the engine.

    An engine that is missing from `engines` is left for admission to refuse. `deadline` is on the server's monotonic
    clock, in seconds.

    Raises:
        InvalidRequest: the message breaks a rule of the contract, or a value is outside the engine's own range.
        ControlNotSupported: the message sets a field that the engine has no use for.
    """
    check(message)
    name = message.engine or default_engine
    if (engine := engines.get(name)) is not None:
        check_against(message, engine, engines)
    return SongRequest(
        request_id=message.request_id or str(uuid.uuid4()),
        engine=name,
        params=_params(message),
        audio=_audio(message),
        deadline=deadline,
        caller=caller,
    )


def _params(message: music_pb2.GenerateRequest) -> SongParams:
    return SongParams(
        prompt=message.prompt,
        lyrics=message.lyrics,
        seed=message.seed if message.HasField("seed") else secrets.randbelow(2**32),
        duration_seconds=message.duration_seconds or None,
        steps=message.steps if message.HasField("steps") else None,
        guidance_scale=message.guidance_scale if message.HasField("guidance_scale") else None,
        key=message.key.strip() or None,
        tempo_bpm=message.tempo_bpm if message.HasField("tempo_bpm") else None,
        anchor=_anchor(message),
        stems=frozenset(STEMS[number] for number in message.stems) or ALL_STEMS,
        voice=VOICES.get(message.voice),
        vocal_level_db=message.vocal_level_db,
        language=message.language.lower() or None,
        mode=MODES.get(message.mode),
        scheduler=SCHEDULERS.get(message.scheduler),
        omega=message.omega if message.HasField("omega") else None,
        lora=message.lora or None,
        lora_weight=message.lora_weight if message.HasField("lora_weight") else 1.0,
        task=_task(message),
    )


def _task(message: music_pb2.GenerateRequest) -> Task | None:
    name = message.WhichOneof("task")
    return _TASKS[name](getattr(message, name)) if name else None


def _audio_to_audio(task: music_pb2.AudioToAudio) -> AudioToAudio:
    return AudioToAudio(task.audio, task.strength if task.HasField("strength") else DEFAULT_STRENGTH)


def _retake(task: music_pb2.Retake) -> Retake:
    return Retake(_seed(task), task.variance if task.HasField("variance") else DEFAULT_VARIANCE)


def _repaint(task: music_pb2.Repaint) -> Repaint:
    variance = task.variance if task.HasField("variance") else DEFAULT_VARIANCE
    return Repaint(task.audio, task.start_seconds, task.end_seconds, variance, _seed(task))


def _extend(task: music_pb2.Extend) -> Extend:
    return Extend(task.audio, task.left_seconds, task.right_seconds, _seed(task))


def _edit(task: music_pb2.Edit) -> Edit:
    end = task.end if task.HasField("end") else 1.0
    return Edit(task.audio, task.prompt, task.lyrics, task.start, end, task.averages or 1, _seed(task))


def _seed(task: music_pb2.Retake | music_pb2.Repaint | music_pb2.Extend | music_pb2.Edit) -> int | None:
    return task.seed if task.HasField("seed") else None


_TASKS: Mapping[str, Callable[[Any], Task]] = MappingProxyType(
    {"audio_to_audio": _audio_to_audio, "retake": _retake, "repaint": _repaint, "extend": _extend, "edit": _edit}
)


def _anchor(message: music_pb2.GenerateRequest) -> tuple[AnchorNote, ...]:
    if message.anchor.WhichOneof("melody") == "midi":
        return anchor_from_midi(message.anchor.midi)
    return tuple(
        AnchorNote(note.pitch or None, round(note.length_beats * GRID_PER_BEAT) / GRID_PER_BEAT)
        for note in message.anchor.notes.notes
    )


def _audio(message: music_pb2.GenerateRequest) -> AudioSettings:
    mastering = message.mastering
    return AudioSettings(
        bitrate_kbps=message.audio.bitrate_kbps or DEFAULT_BITRATE_KBPS,
        sample_rate_hertz=message.audio.sample_rate_hertz or DEFAULT_SAMPLE_RATE_HERTZ,
        target_lufs=mastering.target_lufs if mastering.HasField("target_lufs") else DEFAULT_TARGET_LUFS,
        format=format_name(message.audio.format),
    )
