"""Tests of chords with sevenths, suspensions and other bass notes."""

import pytest

from model.studio.notation.chords import named_chords
from model.studio.notation.keys import parse_key
from model.studio.notation.score import Chord, Colour, Quality


@pytest.mark.parametrize(
    ("chord", "symbol"),
    [
        (Chord(9, Quality.MINOR, Colour.SEVENTH), "Am7"),
        (Chord(5, Quality.MAJOR, Colour.MAJOR_SEVENTH), "Fmaj7"),
        (Chord(7, Quality.MAJOR, Colour.SUSPENDED_FOURTH), "Gsus4"),
        (Chord(0, Quality.MAJOR, bass=4), "C/E"),
        (Chord(11, Quality.DIMINISHED, Colour.SEVENTH), "Bm7b5"),
    ],
)
def test_colours_and_basses_are_written_as_on_a_lead_sheet(chord: Chord, symbol: str) -> None:
    assert named_chords((chord,), parse_key("C"))[0].symbol == symbol
    assert named_chords((chord.transposed(12),), parse_key("C"))[0].symbol == symbol


def test_a_suspension_stands_in_the_place_of_the_third() -> None:
    assert Chord(7, Quality.MAJOR, Colour.SUSPENDED_FOURTH).pitch_classes == (7, 0, 2)
    assert Chord(9, Quality.MINOR, Colour.SEVENTH).added == 7
    assert Chord(0, Quality.MAJOR, bass=4).transposed(2) == Chord(2, Quality.MAJOR, bass=6)
