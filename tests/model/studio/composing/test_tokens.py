import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.studio.composing.tokens import (
    CHORD_CLASSES,
    HIGHEST,
    HOLD,
    LOWEST,
    REST,
    chord_index,
    chord_of,
    decode,
    encode,
    notes_of,
)
from model.studio.composing.tokens import pitch_class_index as pitch_index
from model.studio.notation.score import Chord, Note, Quality, Score

SCORE = Score(1, (Note(0, 3, 62), Note(4, 4, 66), Note(8, 8, 69)), (Chord(2, Quality.MAJOR),) * 4)


@pytest.mark.parametrize("index", range(1, CHORD_CLASSES))
def test_every_chord_class_names_its_triad(index: int) -> None:
    assert chord_index(chord_of(index)) == index


@pytest.mark.parametrize("index", [0, CHORD_CLASSES])
def test_other_classes_name_no_triad(index: int) -> None:
    with pytest.raises(ValueError, match="is not a chord class"):
        chord_of(index)


@pytest.mark.parametrize("transpose", [-6, 0, 2, 5])
def test_a_score_comes_back_from_its_tokens(transpose: int) -> None:
    assert decode(encode(SCORE, transpose), transpose) == SCORE


@given(st.data())
def test_any_score_in_range_comes_back_from_its_tokens(data: st.DataObject) -> None:
    bars, transpose = data.draw(st.integers(1, 4)), data.draw(st.integers(-6, 5))
    starts = sorted(data.draw(st.sets(st.integers(0, 16 * bars - 1), max_size=12)))
    notes = tuple(
        Note(start, data.draw(st.integers(1, end - start)), data.draw(st.integers(LOWEST, HIGHEST)) + transpose)
        for start, end in itertools.pairwise([*starts, 16 * bars])
    )
    chord = st.builds(Chord, st.integers(0, 11), st.sampled_from(Quality))
    chords = data.draw(st.lists(chord, min_size=4 * bars, max_size=4 * bars))
    score = Score(bars, notes, tuple(chords))
    assert decode(encode(score, transpose), transpose) == score


def test_pitches_outside_the_table_are_folded_by_octaves() -> None:
    assert pitch_index(LOWEST - 12) == pitch_index(LOWEST)
    assert pitch_index(HIGHEST + 24) == pitch_index(HIGHEST)


def test_a_hold_that_prolongs_nothing_is_silent() -> None:
    assert notes_of(np.array([HOLD, HOLD, REST, HOLD])) == ()
