"""Builds the protobuf messages Song and Engine."""

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from server.contract.engine_options import option_paths
from server.contract.enums import SONG_STATES, STEMS, VOICES
from server.contract.status import failure_status
from server.store.base import SongRecord


def song_message(song: SongRecord, *, content_credentials: bool = False) -> music_pb2.Song:
    """Return the protobuf message Song of a stored song; `content_credentials` is True if a C2PA manifest of the song
    is available.
    """
    return music_pb2.Song(
        song_id=song.song_id,
        request_id=song.request_id,
        state=SONG_STATES[song.state],
        engine=song.engine,
        prompt=song.prompt,
        seed=song.seed,
        create_time=_timestamp(song.created_ns),
        end_time=None if song.ended_ns is None else _timestamp(song.ended_ns),
        duration_seconds=song.duration_seconds,
        size_bytes=song.size_bytes,
        sha256=song.sha256,
        failure=failure_status(song.reason, song.error, song.violations) if song.reason else None,
        content_credentials=content_credentials,
    )


def _timestamp(nanoseconds: int) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromNanoseconds(nanoseconds)
    return timestamp


def engine_message(name: str, info: EngineInfo | None, devices: Iterable[str], *, ready: bool) -> music_pb2.Engine:
    """Return the protobuf message Engine. While the properties of the engine (`info`) are unknown, it has only name and
    devices.
    """
    message = music_pb2.Engine(name=name, devices=devices, ready=ready)
    if info is not None:
        message.MergeFrom(_facts(info))
        message.controls.extend(option_paths(name))
    return message


def _facts(info: EngineInfo) -> music_pb2.Engine:
    return music_pb2.Engine(
        description=info.description,
        languages=info.languages,
        experimental_languages=info.experimental_languages,
        min_duration_seconds=info.duration_seconds[0],
        max_duration_seconds=info.duration_seconds[1],
        min_steps=info.steps[0] if info.steps else 0,
        max_steps=info.steps[1] if info.steps else 0,
        default_steps=info.default_steps or 0,
        min_guidance_scale=info.guidance_scale[0],
        max_guidance_scale=info.guidance_scale[1],
        default_guidance_scale=info.default_guidance_scale,
        controls=sorted(control.value for control in info.controls),
        stems=[number for number, stem in STEMS.items() if stem in info.stems],
        voices=[number for number, voice in VOICES.items() if voice in info.voices],
        loras=info.loras,
        license=info.license,
        license_urls=info.license_urls,
        commercial_use_allowed=info.commercial_use_allowed,
        attribution=info.attribution,
        channels=info.channels,
        sample_rate_hertz=info.sample_rate_hertz,
        length_is_exact=info.length_is_exact,
    )
