import math
import uuid
from dataclasses import replace

import pytest

from melisma.v1 import music_pb2
from model.song import (
    ALL_STEMS,
    AnchorNote,
    ChordSpan,
    Control,
    LyricLine,
    SectionKind,
    SectionPlan,
    SectionScore,
    Stem,
    Syllable,
    SyllableTiming,
    Voice,
)
from server.contract.requests import SECTION_KINDS, engine_message, response, song_request
from server.contract.validation import STEMS, VOICES, check, parsed
from server.errors import ControlNotSupported, InvalidRequest
from server.song import (
    Accepted,
    AudioSettings,
    Chunk,
    Planned,
    Progressed,
    SectionSent,
    SongCompleted,
    SongRequest,
    Waiting,
)
from tests.support.fake_runner import FAKE_INFO, FAKE_PLAN

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
        stems=[music_pb2.STEM_DRUMS],
        voice=music_pb2.VOICE_FEMALE,
        vocal_level_db=-6,
        audio=music_pb2.AudioConfig(bitrate_kbps=320, sample_rate_hertz=48_000),
        mastering=music_pb2.Mastering(target_lufs=-20),
    )
    params = song.params
    assert (params.duration_seconds, params.steps, params.guidance_scale) == (60.0, 30, 2.5)
    assert (params.key, params.tempo_bpm, params.stems) == ("A minor", 90.0, frozenset({Stem.DRUMS}))
    assert (params.voice, params.vocal_level_db) == (Voice.FEMALE, -6.0)
    assert song.audio == AudioSettings(320, 48_000, -20.0)


def test_an_anchor_is_rounded_to_sixteenths_and_zero_is_a_rest() -> None:
    info = replace(FAKE_INFO, controls=frozenset(Control))
    notes = [music_pb2.AnchorNote(pitch=60, length_beats=1.1), music_pb2.AnchorNote(length_beats=0.5)]
    anchor = music_pb2.Anchor(notes=music_pb2.NoteList(notes=notes))
    song = song_request(message(anchor=anchor), {"fake": info}, "fake")
    assert song.params.anchor == (AnchorNote(60, 1.0), AnchorNote(None, 0.5))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"prompt": " "}, ["prompt"]),
        ({"request_id": "me"}, ["request_id"]),
        ({"engine": "Not An Engine"}, ["engine"]),
        ({"prompt": "x" * 1001}, ["prompt"]),
        ({"lyrics": "啊" * 10_001}, ["lyrics"]),
        ({"duration_seconds": 9.9}, ["duration_seconds"]),
        ({"duration_seconds": 241}, ["duration_seconds"]),
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
        ({"mastering": music_pb2.Mastering(target_lufs=0)}, ["mastering.target_lufs"]),
        ({"duration_seconds": 201, "steps": 101, "guidance_scale": 8}, ["duration_seconds", "steps", "guidance_scale"]),
        ({"stems": [music_pb2.STEM_VOCAL, music_pb2.STEM_BASS]}, ["stems[1]"]),
        ({"voice": music_pb2.VOICE_MALE}, ["voice"]),
        ({"stems": [music_pb2.STEM_BASS], "voice": music_pb2.VOICE_MALE}, ["stems[0]", "voice"]),
    ],
)
def test_what_breaks_a_rule_is_named(fields: dict[str, object], expected: list[str]) -> None:
    assert violations(**fields) == expected


def test_a_fault_inside_a_list_names_its_place() -> None:
    notes = [music_pb2.AnchorNote(pitch=60, length_beats=1), music_pb2.AnchorNote(pitch=1, length_beats=1)]
    with pytest.raises(InvalidRequest, match=r"anchor\.notes\.notes\[1\]\.pitch: must be 0 \(a rest\)"):
        check(message(anchor=music_pb2.Anchor(notes=music_pb2.NoteList(notes=notes))))


@pytest.mark.parametrize(
    ("control", "fields"),
    [
        (Control.STEPS, {"steps": 10}),
        (Control.GUIDANCE_SCALE, {"guidance_scale": 2.0}),
        (Control.KEY, {"key": "C"}),
        (Control.TEMPO, {"tempo_bpm": 100.0}),
        (Control.ANCHOR, {"anchor": music_pb2.Anchor(midi=b"x")}),
        (Control.STEMS, {"stems": [1]}),
        (Control.VOICE, {"voice": music_pb2.VOICE_FEMALE}),
        (Control.VOCAL_LEVEL, {"vocal_level_db": -3.0}),
    ],
)
def test_a_control_that_the_engine_lacks_is_refused_by_name(control: Control, fields: dict[str, object]) -> None:
    info = replace(FAKE_INFO, controls=frozenset(Control) - {control})
    with pytest.raises(ControlNotSupported) as refusal:
        song_request(message(**fields), {"fake": info}, "fake")
    assert refusal.value.field == control.value


def test_an_unknown_engine_is_left_to_admission() -> None:
    assert request(engine="opera", steps=150).engine == "opera"


@pytest.mark.parametrize("data", [b"\x1a\x02\xff\xfe", b"\x1a\x20", b"\xff"])
def test_bytes_that_are_no_message_are_an_invalid_request(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="request: cannot be read"):
        parsed(music_pb2.GenerateRequest.FromString, data)


def test_the_acceptance_repeats_what_was_chosen() -> None:
    song = request(seed=7)
    accepted = response(Accepted("song-1", 2, 1.5, 4.0), song).accepted
    assert (accepted.request_id, accepted.engine, accepted.seed) == (song.request_id, "fake", 7)
    assert accepted.queue_position == 2
    assert (accepted.estimated_first_audio.ToMilliseconds(), accepted.estimated_finish.ToMilliseconds()) == (1500, 4000)


def test_no_estimate_stays_unset() -> None:
    accepted = response(Accepted("song-1", 0), request()).accepted
    assert not accepted.HasField("estimated_first_audio")
    assert not accepted.HasField("estimated_finish")


def test_waiting_is_told_as_progress_without_steps() -> None:
    progress = response(Waiting(3, 1.5, 4.0), request()).progress
    assert (progress.queue_position, progress.steps) == (3, 0)
    assert (progress.estimated_first_audio.ToMilliseconds(), progress.estimated_finish.ToMilliseconds()) == (1500, 4000)
    assert response(Waiting(0), request()).progress == music_pb2.Progress()


def test_a_plan_is_told_with_its_lyrics() -> None:
    line = LyricLine("春天 la", (Syllable("春", "chun", 1), Syllable("la", "la")))
    section = SectionPlan(0, SectionKind.PRE_CHORUS, "pre-chorus", 0.0, 12.0, bars=4, lines=(line,))
    plan = response(Planned(replace(FAKE_PLAN, sections=(section,), key="C major"), 1105), request()).plan
    assert (plan.key, plan.delay_samples, plan.sample_rate_hertz) == ("C major", 1105, 44_100)
    assert not plan.HasField("tempo_bpm")
    assert plan.voice == music_pb2.VOICE_UNSPECIFIED
    told = plan.sections[0]
    assert (told.kind, told.bars, told.lines[0].text) == (music_pb2.SECTION_KIND_PRE_CHORUS, 4, "春天 la")
    assert [(s.text, s.reading, s.tone) for s in told.lines[0].syllables] == [("春", "chun", 1), ("la", "la", 0)]


@pytest.mark.parametrize("voice", Voice)
def test_a_plan_tells_who_sings(voice: Voice) -> None:
    plan = response(Planned(replace(FAKE_PLAN, voice=voice), 1105), request()).plan
    assert VOICES[plan.voice] is voice


def test_progress_chunks_and_sections_are_told_whole() -> None:
    song = request()
    assert response(Progressed(1, 3, 20), song).progress == music_pb2.Progress(section_index=1, step=3, steps=20)
    chunk = response(Chunk(4, b"mp3", 1, 2.5, 0.5, 100, 200), song).chunk
    assert (chunk.sequence, chunk.data, chunk.byte_offset, chunk.sample_offset) == (4, b"mp3", 100, 200)
    score = SectionScore((SyllableTiming(0, 1, "天", 3.0, 3.5),), b"MThd", (ChordSpan("F#m", 2.0, 4.0),))
    sent = response(SectionSent(1, 2.0, 8.0, score), song).section_finished
    assert (sent.section_index, sent.midi, sent.timings[0].syllable_index) == (1, b"MThd", 1)
    assert list(sent.chords) == [music_pb2.ChordSpan(symbol="F#m", start_seconds=2.0, end_seconds=4.0)]


def test_the_end_tells_where_the_time_went() -> None:
    finished = response(SongCompleted(12.0, 529_200, 5, "ab", 0.1, 0.25, 0.5, 1.0), request()).finished
    assert [
        d.ToMilliseconds() for d in (finished.queued, finished.denoising, finished.rendering, finished.encoding)
    ] == [
        100,
        250,
        500,
        1000,
    ]
    assert finished.finish_reason == music_pb2.FINISH_REASON_COMPLETED


def test_an_engine_is_described_with_limits_and_controls() -> None:
    engine = engine_message("fake", FAKE_INFO, ("cpu",), ready=True)
    assert (engine.min_steps, engine.max_steps, engine.default_steps) == (2, 100, 20)
    assert list(engine.stems) == [music_pb2.STEM_VOCAL, music_pb2.STEM_DRUMS]
    assert list(engine.voices) == [music_pb2.VOICE_FEMALE]
    assert "anchor" not in engine.controls
    assert engine.ready


def test_an_engine_that_is_not_loaded_has_a_name() -> None:
    assert engine_message("far", None, (), ready=False) == music_pb2.Engine(name="far")


def test_every_stem_voice_and_section_kind_has_a_number() -> None:
    assert set(STEMS.values()) == set(Stem)
    assert set(VOICES.values()) == set(Voice)
    assert set(SECTION_KINDS) == set(SectionKind)
