import numpy as np
import pytest

from model.studio.composing.tokens import chord_index, melody_classes
from model.studio.notation.score import Chord, Note, Quality
from model.training.score.figures import CopyFinder, Piece, lift, measure

C_MAJOR, G_MAJOR = chord_index(Chord(0, Quality.MAJOR)), chord_index(Chord(7, Quality.MAJOR))


def piece(*pitches: int, chords: tuple[int, ...] = (C_MAJOR,) * 8) -> Piece:
    """Return a section with quarter notes of the given pitches, and one chord for each beat."""
    notes = [Note(4 * index, 4, pitch) for index, pitch in enumerate(pitches)]
    return Piece(melody_classes(notes, 4 * len(chords)), np.array(chords), minor=False)


def test_intervals_are_told_apart() -> None:
    figures = measure([piece(60, 60, 62, 65, 70)])
    assert [figures[name] for name in ("repeat", "step", "third", "leap")] == [0.25] * 4


def test_scale_and_chord_tones_are_counted() -> None:
    figures = measure([piece(60, 61, 62, 63, 64, 65, 67, 60)])
    assert figures["in_scale"] == 0.75
    assert figures["strong_chord_tones"] == 0.75
    assert figures["ends_on_tonic"] == figures["ends_on_chord_tone"] == 1.0


def test_equal_bars_are_found_whole_and_by_rhythm() -> None:
    figures = measure([piece(60, 62, 64, 65, 60, 62, 64, 65), piece(60, 62, 64, 65, 72, 71, 69, 67)])
    assert figures["bar_repeats"] == 0.5
    assert figures["bar_rhythm_repeats"] == 1.0


def test_chord_lengths_and_dominants_are_counted() -> None:
    figures = measure([piece(60, 62, 64, 65, 67, chords=(C_MAJOR,) * 6 + (G_MAJOR,) * 2)])
    assert figures["beats_per_chord"] == 4.0
    assert figures["chord_over_a_bar"] == 0.5
    assert figures["on_dominant"] == 0.25
    assert figures["notes_per_bar"] == 2.5


def test_pieces_of_hardly_any_notes_are_left_out() -> None:
    full = piece(60, 62, 64, 65, 67)
    assert measure([full, piece(61, 63)]) == measure([full])


def test_lift_is_the_distance_of_the_means() -> None:
    assert lift([(piece(60, 62), piece(64, 68))]).tolist() == [5.0]


@pytest.mark.parametrize("transpose", [0, 5])
def test_copies_are_found_in_any_key(transpose: int) -> None:
    finder = CopyFinder([piece(60, 62, 64, 60, 67, 65, 60, 60).melody])
    assert finder.longest(piece(*(pitch + transpose for pitch in (64, 60, 67, 65))).melody) == 3
    assert finder.longest(piece(60, 73).melody) == 0


def test_what_comes_back_four_bars_later_is_an_echo() -> None:
    again = measure([piece(*([60, 62, 64, 65] * 4 + [60, 62, 64, 71]), chords=(C_MAJOR,) * 20)])
    assert again["echo"] == 0.75
    assert again["rhythm_echo"] == 1.0
