"""Tests of the JSON of a song in REST, compared byte by byte."""

from dataclasses import replace

import pytest
from starlette.responses import JSONResponse

from server.api.rest.json_format.song_json import song_json
from server.song import SongState
from server.store.base import SongRecord

COMPLETED = SongRecord(
    song_id="song-1",
    caller="me",
    request_id="request-1",
    fingerprint="print",
    engine="studio",
    prompt="民谣",
    seed=7,
    created_ns=1_700_000_000_123_456_789,
    state=SongState.COMPLETED,
    ended_ns=1_700_000_009_000_000_000,
    duration_seconds=12.5,
    size_bytes=300,
    sha256="ab",
)
FAILED = replace(COMPLETED, state=SongState.FAILED, sha256="", reason="WORKER_LOST", error="its worker died")


def told(status: str, sha256: str, more: str = "") -> str:
    return (
        f'{{"task_id":"song-1","status":"{status}","audio_url":"http://here:8080/audio/song-1.mp3",'
        '"events_url":"http://here:8080/v1/audio/music/song-1/events","credentials_url":null,"duration_sec":12.5,'
        '"created_at":"2023-11-14T22:13:20.123Z","ended_at":"2023-11-14T22:13:29.000Z","request_id":"request-1",'
        f'"engine":"studio","prompt":"民谣","seed":7,"size_bytes":300,"sha256":"{sha256}"{more}}}'
    )


@pytest.mark.parametrize(
    ("song", "body"),
    [
        (COMPLETED, told("completed", "ab")),
        (FAILED, told("failed", "", ',"error":{"reason":"WORKER_LOST","detail":"its worker died"}')),
        (
            replace(FAILED, reason="INTERRUPTED"),
            told("failed", "", ',"error":{"reason":"INTERRUPTED","detail":"its worker died"}'),
        ),
    ],
)
def test_a_song_is_told_as_ever(song: SongRecord, body: str) -> None:
    assert bytes(JSONResponse(song_json("http://here:8080", song, credentials=False)).body) == body.encode()


def test_a_song_with_a_manifest_tells_where_it_is() -> None:
    told = song_json("http://here:8080", COMPLETED, credentials=True)
    assert told["credentials_url"] == "http://here:8080/audio/song-1.c2pa"
