"""Converts the protobuf message GenerateRequest to the server's SongRequest."""

import secrets
import uuid
from collections.abc import Mapping
from types import MappingProxyType

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from model.song import ALL_STEMS, AnchorNote, SongParams
from model.tasks import AudioToAudio, Complete, Edit, Extend, ExtractTrack, Lego, Repaint, Retake, Task
from server.contract.audio_formats import format_name
from server.contract.engine_limits import check_against
from server.contract.engine_options import engine_name, engine_options
from server.contract.enums import STEMS, VOICES
from server.contract.field_names import from_message
from server.contract.validation import check
from server.song import (
    DEFAULT_BITRATE_KBPS,
    DEFAULT_SAMPLE_RATE_HERTZ,
    DEFAULT_TARGET_LUFS,
    AudioSettings,
    SongRequest,
)

GRID_PER_BEAT = 4

TASKS: Mapping[str, type[Task]] = MappingProxyType(
    {
        "audio_to_audio": AudioToAudio,
        "retake": Retake,
        "repaint": Repaint,
        "extend": Extend,
        "edit": Edit,
        "extract_track": ExtractTrack,
        "lego": Lego,
        "complete": Complete,
    }
)
"""Dataclasses of the engines for the members of `GenerateRequest.task`, by name; their fields have the same names."""


def song_request(
    message: music_pb2.GenerateRequest,
    engines: Mapping[str, EngineInfo],
    default_engine: str,
    deadline: float | None = None,
    caller: str = "",
) -> SongRequest:
    """Convert a message to the server's request, after a check against the rules of the .proto file and the ranges of
    the engine. `engines` has the properties of the known engines, by name; `default_engine` is used if the message
    implies no engine.

    A MIDI melody is not parsed here but by the checking process. An engine that is missing from `engines` is refused
    later, at admission. `deadline` is on the server's monotonic clock, in seconds.

    Raises:
        InvalidRequest: the message breaks a rule of the .proto file, or a value is outside the engine's range.
        ControlNotSupported: the message sets a field that the engine does not support.
    """
    check(message)
    name = engine_name(message, default_engine)
    if (engine := engines.get(name)) is not None:
        check_against(message, engine, engines)
    return SongRequest(
        request_id=message.request_id or str(uuid.uuid4()),
        engine=name,
        params=_params(message),
        audio=_audio(message),
        deadline=deadline,
        caller=caller,
        midi=message.anchor.midi,
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
        task=_task(message),
        options=engine_options(message),
        negative_prompt=message.negative_prompt.strip(),
        time_signature=message.time_signature or None,
        reference_audio=message.reference_audio.audio,
    )


def _task(message: music_pb2.GenerateRequest) -> Task | None:
    name = message.WhichOneof("task")
    return from_message(getattr(message, name), TASKS[name]) if name else None


def _anchor(message: music_pb2.GenerateRequest) -> tuple[AnchorNote, ...]:
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
