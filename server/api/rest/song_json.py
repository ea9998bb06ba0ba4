"""Builds the JSON of songs."""

from collections.abc import Sequence
from datetime import UTC, datetime

from server.api.rest.names import SONG_NAMES
from server.api.rest.problems import failure_json
from server.api.rest.proto_json import Json
from server.audio.codecs.registry import format_named
from server.songs.recording import failure_of
from server.store.base import SongRecord


def song_json(address: str, song: SongRecord) -> dict[str, Json]:
    """One song; its URLs begin with `address`."""
    fields: dict[str, Json] = {
        "song_id": song.song_id,
        "state": song.state.value,
        "audio_url": f"{address}/audio/{song.song_id}{format_named(song.format).suffix}",
        "events_url": f"{address}/v1/audio/music/{song.song_id}/events",
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


def page_json(address: str, songs: Sequence[SongRecord], token: str) -> dict[str, Json]:
    """A page of songs."""
    return {"songs": [song_json(address, song) for song in songs], "next_page_token": token}


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
