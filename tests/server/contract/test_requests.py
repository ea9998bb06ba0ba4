import math
import uuid
from dataclasses import replace

import pytest

from melisma.v1 import music_pb2
from model.song import ALL_STEMS, AnchorNote, Control, Stem, Voice
from server.contract.requests import song_request
from server.errors import ControlNotSupported, InvalidRequest
from server.song import AudioSettings, SongRequest
from tests.support.fake_runner import FAKE_INFO
from tests.support.table import table

ENGINES = {"fake": FAKE_INFO}


def message(**fields: object) -> music_pb2.GenerateRequest:
    return music_pb2.GenerateRequest(**{"prompt": "pop", **fields})  # type: ignore[arg-type]


def request(**fields: object) -> SongRequest:
    return song_request(message(**fields), ENGINES, "fake")


def violations(**fields: object) -> list[str]:
    with pytest.raises(InvalidRequest) as refusal:
        request(**fields)
    return [violation.field for violation in refusal.value.violations]


def test_caller_and_deadline_go_with_the_song() -> None:
    song = song_request(message(), ENGINES, "fake", 12.5, "radio")
    assert (song.deadline, song.caller) == (12.5, "radio")


def test_an_unset_field_is_left_to_engine_and_server() -> None:
    song = request()
    assert (song.engine, song.audio) == ("fake", AudioSettings(192, 44_100, -14.0))
    assert (song.params.duration_seconds, song.params.steps, song.params.key) == (None, None, None)
    assert (song.params.stems, song.params.voice, song.params.vocal_level_db) == (ALL_STEMS, None, 0.0)


def test_a_missing_request_id_is_drawn() -> None:
    assert uuid.UUID(request().request_id) != uuid.UUID(request().request_id)


def test_a_missing_seed_is_drawn() -> None:
    seeds = {request().params.seed for _ in range(4)}
    assert len(seeds) > 1
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_seed_zero_is_a_seed() -> None:
    assert request(seed=0).params.seed == 0


def test_given_fields_arrive() -> None:
    song = request(
        lyrics="[verse]\n春天",
        duration_seconds=60,
        steps=30,
        guidance_scale=2.5,
        key=" A minor ",
        tempo_bpm=90,
        stems=[music_pb2.STEM_KIND_DRUMS],
        voice=music_pb2.VOICE_KIND_FEMALE,
        vocal_level_db=-6,
        audio=music_pb2.AudioConfig(bitrate_kbps=320, sample_rate_hertz=48_000),
        mastering=music_pb2.MasteringConfig(target_lufs=-20),
    )
    params = song.params
    assert (params.duration_seconds, params.steps, params.guidance_scale) == (60.0, 30, 2.5)
    assert (params.key, params.tempo_bpm, params.stems) == ("A minor", 90.0, frozenset({Stem.DRUMS}))
    assert (params.voice, params.vocal_level_db) == (Voice.FEMALE, -6.0)
    assert song.audio == AudioSettings(320, 48_000, -20.0)


def test_an_anchor_is_rounded_to_sixteenths_and_zero_is_a_rest() -> None:
    info = replace(FAKE_INFO, controls=frozenset(Control))
    notes = [music_pb2.AnchorNote(pitch=60, length_beats=1.1), music_pb2.AnchorNote(length_beats=0.5)]
    anchor = music_pb2.Anchor(notes=music_pb2.AnchorNoteList(notes=notes))
    song = song_request(message(anchor=anchor), {"fake": info}, "fake")
    assert song.params.anchor == (AnchorNote(60, 1.0), AnchorNote(None, 0.5))


@table(
    ("fields", "expected"),
    [
        ({"prompt": " "}, ["prompt"]),
        ({"request_id": "me"}, ["request_id"]),
        ({"engine": "Not An Engine"}, ["engine"]),
        ({"prompt": "x" * 1001}, ["prompt"]),
        ({"lyrics": "啊" * 10_001}, ["lyrics"]),
        ({"duration_seconds": 2.9}, ["duration_seconds"]),
        ({"duration_seconds": 601}, ["duration_seconds"]),
        ({"duration_seconds": math.nan}, ["duration_seconds"]),
        ({"duration_seconds": math.inf}, ["duration_seconds"]),
        ({"seed": -1}, ["seed"]),
        ({"steps": 0}, ["steps"]),
        ({"key": "C" * 33}, ["key"]),
        ({"tempo_bpm": math.nan}, ["tempo_bpm", "tempo_bpm"]),
        ({"audio": music_pb2.AudioConfig(bitrate_kbps=100)}, ["audio.bitrate_kbps"]),
        ({"stems": [1, 99]}, ["stems[1]"]),
        ({"voice": 3}, ["voice"]),
        ({"vocal_level_db": -24.1}, ["vocal_level_db"]),
        ({"vocal_level_db": 12.1}, ["vocal_level_db"]),
        ({"vocal_level_db": math.nan}, ["vocal_level_db", "vocal_level_db"]),
        ({"anchor": music_pb2.Anchor()}, ["anchor.melody"]),
        ({"mastering": music_pb2.MasteringConfig(target_lufs=0)}, ["mastering.target_lufs"]),
        ({"duration_seconds": 201, "steps": 101, "guidance_scale": 8}, ["duration_seconds", "steps", "guidance_scale"]),
        ({"stems": [music_pb2.STEM_KIND_VOCAL, music_pb2.STEM_KIND_BASS]}, ["stems[1]"]),
        ({"voice": music_pb2.VOICE_KIND_MALE}, ["voice"]),
        ({"stems": [music_pb2.STEM_KIND_BASS], "voice": music_pb2.VOICE_KIND_MALE}, ["stems[0]", "voice"]),
    ],
)
def test_what_breaks_a_rule_is_named(fields: dict[str, object], expected: list[str]) -> None:
    assert violations(**fields) == expected


@table(
    ("control", "fields"),
    [
        (Control.STEPS, {"steps": 10}),
        (Control.GUIDANCE_SCALE, {"guidance_scale": 2.0}),
        (Control.KEY, {"key": "C"}),
        (Control.TEMPO, {"tempo_bpm": 100.0}),
        (Control.ANCHOR, {"anchor": music_pb2.Anchor(midi=b"x")}),
        (Control.STEMS, {"stems": [1]}),
        (Control.VOICE, {"voice": music_pb2.VOICE_KIND_FEMALE}),
        (Control.VOCAL_LEVEL, {"vocal_level_db": -3.0}),
    ],
)
def test_a_control_that_the_engine_lacks_is_refused_by_name(control: Control, fields: dict[str, object]) -> None:
    info = replace(FAKE_INFO, controls=frozenset(Control) - {control})
    with pytest.raises(ControlNotSupported) as refusal:
        song_request(message(**fields), {"fake": info}, "fake")
    assert [one.field for one in refusal.value.violations] == [control.value]


def test_an_unknown_engine_is_left_to_admission() -> None:
    assert request(engine="opera", steps=150).engine == "opera"
