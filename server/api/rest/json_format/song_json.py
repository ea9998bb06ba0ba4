"""Builds the JSON objects of songs for REST."""

from datetime import UTC, datetime

from server.api.rest.json_format.names import SONG_NAMES
from server.api.rest.json_format.proto_json import Json
from server.api.rest.problems import failure_json
from server.audio.codecs.registry import format_named
from server.songs.recordings.song_record import failure_of
from server.store.base import SongRecord

MANIFEST_SUFFIX = ".c2pa"


def song_json(address: str, song: SongRecord, *, credentials: bool) -> dict[str, Json]:
    """Return one song as a JSON object with the field names of REST. Its URLs begin with `address`; `credentials` is
    True if a C2PA manifest is available.
    """
    fields: dict[str, Json] = {
        "song_id": song.song_id,
        "state": song.state.value,
        "audio_url": f"{address}/audio/{song.song_id}{format_named(song.format).suffix}",
        "events_url": f"{address}/v1/audio/music/{song.song_id}/events",
        "content_credentials": f"{address}{manifest_path(song.song_id)}" if credentials else None,
        "duration_seconds": song.duration_seconds,
        "create_time": _time(song.created_ns),
        "end_time": None if song.ended_ns is None else _time(song.ended_ns),
        "request_id": song.request_id,
        "engine": song.engine,
        "prompt": song.prompt,
        "seed": song.seed,
        "size_bytes": song.size_bytes,
        "sha256": song.sha256,
    }
    if failure := failure_of(song):
        fields["failure"] = failure_json(failure)
    return {SONG_NAMES.get(name, name): value for name, value in fields.items()}


def manifest_path(song_id: str) -> str:
    """Return the path of a song's C2PA manifest."""
    return f"/audio/{song_id}{MANIFEST_SUFFIX}"


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
