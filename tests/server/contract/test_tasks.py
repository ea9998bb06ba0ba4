"""Tests of the tasks of a request, from the request message to the engine."""

import math
from dataclasses import replace
from typing import Any

import pytest

from melisma.v1 import music_pb2
from model.engine import EngineInfo
from model.song import Control, SongParams
from model.tasks import AudioToAudio, Complete, Edit, Extend, ExtractTrack, Lego, Repaint, Retake, Task, Track
from server.contract.requests import song_request
from server.contract.resources import engine_message
from server.errors import ControlNotSupported, InvalidRequest
from tests.support.fake_runner import FAKE_INFO
from tests.support.table import table

ABLE = replace(FAKE_INFO, name="able", controls=frozenset(Control), loras=("rap",))
VOCALS, DRUMS = music_pb2.TRACK_KIND_VOCALS, music_pb2.TRACK_KIND_DRUMS
UNABLE = replace(FAKE_INFO, name="unable", controls=frozenset())


def params(engine: EngineInfo = ABLE, **fields: Any) -> SongParams:
    message = music_pb2.GenerateRequest(**{"prompt": "pop", **fields})
    return song_request(message, {"able": ABLE, "unable": UNABLE}, engine.name).params


def violations(**fields: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as refusal:
        params(**fields)
    return [violation.field for violation in refusal.value.violations]


def test_what_is_unset_is_left_to_the_engine() -> None:
    song = params()
    assert (song.language, song.options, song.task) == (None, None, None)


def test_a_language_arrives() -> None:
    assert params(language="zh-CN").language == "zh-cn"


TASKS: list[tuple[dict[str, Any], Task]] = [
    ({"audio_to_audio": music_pb2.AudioToAudioTask(audio=b"a")}, AudioToAudio(b"a", 0.5)),
    ({"audio_to_audio": music_pb2.AudioToAudioTask(audio=b"a", strength=0.0)}, AudioToAudio(b"a", 0.0)),
    ({"retake": music_pb2.RetakeTask()}, Retake(None, 0.5)),
    ({"retake": music_pb2.RetakeTask(seed=0, variance=0.2)}, Retake(0, 0.2)),
    ({"repaint": music_pb2.RepaintTask(audio=b"a", end_seconds=3)}, Repaint(b"a", 0.0, 3.0, 0.5, None)),
    ({"extend": music_pb2.ExtendTask(audio=b"a", right_seconds=3, seed=4)}, Extend(b"a", 0.0, 3.0, 4)),
    ({"edit": music_pb2.EditTask(audio=b"a", prompt="p", lyrics="l")}, Edit(b"a", "p", "l", 0.0, 1.0, 1, None)),
    (
        {"edit": music_pb2.EditTask(audio=b"a", start=0.2, end=0.4, averages=3, seed=9)},
        Edit(b"a", "", "", 0.2, 0.4, 3, 9),
    ),
    ({"extract_track": music_pb2.ExtractTrackTask(audio=b"a", track=VOCALS)}, ExtractTrack(b"a", Track.VOCALS)),
    ({"lego": music_pb2.LegoTask(audio=b"a", track=DRUMS)}, Lego(b"a", Track.DRUMS, 0.0, 0.0)),
    (
        {"lego": music_pb2.LegoTask(audio=b"a", track=DRUMS, start_seconds=1, end_seconds=300)},
        Lego(b"a", Track.DRUMS, 1.0, 300.0),
    ),
    ({"complete": music_pb2.CompleteTask(audio=b"a")}, Complete(b"a", ())),
    (
        {"complete": music_pb2.CompleteTask(audio=b"a", tracks=[DRUMS, VOCALS])},
        Complete(b"a", (Track.DRUMS, Track.VOCALS)),
    ),
]

WISHES: dict[str, tuple[Any, object]] = {
    "negative_prompt": ("noise", "noise"),
    "time_signature": ("6/8", "6/8"),
    "reference_audio": (music_pb2.ReferenceAudio(audio=b"a"), b"a"),
}


@table(("fields", "task"), TASKS)
def test_tasks_arrive(fields: dict[str, Any], task: Task) -> None:
    assert params(**fields).task == task


@table("name", WISHES)
def test_other_wishes_arrive(name: str) -> None:
    given, arrived = WISHES[name]
    assert getattr(params(**{name: given}), name) == arrived
    assert not getattr(params(), name)


@pytest.mark.parametrize(
    "kind",
    [
        music_pb2.AudioToAudioTask,
        music_pb2.RepaintTask,
        music_pb2.ExtendTask,
        music_pb2.EditTask,
        music_pb2.ExtractTrackTask,
        music_pb2.LegoTask,
        music_pb2.CompleteTask,
        music_pb2.ReferenceAudio,
    ],
)
def test_a_recording_is_one_of_the_sources_and_travels_in_field_1(kind: Any) -> None:
    task = kind(audio=b"a")
    assert task.WhichOneof("source") == "audio"
    assert task.SerializeToString() == b"\x0a\x01a"
    assert kind.FromString(b"\x0a\x01a").audio == b"a"


@table(
    ("fields", "field"),
    [
        ({"language": "chinese, please"}, "language"),
        ({"audio_to_audio": music_pb2.AudioToAudioTask()}, "audio_to_audio.audio"),
        ({"audio_to_audio": music_pb2.AudioToAudioTask(audio=b"")}, "audio_to_audio.audio"),
        ({"repaint": music_pb2.RepaintTask(end_seconds=3)}, "repaint.audio"),
        ({"extend": music_pb2.ExtendTask(right_seconds=3)}, "extend.audio"),
        ({"edit": music_pb2.EditTask(prompt="p")}, "edit.audio"),
        ({"audio_to_audio": music_pb2.AudioToAudioTask(audio=b"a", strength=2)}, "audio_to_audio.strength"),
        ({"retake": music_pb2.RetakeTask(variance=0)}, "retake.variance"),
        ({"repaint": music_pb2.RepaintTask(audio=b"a", start_seconds=4, end_seconds=3)}, "repaint"),
        ({"extend": music_pb2.ExtendTask(audio=b"a")}, "extend"),
        ({"edit": music_pb2.EditTask(audio=b"a", start=0.5, end=0.4)}, "edit"),
        ({"edit": music_pb2.EditTask(audio=b"a", averages=9)}, "edit.averages"),
        ({"extend": music_pb2.ExtendTask(audio=b"a", left_seconds=3), "duration_seconds": 20.0}, "duration_seconds"),
        ({"complete": music_pb2.CompleteTask(audio=b"a"), "duration_seconds": 20.0}, "duration_seconds"),
        ({"extract_track": music_pb2.ExtractTrackTask(audio=b"a")}, "extract_track.track"),
        ({"extract_track": music_pb2.ExtractTrackTask(track=VOCALS)}, "extract_track.audio"),
        ({"lego": music_pb2.LegoTask(audio=b"a")}, "lego.track"),
        ({"lego": music_pb2.LegoTask(audio=b"a", track=DRUMS, start_seconds=3, end_seconds=2)}, "lego"),
        ({"lego": music_pb2.LegoTask(audio=b"a", track=DRUMS, start_seconds=math.inf)}, "lego.start_seconds"),
        ({"complete": music_pb2.CompleteTask(audio=b"a", tracks=[DRUMS, DRUMS])}, "complete.tracks"),
        (
            {"complete": music_pb2.CompleteTask(audio=b"a", tracks=[music_pb2.TRACK_KIND_UNSPECIFIED])},
            "complete.tracks[0]",
        ),
        ({"negative_prompt": "n" * 1001}, "negative_prompt"),
        ({"time_signature": "waltz"}, "time_signature"),
        ({"reference_audio": music_pb2.ReferenceAudio()}, "reference_audio.audio"),
    ],
)
def test_what_breaks_the_contract_is_named(fields: dict[str, Any], field: str) -> None:
    assert violations(**fields) == [field]


@table(
    ("fields", "control"),
    [
        ({"language": "zh"}, "language"),
        *((fields, next(iter(fields))) for fields, _ in TASKS),
        *(({name: given}, name) for name, (given, _) in WISHES.items()),
    ],
)
def test_an_engine_that_cannot_names_one_that_can(fields: dict[str, Any], control: str) -> None:
    with pytest.raises(ControlNotSupported, match="use an engine that does: able") as refusal:
        params(UNABLE, **fields)
    assert [one.field for one in refusal.value.violations] == [control]


def test_adapters_are_listed() -> None:
    assert list(engine_message("able", ABLE, ("cpu",), ready=True).loras) == ["rap"]
