"""Tests of the plan of a section's lines, and of key changes in the last chorus."""

from functools import cache

import numpy as np
import pytest

from model.song import AnchorNote, SectionKind, SongParams, SongPlan
from model.studio.composing.section_spec import SectionSpec
from model.studio.info import INFO
from model.studio.lyrics.sections import parse_lyrics
from model.studio.lyrics.stress import stresses
from model.studio.notation.stress import Stress
from model.studio.planning.plan import plan_song
from model.studio.planning.section_spec import section_spec
from model.studio.planning.studio_detail import detail_of

SONG = (
    "[verse]\n站台的灯照着旧行李\n你把围巾轻轻系好\n火车还有十分钟到\n我们都没有说再见\n"
    "[chorus]\n等雪停了我就回来\n等雪停了我就回来\n带一把故乡的泥土\n把院子种满了花\n"
)


@cache
def planned(prompt: str = "pop ballad", seed: int = 1, seconds: float = 120.0) -> SongPlan:
    return plan_song(SongParams(prompt, SONG, seed, duration_seconds=seconds), INFO)


def sung(plan: SongPlan) -> list[SectionSpec]:
    return [section_spec(plan, section.index) for section in plan.sections if section.lines]


SEEDS = range(12)


def test_the_same_words_are_one_line_with_one_entry() -> None:
    for seed in SEEDS:
        for spec in sung(planned(seed=seed)):
            for line in range(len(spec.lines)):
                if (twin := spec.same_words(line)) is not None:
                    assert spec.takes_up[line] == twin
                    assert spec.entries[line] == spec.entries[twin]


def test_lines_enter_before_and_behind_their_bars_but_no_section_begins_before_itself() -> None:
    specs = [spec for seed in SEEDS for spec in sung(planned(seed=seed))]
    entries = [entry for spec in specs for entry in spec.entries]
    assert all(spec.entries[0] >= 0 for spec in specs)
    assert np.mean([entry < 0 for entry in entries]) > 0.25
    assert np.mean([entry == 0 for entry in entries]) < 0.5


def test_a_section_comes_again_with_its_entries() -> None:
    for seed in SEEDS:
        choruses = [spec for spec in sung(planned(seed=seed)) if spec.kind is SectionKind.CHORUS]
        assert len(choruses) > 1
        assert len({spec.entries for spec in choruses}) == 1


def test_every_section_has_one_climax_behind_its_first_line() -> None:
    for spec in sung(planned()):
        assert spec.climax is not None
        assert 0 < spec.climax < len(spec.lines)
        assert spec.heights[spec.climax] == max(spec.heights)


def test_instruments_quote_the_title_line() -> None:
    lyrics = "[chorus]\n带一把故乡的泥土\n等雪停了我就回来\n把院子种满了花\n等雪停了我就回来\n"
    for seed in SEEDS[:4]:
        plan = plan_song(SongParams("pop", lyrics, seed, duration_seconds=90.0), INFO)
        intro, chorus = section_spec(plan, 0), next(iter(sung(plan)))
        assert (intro.played, intro.words[0], intro.lines[0]) == (True, chorus.words[1], chorus.lines[1])
        assert intro.entries[0] == chorus.entries[1] >= 0


def test_lines_keep_to_their_bars_beside_a_melody_of_the_caller() -> None:
    params = SongParams("pop ballad", SONG, 1, anchor=(AnchorNote(64, 1.0), AnchorNote(67, 2.0)))
    plan = plan_song(params, INFO)
    assert {entry for spec in sung(plan) for entry in spec.entries} == {0}
    assert detail_of(plan).highest_lift == 0


@pytest.mark.parametrize("seconds", [60.0, 120.0, 240.0])
def test_a_section_without_words_has_no_lines_though_others_of_its_kind_have(seconds: float) -> None:
    lyrics = f"{SONG}[bridge]\n如果路太远\n就慢慢地走\n[outro]\n等雪停了\n"
    plan = plan_song(SongParams("pop", lyrics, 3, duration_seconds=seconds), INFO)
    specs = [section_spec(plan, section.index) for section in plan.sections]
    assert all(len(spec.entries) == len(spec.lines) for spec in specs)


def test_some_songs_sing_their_last_chorus_higher_and_say_so() -> None:
    plans = [planned(seed=seed) for seed in SEEDS]
    lifted = [plan for plan in plans if detail_of(plan).highest_lift]
    assert 0 < len(lifted) < len(plans)
    for plan in lifted:
        detail, choruses = detail_of(plan), [s.index for s in plan.sections if s.kind is SectionKind.CHORUS]
        assert [section.lift > 0 for section in detail.sections] == [
            index >= choruses[-1] for index in range(len(plan.sections))
        ]
        assert plan.notes[-1].endswith(f"in {detail.section_key(choruses[-1]).name}")
        assert plan.key == detail.key.name


def test_a_band_of_one_lifts_the_key_since_it_cannot_grow() -> None:
    assert all(detail_of(planned("solo piano", seed)).highest_lift for seed in SEEDS)


def test_room_is_left_above_for_a_chorus_that_will_be_lifted() -> None:
    plan = next(planned(seed=seed) for seed in SEEDS if detail_of(planned(seed=seed)).highest_lift)
    specs = [section_spec(plan, section.index) for section in plan.sections]
    assert len({spec.transpose + spec.headroom for spec in specs}) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我的歌", (1, -1, 1)),
        ("月初高 照我归途", (1, 1, 1, 2, 1, 1, 1)),
        ("Hold on to the morning light", (1, -1, -1, -1, 1, 0, 1)),
        ("Stay, my love", (1, -1, 1)),
    ],
)
def test_function_words_are_weak_and_phrases_begin_after_a_pause(text: str, expected: tuple[int, ...]) -> None:
    line = parse_lyrics(text).sections[0].lines[0]
    assert stresses(line) == tuple(map(Stress, expected))
