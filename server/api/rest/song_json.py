"""How songs look in REST."""

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.requests import Request

from server.api.rest.proto_json import Json
from server.audio.codecs.registry import format_named
from server.store.base import SongRecord


def song_json(request: Request, song: SongRecord) -> dict[str, Json]:
    """One song, with addresses as the present caller reaches them."""
    address = f"{str(request.base_url).rstrip('/')}"
    found: dict[str, Json] = {
        "task_id": song.song_id,
        "status": song.state.value,
        "audio_url": f"{address}/audio/{song.song_id}{format_named(song.format).suffix}",
        "events_url": f"{address}/v1/audio/music/{song.song_id}/events",
        "duration_sec": song.duration_seconds,
        "created_at": _time(song.created_ns),
        "ended_at": None if song.ended_ns is None else _time(song.ended_ns),
        "request_id": song.request_id,
        "engine": song.engine,
        "prompt": song.prompt,
        "seed": song.seed,
        "size_bytes": song.size_bytes,
        "sha256": song.sha256,
    }
    return found | ({"error": {"reason": song.reason, "detail": song.error}} if song.reason else {})


def page_json(request: Request, songs: Sequence[SongRecord], token: str) -> dict[str, Json]:
    """A page of songs."""
    return {"songs": [song_json(request, song) for song in songs], "next_page_token": token}


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
