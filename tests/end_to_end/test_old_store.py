"""Tests that this version serves a store folder that the first version has written.

Files beside the folder record the first version's responses; `song_of_today` lists the fields that have changed since
then. The server that wrote the folder was killed while it made two songs. For one of them it was started again; the
other song is still stored as being made.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc.error_details_pb2 import ErrorInfo

from melisma.v1 import music_pb2
from melisma.v1.music_pb2_grpc import MusicServiceStub
from tests.support.rest import MUSIC, Rest
from tests.support.service import Service, running_service

STUDIO = "studio=tests.support.fakes:FakeEngine"
TIMEOUT_SECONDS = 60.0
THOUSAND_YEARS_HOURS = 8_766_000
FOLDER = Path(__file__).parent / "data" / "store_of_first_version"
SONGS: list[dict[str, Any]] = json.loads(FOLDER.with_suffix(".json").read_text("utf-8"))["songs"]
COMPLETED = [song for song in SONGS if song["song"]["state"] == "SONG_STATE_COMPLETED"]
NOT_COMPLETED = [song for song in SONGS if song not in COMPLETED]

ERROR_INFO = ErrorInfo.DESCRIPTOR
"""The type ErrorInfo, which must be imported so that details of that type can be converted to JSON."""
CODES = {"INVALID_REQUEST": grpc.StatusCode.INVALID_ARGUMENT, "INTERRUPTED": grpc.StatusCode.UNAVAILABLE}

of_every_song = pytest.mark.parametrize("old", SONGS, ids=lambda song: song["name"])
of_every_completed_song = pytest.mark.parametrize("old", COMPLETED, ids=lambda song: song["name"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path_factory.mktemp("old") / "songs"))


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    ages = {"STORE__MAX_AGE_HOURS": str(THOUSAND_YEARS_HOURS)}
    with running_service(STUDIO, STORE__FOLDER=str(folder), **ages) as service:
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        service.discard_log()
        yield service


@pytest.fixture(scope="module")
def stub(service: Service) -> Iterator[Any]:
    with grpc.insecure_channel(service.address) as channel:
        yield MusicServiceStub(channel)


def caller(old: dict[str, Any]) -> Any:
    return (("x-caller", old["caller"]),)


def listened(stub: Any, old: dict[str, Any], byte_offset: int = 0) -> tuple[list[Any], dict[str, Any] | None]:
    """Return the events of a song from a byte offset on, and the error at the end of the stream as JSON, `None` without
    an error. `old` is the first version's record of the song and its caller.
    """
    asked = music_pb2.ListenRequest(song_id=old["song"]["song_id"], byte_offset=byte_offset)
    told: list[Any] = []
    try:
        told.extend(one.event for one in stub.Listen(asked, metadata=caller(old), timeout=TIMEOUT_SECONDS))
    except grpc.RpcError as error:
        status: Any = error
        return told, {"code": status.code().name, "message": status.details()}
    return told, None


def song_of_today(old: dict[str, Any]) -> dict[str, Any]:
    """Return a song of the first version with the present fields: `error_reason` and `error` are in `failure`."""
    found = dict(old["song"])
    if "error_reason" not in found:
        return found
    reason, text = found.pop("error_reason"), found.pop("error")
    info = {"@type": f"type.googleapis.com/{ERROR_INFO.full_name}", "reason": reason, "domain": "melisma.v1"}
    return found | {"failure": {"code": CODES[reason].value[0], "message": text, "details": [info]}}


def with_names_of_today(value: Any) -> Any:
    """Return a response of the first version with the present names of enum values."""
    if isinstance(value, dict):
        return {name: with_names_of_today(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(with_names_of_today, value))
    return re.sub(r"^(VOICE|STEM)_(?=[A-Z]+$)", r"\1_KIND_", value) if isinstance(value, str) else value


def sound(told: list[Any]) -> bytes:
    return b"".join(message.chunk.data for message in told)


def without_sound(message: Any) -> dict[str, Any]:
    found = plain(message)
    found.get("chunk", {}).pop("data", None)
    return found


def plain(message: Any) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)


def size_and_sum(data: bytes) -> dict[str, Any]:
    return {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.mark.parametrize("name", ["anonymous", "games"])
def test_songs_are_listed_for_their_callers_newest_first(stub: Any, name: str) -> None:
    page = stub.ListSongs(music_pb2.ListSongsRequest(), metadata=(("x-caller", name),))
    made = [old["song"]["song_id"] for old in SONGS if old["caller"] == name]
    assert [song.song_id for song in page.songs] == made[::-1]


@of_every_song
def test_a_song_is_what_it_was(stub: Any, old: dict[str, Any]) -> None:
    asked = music_pb2.GetSongRequest(song_id=old["song"]["song_id"])
    song = plain(stub.GetSong(asked, metadata=caller(old)).song)
    assert song.pop("end_time")
    assert song == {name: value for name, value in song_of_today(old).items() if name != "end_time"}


@pytest.mark.parametrize("old", [song for song in SONGS if "end_time" in song["song"]], ids=lambda song: song["name"])
def test_a_song_ended_when_it_did(stub: Any, old: dict[str, Any]) -> None:
    asked = music_pb2.GetSongRequest(song_id=old["song"]["song_id"])
    assert plain(stub.GetSong(asked, metadata=caller(old)).song)["end_time"] == old["song"]["end_time"]


def in_words_of_today(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return an error of the first version with the present text."""
    if error is None:
        return None
    cancelled = "the song was cancelled: request a new one"
    renamed = {"the song is failed": "the song has failed", "the song is cancelled": cancelled}
    text = error["message"]
    for former, now in renamed.items():
        text = text.replace(former, now)
    return error | {"message": text}


@of_every_song
def test_a_song_is_told_as_it_was(stub: Any, old: dict[str, Any]) -> None:
    told, error = listened(stub, old)
    assert size_and_sum(sound(told)) == old["sound"]
    assert list(map(without_sound, told)) == with_names_of_today(old["events"])
    assert error == in_words_of_today(old["error"])


@of_every_completed_song
def test_sound_goes_on_from_the_middle(stub: Any, old: dict[str, Any]) -> None:
    whole = sound(listened(stub, old)[0])
    for offset in (1, len(whole) // 2 + 1, len(whole) - 1):
        told, error = listened(stub, old, offset)
        assert (sound(told), error) == (whole[offset:], None)


@of_every_completed_song
def test_rest_has_the_same_bytes(service: Service, old: dict[str, Any]) -> None:
    rest = Rest(service.http_address, {"X-Caller": old["caller"]})
    song = rest.ask("GET", f"{MUSIC}/{old['song']['song_id']}").json
    assert (song["status"], song["sha256"]) == ("completed", old["song"]["sha256"])
    path = song["audio_url"].removeprefix(f"http://{service.http_address}")
    whole = rest.ask("GET", path).data
    assert size_and_sum(whole) == old["sound"]
    assert rest.ask("GET", path, Range="bytes=40000-").data == whole[40_000:]
    assert rest.ask("GET", f"{path}?byte_offset=40001").data == whole[40_001:]


@pytest.mark.parametrize("old", NOT_COMPLETED, ids=lambda song: song["name"])
def test_rest_tells_why_a_song_failed_as_it_did(service: Service, old: dict[str, Any]) -> None:
    rest = Rest(service.http_address, {"X-Caller": old["caller"]})
    song = old["song"]
    failed = {"reason": song["error_reason"], "detail": song["error"]} if "error" in song else None
    assert rest.ask("GET", f"{MUSIC}/{song['song_id']}").json.get("error") == failed


@pytest.mark.parametrize("old", NOT_COMPLETED, ids=lambda song: song["name"])
def test_rest_says_that_a_song_is_not_complete(service: Service, old: dict[str, Any]) -> None:
    rest = Rest(service.http_address, {"X-Caller": old["caller"]})
    answer = rest.ask("GET", f"/audio/{old['song']['song_id']}.mp3")
    assert (answer.status, answer.json["reason"]) == (409, old["song"].get("error_reason") or "SONG_NOT_COMPLETE")


@of_every_completed_song
def test_the_same_request_brings_the_same_song_and_another_one_is_refused(stub: Any, old: dict[str, Any]) -> None:
    request = ParseDict(with_names_of_today(old["request"]), music_pb2.GenerateRequest())
    told = [one.event for one in stub.Generate(request, metadata=caller(old), timeout=TIMEOUT_SECONDS)]
    assert told[0].accepted.song_id == old["song"]["song_id"]
    assert size_and_sum(sound(told)) == old["sound"]
    request.seed += 1
    with pytest.raises(grpc.RpcError) as error:
        list(stub.Generate(request, metadata=caller(old), timeout=TIMEOUT_SECONDS))
    assert error.value.code() is grpc.StatusCode.ALREADY_EXISTS


def test_no_sound_was_deleted(service: Service, folder: Path) -> None:
    kept = {path.name: path.stat().st_size for path in folder.glob("*.mp3")}
    assert kept == {path.name: path.stat().st_size for path in FOLDER.glob("*.mp3")}
    assert len(kept) == len(SONGS)
