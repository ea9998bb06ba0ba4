"""Tests of chord progressions in patterns of four bars, and of chord colours."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from model.song import SectionKind
from model.studio.composing.decisions.colours import coloured
from model.studio.composing.decisions.patterns import draw_patterns
from model.studio.composing.habits import HALVES, habits
from model.studio.composing.section_spec import Memory, Rendition, SectionSpec
from model.studio.composing.tokens import CHORD_CLASSES, NO_CHORD, chord_index, chord_of
from model.studio.notation.score import Chord, Colour, Note, Quality

VERSE = SectionSpec(SectionKind.VERSE, 8)
FLAT_MOVES = np.full((CHORD_CLASSES, CHORD_CLASSES), 1 / CHORD_CLASSES)
C, F, G = (chord_index(Chord(root, Quality.MAJOR)) for root in (0, 5, 7))


def drawn(
    spec: SectionSpec = VERSE,
    seed: int = 0,
    memory: Memory | None = None,
    known: int = NO_CHORD,
    before: int = NO_CHORD,
    moves: NDArray[np.float64] = FLAT_MOVES,
) -> list[int]:
    free = np.full(spec.beats, NO_CHORD, dtype=np.int64)
    free[8:12] = known
    flat = np.zeros((spec.beats, CHORD_CLASSES))
    draws = np.random.default_rng(seed).random(spec.beats)
    chords: list[int] = draw_patterns(spec, memory or Memory(), flat, free, before, moves, draws).tolist()
    return chords


@pytest.mark.parametrize("minor", [False, True])
def test_counted_patterns_hold_chords_alone(minor: bool) -> None:
    patterns = habits().patterns[minor]
    assert patterns.chords.shape[1] == HALVES
    assert (patterns.chords > NO_CHORD).all()
    assert (patterns.chords < CHORD_CLASSES).all()
    assert (patterns.verse + patterns.chorus >= 1).all()


@pytest.mark.parametrize("bars", [1, 2, 3, 5, 8, 16])
def test_every_beat_has_a_chord_and_changes_come_by_half_bars(bars: int) -> None:
    chords = drawn(replace(VERSE, bars=bars))
    assert len(chords) == 4 * bars
    assert all(NO_CHORD < chord < CHORD_CLASSES for chord in chords)
    assert chords[::2] == chords[1::2]


def test_songs_have_more_than_three_chords() -> None:
    assert np.mean([len(set(drawn(seed=seed))) for seed in range(40)]) > 3.5


def test_chords_change_more_often_where_the_pace_is_higher() -> None:
    def changes(pace: float) -> float:
        spec = replace(VERSE, chord_pace=pace)
        return float(np.mean([np.count_nonzero(np.diff(drawn(spec, seed))) for seed in range(40)]))

    assert changes(0.5) < changes(1.0) < changes(1.7)


def test_a_chorus_does_not_repeat_the_chords_of_the_verse() -> None:
    verse = drawn(seed=3)
    memory = Memory().with_section(SectionKind.VERSE, Rendition((0,) * 128, tuple(verse), (), ()), 8)
    chorus = replace(VERSE, kind=SectionKind.CHORUS)
    same = [drawn(chorus, seed, memory)[:16] == verse[:16] for seed in range(40)]
    assert np.mean(same) < 0.1


def test_lines_of_the_same_words_hardly_ever_share_a_single_chord() -> None:
    refrain = replace(VERSE, bars=4, minor=True, chord_pace=0.5, lines=((1, 2),) * 2, line_bars=(2, 2))
    assert np.mean([len(set(drawn(refrain, seed)[:8])) == 1 for seed in range(60)]) < 0.1


def test_sections_begin_after_and_end_before_others_as_in_songs() -> None:
    sections = [drawn(seed=seed, before=G) for seed in range(150)]
    after_g = habits().joints[0].onward[1, G]
    assert after_g[C] > 0 > after_g[F]
    assert np.mean([chords[0] == C for chords in sections]) > 0.5
    assert np.mean([chords[0] == F for chords in sections]) < 0.2
    assert 0.2 < np.mean([chords[-1] == C for chords in sections]) < 0.6
    assert 0.2 < np.mean([chords[-1] == G for chords in sections]) < 0.6


def test_a_genre_has_chords_of_its_own() -> None:
    flat_seventh = chord_index(Chord(10, Quality.MAJOR))
    counts = [
        sum(drawn(replace(VERSE, genre=genre), seed).count(flat_seventh) for seed in range(80))
        for genre in ("rock", "nursery")
    ]
    assert counts[0] > counts[1]


def test_chords_that_neither_the_key_nor_its_parallel_key_has_hardly_ever_come() -> None:
    remote = {chord_index(Chord(root, quality)) for root, quality in ((6, Quality.MINOR), (1, Quality.MAJOR))}
    assert not any(remote & set(drawn(replace(VERSE, genre="hip hop"), seed)) for seed in range(100))


def colours(genre: str, melody: list[Note], seeds: int = 60) -> list[Chord]:
    found: list[Chord] = []
    for seed in range(seeds):
        spec = replace(VERSE, bars=2, genre=genre, seed=seed)
        found += coloured(spec, [C] * 2 + [F] * 2 + [G] * 4, melody)
    return found


def test_colours_come_as_often_as_the_genre_has_them() -> None:
    shares = [np.mean([chord.coloured for chord in colours(genre, [])]) for genre in ("nursery", "pop", "jazz")]
    assert shares[0] < shares[1] < shares[2]


def test_colours_leave_root_and_quality_alone() -> None:
    assert [(chord.root, chord.quality) for chord in colours("jazz", [], 1)] == [
        (chord_of(index).root, chord_of(index).quality) for index in [C] * 2 + [F] * 2 + [G] * 4
    ]


def test_a_suspension_keeps_away_from_a_sung_third() -> None:
    third = [Note(16, 16, 71)]
    assert not any(c.root == 7 and c.colour is Colour.SUSPENDED_FOURTH for c in colours("pop", third))
    assert any(c.root == 7 and c.colour is Colour.SUSPENDED_FOURTH for c in colours("pop", []))


def test_the_last_chord_of_a_song_is_plain() -> None:
    specs = (replace(VERSE, bars=1, genre="jazz", seed=seed, final=True) for seed in range(30))
    assert all(coloured(spec, [C] * 4, []) == (Chord(0, Quality.MAJOR),) * 4 for spec in specs)
