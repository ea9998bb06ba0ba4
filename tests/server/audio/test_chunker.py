import hashlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from model.song import ChordSpan, SectionScore, SyllableTiming, Window
from server.audio.chunker import Chunker, cut_window
from server.audio.song_encoder import SongEncoder
from server.song import AudioSettings, Chunk, Planned, SectionSent, SongCompleted, SongEvent
from tests.support.fakes import RATE_HERTZ, FakeEncoder, FakeEngine, params
from tests.support.table import table

SCORE = SectionScore()


def silence(seconds: float) -> Window:
    return np.zeros((2, round(seconds * RATE_HERTZ)), np.float32)


def chunker() -> Chunker:
    encoder = FakeEncoder(RATE_HERTZ, AudioSettings(), tags={})
    return Chunker(encoder, FakeEngine().plan(params()), RATE_HERTZ, RATE_HERTZ)


def whole_song() -> list[SongEvent]:
    made = chunker()
    events = made.planned()
    for index in range(2):
        for _ in range(4):
            events += made.feed(silence(0.5))
        events += made.end_section(index, SCORE)
    return events + made.finish()


def chunks_of(events: list[SongEvent]) -> list[Chunk]:
    return [event for event in events if isinstance(event, Chunk)]


def test_chunks_follow_each_other_without_gaps() -> None:
    chunks = chunks_of(whole_song())
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    assert (chunks[0].byte_offset, chunks[0].sample_offset, chunks[0].start_seconds) == (0, 0, 0.0)
    for before, after in pairwise(chunks):
        assert after.byte_offset == before.byte_offset + len(before.data)
        assert after.sample_offset == before.sample_offset + len(before.data) // FakeEncoder.frame_bytes * 1152
        assert after.start_seconds == pytest.approx(before.start_seconds + before.duration_seconds)
    assert chunks[-1].start_seconds + chunks[-1].duration_seconds == 4.0


def test_a_chunk_names_the_section_in_which_its_sound_starts() -> None:
    for chunk in chunks_of(whole_song()):
        assert chunk.section_index == int(chunk.start_seconds // 2.0)


def test_a_section_counts_as_sent_when_its_last_sample_has_left_the_encoder() -> None:
    events = whole_song()
    for position, event in enumerate(events):
        if isinstance(event, SectionSent):
            last = chunks_of(events[:position])[-1]
            end_seconds = event.start_seconds + event.duration_seconds
            assert last.start_seconds < end_seconds <= last.start_seconds + last.duration_seconds
    assert [event.section_index for event in events if isinstance(event, SectionSent)] == [0, 1]


def test_times_follow_sections_that_end_early() -> None:
    made, score = chunker(), SectionScore((SyllableTiming(0, 0, "la", 2.0, 2.5),), b"", (ChordSpan("C", 2.0, 4.0),))
    events = [event for _ in range(3) for event in made.feed(silence(0.5))]
    events += made.end_section(0, SCORE)
    events += [event for _ in range(2) for event in made.feed(silence(0.5))]
    events += made.end_section(1, score) + made.finish()
    sent = [event for event in events if isinstance(event, SectionSent)]
    assert [(one.start_seconds, one.duration_seconds) for one in sent] == [(0.0, 1.5), (1.5, 1.0)]
    assert sent[1].score == SectionScore((SyllableTiming(0, 0, "la", 1.5, 2.0),), b"", (ChordSpan("C", 1.5, 3.5),))
    assert [chunk.section_index for chunk in chunks_of(events)] == [
        int(chunk.start_seconds >= 1.5) for chunk in chunks_of(events)
    ]


def test_the_sum_at_the_end_is_that_of_the_chunks() -> None:
    events = whole_song()
    stream = b"".join(chunk.data for chunk in chunks_of(events))
    completed = events[-1]
    assert isinstance(completed, SongCompleted)
    assert completed.sha256 == hashlib.sha256(stream).hexdigest()
    assert (completed.size_bytes, completed.sample_count, completed.duration_seconds) == (len(stream), 32_000, 4.0)


def test_the_plan_tells_the_delay_of_the_encoder() -> None:
    planned = chunker().planned()[0]
    assert isinstance(planned, Planned)
    assert planned.delay_samples == 1152


@table("rate_hertz", [44_100, 48_000])
@table("samples", [1, 80, 240, 31_999, 32_000])
def test_the_plan_tells_the_samples_that_the_song_will_have(samples: int, rate_hertz: int) -> None:
    plan = replace(FakeEngine().plan(params()), engine_samples=samples)
    encoder = SongEncoder(48_000, AudioSettings(sample_rate_hertz=rate_hertz))
    made = Chunker(encoder, plan, 48_000, rate_hertz)
    planned = made.planned()[0]
    made.feed(np.zeros((2, samples), np.float32))
    completed = made.finish()[-1]
    assert isinstance(planned, Planned)
    assert isinstance(completed, SongCompleted)
    assert (planned.sample_count, planned.sample_count_exact) == (completed.sample_count, True)


def test_the_samples_are_an_estimate_where_the_engine_does_not_know_them() -> None:
    planned = Chunker(FakeEncoder(RATE_HERTZ, AudioSettings(), tags={}), FakeEngine().plan(params()), 8_000, 44_100)
    estimate = planned.planned()[0]
    assert isinstance(estimate, Planned)
    assert (estimate.sample_count, estimate.sample_count_exact) == (4 * 44_100, False)


def test_a_window_too_short_for_a_frame_makes_no_chunk() -> None:
    assert chunker().feed(silence(0.01)) == []


def test_a_window_is_cut_into_pieces_of_at_most_a_second_and_the_first_into_shorter_ones() -> None:
    assert [piece.shape[1] for piece in cut_window(silence(1.2), RATE_HERTZ, first=True)] == [3200, 3200, 3200]
    assert [piece.shape[1] for piece in cut_window(silence(1.2), RATE_HERTZ, first=False)] == [4800, 4800]
