"""Tests that REST uses the names of the contract, except those in the tables of names."""

from typing import Any

from melisma.v1 import music_pb2
from server.api.rest.json_format import names
from server.api.rest.json_format.proto_json import fields_of
from server.api.rest.json_format.song_json import song_json
from server.api.rest.openapi import document
from server.song import SongState
from server.store.base import SongRecord

FAILED = SongRecord(
    song_id="song-1",
    caller="me",
    request_id="request-1",
    fingerprint="print",
    engine="studio",
    prompt="pop",
    seed=7,
    created_ns=1,
    state=SongState.FAILED,
    ended_ns=2,
    reason="WORKER_LOST",
    error="its worker died",
)
MEMBERS = {member.name for member in music_pb2.SongEvent.DESCRIPTOR.oneofs_by_name["event"].fields}


def schema(name: str) -> Any:
    described: Any = document(secured=False)
    return described["components"]["schemas"][name]["properties"]


def in_rest(message: Any, table: Any) -> set[str]:
    return {table.get(field.name, field.name) for field in fields_of(message)}


def test_the_names_of_today_stay() -> None:
    assert dict(names.REQUEST_NAMES) == {"duration_seconds": "duration"}
    assert dict(names.SONG_NAMES) == {
        "song_id": "task_id",
        "state": "status",
        "create_time": "created_at",
        "end_time": "ended_at",
        "duration_seconds": "duration_sec",
        "failure": "error",
        "content_credentials": "credentials_url",
    }
    assert dict(names.EVENT_NAMES) == {"section_finished": "section"}


def test_every_name_in_the_tables_is_one_of_the_contract() -> None:
    request, song = music_pb2.GenerateRequest.DESCRIPTOR, music_pb2.Song.DESCRIPTOR
    assert names.REQUEST_NAMES.keys() <= set(request.fields_by_name)
    assert names.SONG_NAMES.keys() <= set(song.fields_by_name)
    assert names.EVENT_NAMES.keys() <= MEMBERS


def test_a_request_has_every_field_of_the_contract() -> None:
    own = in_rest(music_pb2.GenerateRequest, names.REQUEST_NAMES)
    assert schema("SongRequest").keys() == own | {"output_format"}


def test_a_song_has_every_field_of_the_contract() -> None:
    own = in_rest(music_pb2.Song, names.SONG_NAMES) | {"audio_url", "events_url"}
    assert schema("Song").keys() == own
    assert song_json("http://here", FAILED, credentials=False).keys() == own


def test_options_of_an_engine_are_nested_as_in_the_contract() -> None:
    options: Any = music_pb2.AceStepOptions
    assert schema("SongRequest")["ace_step"] == {"$ref": "#/components/schemas/AceStepOptions"}
    assert schema("AceStepOptions").keys() == {field.name for field in fields_of(options)}


def test_fields_that_have_moved_are_fields_where_the_table_says() -> None:
    request: Any = music_pb2.GenerateRequest.DESCRIPTOR
    for moved, path in names.MOVED_FIELDS.items():
        engine, option = path.split(".")
        assert moved not in request.fields_by_name
        assert option in request.fields_by_name[engine].message_type.fields_by_name
