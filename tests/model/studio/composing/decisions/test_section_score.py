import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import SectionKind
from model.studio.composing.conditions import Hint
from model.studio.composing.decisions.lines import choose_lines, set_rhythm_hints
from model.studio.composing.decisions.section_score import to_score, with_syllables
from model.studio.composing.section_layout import lay_out
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.composing.tokens import FIRST_PITCH, HOLD, REST, melody_classes
from model.studio.notation.score import Note

VERSE = SectionSpec(SectionKind.VERSE, 4, ((1,) * 7, (2,) * 5), (2, 2))
LINES = st.lists(st.tuples(st.integers(1, 16), st.integers(1, 2)), min_size=1, max_size=5)


def anchors() -> st.SearchStrategy[tuple[Note, ...]]:
    """Return a Hypothesis strategy that generates melodies of up to six notes, each after a rest of 0 to 40 steps."""
    spans = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), max_size=6)
    return spans.map(_notes)


def _notes(spans: list[tuple[int, int]]) -> tuple[Note, ...]:
    ends = np.cumsum([rest + length for rest, length in spans]).tolist()
    return tuple(Note(end - length, length, 60) for (_, length), end in zip(spans, ends, strict=True))


def brief_of(lines: list[tuple[int, int]], anchor: tuple[Note, ...] = ()) -> SectionSpec:
    bars = tuple(bars for _, bars in lines)
    tones = tuple((1,) * count for count, _ in lines)
    return SectionSpec(SectionKind.VERSE, sum(bars) + 1, tones, bars, anchor=anchor)


def sung(spec: SectionSpec, seed: int = 0) -> list[Note]:
    """Return the melody of a section, composed with random onset probabilities and a single pitch in place of the
    predictions of the network.
    """
    layout = lay_out(spec, Memory())
    lines = choose_lines(spec, layout, Memory(), *np.random.default_rng(seed).random((2, spec.steps)))
    set_rhythm_hints(layout, lines)
    wished = layout.hint[layout.section].reshape(-1)
    classes = np.select([wished == Hint.ONSET, wished == Hint.HOLD], [FIRST_PITCH + 12, HOLD], REST)
    return list(to_score(spec, classes, np.ones(spec.beats, dtype=np.int64)).melody)


def numbers(notes: list[Note]) -> list[int]:
    return [note.syllable for note in notes if note.syllable is not None]


@settings(max_examples=40, deadline=None)
@given(lines=LINES, seed=st.integers(0, 1000))
def test_every_syllable_has_one_onset_in_order_within_its_line(lines: list[tuple[int, int]], seed: int) -> None:
    spec = brief_of(lines)
    notes = sung(spec, seed)
    assert numbers(notes) == list(range(sum(count for count, _ in lines)))
    owners = np.repeat(np.arange(len(lines)), [count for count, _ in lines])
    for note, line in zip(notes, owners, strict=True):
        start, stop = spec.line_spans()[line]
        assert start <= note.start < note.end <= stop


@settings(max_examples=60, deadline=None)
@given(lines=LINES, anchor=anchors())
def test_an_anchor_takes_no_syllable_away(lines: list[tuple[int, int]], anchor: tuple[Note, ...]) -> None:
    notes = sung(brief_of(lines, anchor))
    assert numbers(notes) == list(range(sum(count for count, _ in lines)))
    assert all(before.end <= after.start for before, after in itertools.pairwise(notes))


@pytest.mark.parametrize("count", range(1, 11))
def test_the_last_note_of_a_line_is_among_its_longest_and_a_breath_follows(count: int) -> None:
    notes = sung(brief_of([(count, 2), (count, 2)]))[:count]
    assert notes[-1].length >= np.median([note.length for note in notes])
    assert notes[-1].length >= 4
    assert notes[-1].end <= 30


def test_notes_of_a_given_melody_are_divided_among_too_many_syllables() -> None:
    notes = with_syllables([Note(0, 8, 60), Note(8, 2, 62)], replace(VERSE, lines=((1,) * 3,), line_bars=(2,)))
    assert notes == [Note(0, 4, 60, 0), Note(4, 4, 60, 1), Note(8, 2, 62, 2)]


def test_rests_are_sung_in_when_notes_cannot_be_divided_further() -> None:
    notes = with_syllables([Note(20, 1, 60)], replace(VERSE, lines=((1,) * 3,), line_bars=(2,)))
    assert numbers(notes) == [0, 1, 2]
    assert {note.pitch for note in notes} == {60}


def test_further_notes_of_a_given_melody_prolong_the_last_syllable() -> None:
    notes = with_syllables([Note(0, 2, 60), Note(2, 2, 62)], replace(VERSE, lines=((1,),), line_bars=(2,)))
    assert [note.syllable for note in notes] == [0, None]


def test_a_score_sounds_in_its_own_key() -> None:
    spec = SectionSpec(SectionKind.INST, 1, transpose=3)
    score = to_score(spec, melody_classes([Note(0, 4, 60)], 16), np.array([1, 1, 1, 1]))
    assert score.melody == (Note(0, 4, 63),)
    assert {chord.root for chord in score.chords} == {3}
