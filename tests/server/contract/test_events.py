from dataclasses import replace

import pytest

from melisma.v1 import music_pb2
from model.song import ChordSpan, LyricLine, SectionKind, SectionPlan, SectionScore, Syllable, SyllableTiming, Voice
from server.contract.enums import VOICES
from server.contract.events import event_message
from server.contract.requests import song_request
from server.song import (
    Accepted,
    Chunk,
    Marks,
    Planned,
    Progressed,
    QueueStatus,
    SectionSent,
    SongCompleted,
    SongRequest,
)
from tests.support.fake_runner import FAKE_INFO, FAKE_PLAN


def request(seed: int | None = None) -> SongRequest:
    return song_request(music_pb2.GenerateRequest(prompt="pop", seed=seed), {"fake": FAKE_INFO}, "fake")


def test_the_acceptance_repeats_what_was_chosen() -> None:
    song = request(seed=7)
    accepted = event_message(Accepted("song-1", 2, 1.5, 4.0), song).accepted
    assert (accepted.request_id, accepted.engine, accepted.seed) == (song.request_id, "fake", 7)
    assert accepted.queue_position == 2
    assert (accepted.estimated_first_audio.ToMilliseconds(), accepted.estimated_finish.ToMilliseconds()) == (1500, 4000)


def test_no_estimate_stays_unset() -> None:
    accepted = event_message(Accepted("song-1", 0), request()).accepted
    assert not accepted.HasField("estimated_first_audio")
    assert not accepted.HasField("estimated_finish")


def test_waiting_is_told_as_progress_without_steps() -> None:
    progress = event_message(QueueStatus(3, 1.5, 4.0), request()).progress
    assert (progress.queue_position, progress.steps) == (3, 0)
    assert (progress.estimated_first_audio.ToMilliseconds(), progress.estimated_finish.ToMilliseconds()) == (1500, 4000)
    assert event_message(QueueStatus(0), request()).progress == music_pb2.SongProgress()


def test_a_plan_is_told_with_its_marks_if_it_has_any() -> None:
    marks = Marks("http://kind", "工作室", "0f")
    plans = [event_message(Planned(FAKE_PLAN, 1105, 9, True, marks=one), request()).plan for one in (marks, None)]
    assert plans[0].marks == music_pb2.SoundMarks(digital_source_type="http://kind", producer="工作室", content_id="0f")
    assert not plans[1].HasField("marks")


def test_a_plan_is_told_with_its_lyrics() -> None:
    syllables = (Syllable("你", "ni", 3, 2), Syllable("la", "la"))
    line = LyricLine("你好 la", syllables, (Voice.MALE, Voice.FEMALE))
    section = SectionPlan(0, SectionKind.PRE_CHORUS, "pre-chorus", 0.0, 12.0, bars=4, lines=(line,))
    plan = event_message(Planned(replace(FAKE_PLAN, sections=(section,), key="C major"), 1105, 9, True), request()).plan
    assert (plan.key, plan.delay_samples, plan.sample_rate_hertz) == ("C major", 1105, 44_100)
    assert (plan.sample_count, plan.sample_count_exact) == (9, True)
    assert not plan.HasField("tempo_bpm")
    assert plan.voice == music_pb2.VOICE_KIND_UNSPECIFIED
    told = plan.sections[0]
    assert (told.kind, told.bars, told.lines[0].text) == (music_pb2.SECTION_KIND_PRE_CHORUS, 4, "你好 la")
    assert [VOICES[voice] for voice in told.lines[0].voices] == [Voice.MALE, Voice.FEMALE]
    assert [(s.text, s.reading, s.tone, s.sung_tone) for s in told.lines[0].syllables] == [
        ("你", "ni", 3, 2),
        ("la", "la", 0, 0),
    ]


@pytest.mark.parametrize("voice", Voice)
def test_a_plan_tells_who_sings(voice: Voice) -> None:
    plan = event_message(Planned(replace(FAKE_PLAN, voice=voice), 1105, 9, True), request()).plan
    assert VOICES[plan.voice] is voice


def test_progress_chunks_and_sections_are_told_whole() -> None:
    song = request()
    assert event_message(Progressed(1, 3, 20), song).progress == music_pb2.SongProgress(
        section_index=1, step=3, steps=20, section_share=0.15
    )
    assert event_message(Progressed(1, 3, 20, denoises=False), song).progress == music_pb2.SongProgress(
        section_index=1, section_share=0.15
    )
    assert event_message(Planned(replace(FAKE_PLAN, steps=None), 1105, 9, True), song).plan.steps == 0
    chunk = event_message(Chunk(4, b"mp3", 1, 2.5, 0.5, 100, 200), song).chunk
    assert (chunk.sequence, chunk.data, chunk.byte_offset, chunk.sample_offset) == (4, b"mp3", 100, 200)
    score = SectionScore((SyllableTiming(0, 1, "天", 3.0, 3.5),), b"MThd", (ChordSpan("F#m", 2.0, 4.0),))
    sent = event_message(SectionSent(1, 2.0, 8.0, score), song).section_finished
    assert (sent.section_index, sent.midi, sent.timings[0].syllable_index) == (1, b"MThd", 1)
    assert list(sent.chords) == [music_pb2.ChordSpan(symbol="F#m", start_seconds=2.0, end_seconds=4.0)]


def test_the_end_tells_where_the_time_went() -> None:
    finished = event_message(SongCompleted(12.0, 529_200, 5, "ab", 0.1, 0.25, 0.5, 1.0), request()).finished
    assert [
        d.ToMilliseconds() for d in (finished.queued, finished.denoising, finished.rendering, finished.encoding)
    ] == [
        100,
        250,
        500,
        1000,
    ]
    assert finished.finish_reason == music_pb2.FINISH_REASON_COMPLETED
