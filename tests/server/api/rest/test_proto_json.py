from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from melisma.v1 import music_pb2
from server.api.rest.json_format.proto_json import filled, plain
from server.errors import InvalidRequest
from tests.support.table import table


def read(given: Any) -> music_pb2.GenerateRequest:
    return filled(music_pb2.GenerateRequest(), given)


def test_fields_of_every_kind_are_read() -> None:
    given = {
        "prompt": "民谣",
        "seed": 5.0,
        "guidance_scale": 3,
        "stems": ["vocal", "drums"],
        "voice": "female",
        "audio": {"bitrate_kbps": 128},
        "anchor": {"notes": {"notes": [{"pitch": 60, "length_beats": 1}, {"length_beats": 0.5}]}},
        "retake": {},
    }
    message = read(given)
    notes = [music_pb2.AnchorNote(pitch=60, length_beats=1), music_pb2.AnchorNote(length_beats=0.5)]
    assert message == music_pb2.GenerateRequest(
        prompt="民谣",
        seed=5,
        guidance_scale=3.0,
        stems=[music_pb2.STEM_KIND_VOCAL, music_pb2.STEM_KIND_DRUMS],
        voice=music_pb2.VOICE_KIND_FEMALE,
        audio=music_pb2.AudioConfig(bitrate_kbps=128),
        anchor=music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=notes)),
        retake=music_pb2.RetakeTask(),
    )


def test_a_source_is_a_field_of_its_task() -> None:
    message = read({"extend": {"audio": "YQ==", "right_seconds": 3}})
    assert message.extend == music_pb2.ExtendTask(audio=b"a", right_seconds=3)


def test_bytes_are_base64() -> None:
    assert read({"anchor": {"midi": "TVRoZA=="}}).anchor.midi == b"MThd"


@table(
    ("given", "field"),
    [
        ({"nothing": 1}, "nothing"),
        ({"pro\ud83dmpt": 1}, r"pro\ud83dmpt"),
        ({"retake": {"\ud83d": 1}}, r"retake.\ud83d"),
        ({"n" * 100_000: 1}, "n" * 64),
        ({"prompt": 1}, "prompt"),
        ({"nothing": None}, "nothing"),
        ({"stems": ["vocal", None]}, "stems[1]"),
        ({"anchor": {"notes": {"notes": [None]}}}, "anchor.notes.notes[0]"),
        ({"prompt": "\ud800"}, "prompt"),
        ({"seed": True}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": 1e400}, "seed"),
        ({"steps": 2**31}, "steps"),
        ({"tempo_bpm": "fast"}, "tempo_bpm"),
        ({"tempo_bpm": 10**400}, "tempo_bpm"),
        ({"voice": 1}, "voice"),
        ({"voice": "unspecified"}, "voice"),
        ({"stems": "vocal"}, "stems"),
        ({"stems": ["vocal", "flute"]}, "stems[1]"),
        ({"audio": []}, "audio"),
        ({"audio": {"rate": 1}}, "audio.rate"),
        ({"anchor": {"midi": "*"}}, "anchor.midi"),
        ({"anchor": {"notes": {"notes": [{"pitch": "C"}]}}}, "anchor.notes.notes[0].pitch"),
        ({"retake": {}, "edit": {}}, "edit"),
        ("prompt", "request"),
    ],
)
def test_what_a_field_cannot_hold_is_named(given: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        read(given)
    assert [violation.field for violation in error.value.violations] == [field]


def test_what_is_null_is_unset_however_deep_it_lies() -> None:
    given = {
        "prompt": "pop",
        "lyrics": None,
        "seed": None,
        "stems": None,
        "voice": None,
        "audio": None,
        "mastering": {"target_lufs": None},
        "anchor": {"midi": None, "notes": {"notes": [{"pitch": None, "length_beats": 1}]}},
        "retake": None,
        "edit": {"audio": "YQ==", "lyrics": None, "end": None},
        "ace_step": {"mode": None, "omega": None},
    }
    bare = {
        "prompt": "pop",
        "mastering": {},
        "anchor": {"notes": {"notes": [{"length_beats": 1}]}},
        "edit": {"audio": "YQ=="},
        "ace_step": {},
    }
    assert read(given) == read(bare)
    assert not read(dict.fromkeys(music_pb2.GenerateRequest.DESCRIPTOR.fields_by_name)).ListFields()


@table(
    ("given", "advice"),
    [
        ({"seed": "42"}, "must be an integer, without quotes"),
        ({"tempo_bpm": "90"}, "must be a number, without quotes"),
        ({"voice": "Female"}, "must be 'female', in lower case"),
        ({"voice": "robot"}, "must be one of female, male"),
        ({"prompt": 1}, "must be a JSON string, in double quotes"),
        ({"vocalLevelDb": 1}, "use vocal_level_db"),
        ({"durationSeconds": 1}, "use duration"),
        ({"outputFormat": "mp3"}, "use output_format"),
        ({"make_instrumental": True}, "leave lyrics out"),
        ({"nothing": 1}, "GET /openapi.json"),
        ({"audio": {"bitrateKbps": 1}}, "use bitrate_kbps"),
        ({"prompt": "\ud83d"}, "surrogate pair"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(given: Any, advice: str) -> None:
    with pytest.raises(InvalidRequest, match=advice):
        read(given)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as error:
        read({"seed": "x", "nothing": 1})
    assert [violation.field for violation in error.value.violations] == ["seed", "nothing"]


def test_messages_are_told_with_numbers_words_and_without_what_is_unset() -> None:
    accepted = music_pb2.SongAccepted(
        song_id="song-1", seed=2**32 - 1, estimated_finish=Duration(seconds=1, nanos=500_000_000)
    )
    assert plain(accepted) == {
        "request_id": "",
        "song_id": "song-1",
        "engine": "",
        "seed": 4294967295,
        "queue_position": 0,
        "estimated_finish_seconds": 1.5,
    }
    plan = plain(music_pb2.SongPlan(sections=[music_pb2.Section(kind=music_pb2.SECTION_KIND_PRE_CHORUS)]))
    assert (plan["sections"][0]["kind"], plan["voice"], "tempo_bpm" in plan) == ("pre_chorus", None, False)
