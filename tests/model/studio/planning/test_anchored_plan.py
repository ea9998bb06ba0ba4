"""Tests of the plan of a song for which the caller gives a melody: its key, its tempo and its length."""

import pytest

from model.song import AnchorNote, InvalidParams
from tests.model.studio.planning.plans import POP, planned

MOTIF = tuple(AnchorNote(pitch, 1.0) for pitch in (62, 66, 69, 71, 69, 67, 66, 64, 62))


def test_the_key_is_that_of_the_callers_melody_and_the_plan_says_so() -> None:
    for seed in range(4):
        plan = planned(seed=seed, anchor=MOTIF)
        assert plan.key == "D major"
        assert "anchor: the melody is in D major" in plan.notes


@pytest.mark.parametrize(("prompt", "key"), [(POP, "F major"), ("pop in F major", None)])
def test_a_named_key_counts_for_more_than_the_callers_melody(prompt: str, key: str | None) -> None:
    plan = planned(prompt, anchor=MOTIF, key=key)
    assert plan.key == "F major"
    assert not [note for note in plan.notes if note.startswith("anchor")]


def test_the_tempo_of_the_anchors_file_is_kept() -> None:
    plan = planned(anchor=MOTIF, anchor_tempo_bpm=93.0)
    assert plan.tempo_bpm == 93.0
    assert "anchor: its file's tempo of 93 BPM is kept" in plan.notes


@pytest.mark.parametrize(
    ("wished", "reason"),
    [
        ({"prompt": "pop, 110 bpm", "anchor_tempo_bpm": 93.0}, "93 BPM is not kept, since another tempo is requested"),
        ({"tempo_bpm": 110.0, "anchor_tempo_bpm": 93.0}, "93 BPM is not kept, since another tempo is requested"),
        ({"anchor_tempo_bpm": 240.0}, "240 BPM is not kept, since it is beyond 50 to 180"),
    ],
)
def test_the_plan_says_why_the_tempo_of_the_anchors_file_is_not_kept(wished: dict[str, object], reason: str) -> None:
    plan = planned(anchor=MOTIF, **wished)  # type: ignore[arg-type]
    assert f"anchor: its file's tempo of {reason}" in plan.notes


def test_words_that_fit_at_another_tempo_than_the_files_are_sung_at_that() -> None:
    words = "[verse]\n" + "我们一起走过春天和夏天\n" * 8
    shortest = next(seconds for seconds in range(10, 60) if _fits(words, float(seconds)))
    plan = planned(
        prompt="fast rock", lyrics=words, duration_seconds=float(shortest), anchor=MOTIF, anchor_tempo_bpm=52.0
    )
    assert "anchor: its file's tempo of 52 BPM is not kept, since the words do not fit at that tempo" in plan.notes


def _fits(words: str, seconds: float) -> bool:
    try:
        planned(prompt="fast rock", lyrics=words, duration_seconds=seconds)
    except InvalidParams:
        return False
    return True


def test_what_was_changed_for_the_anchor_to_be_taken_is_told() -> None:
    assert "anchor: moved" in planned(anchor=MOTIF, anchor_remarks=("anchor: moved",)).notes


def test_a_song_of_no_asked_duration_has_room_for_its_anchor() -> None:
    tune = (AnchorNote(60, 1.0), AnchorNote(64, 1.0)) * 32
    assert not [note for note in planned(lyrics="你好", anchor=tune).notes if "left out" in note]
    assert [note for note in planned(lyrics="你好", anchor=tune, duration_seconds=12.0).notes if "left out" in note]
