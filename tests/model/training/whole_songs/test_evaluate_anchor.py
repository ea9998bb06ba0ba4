import pytest

from model.song import AnchorNote
from model.studio.notation.score import Note
from model.training.whole_songs.evaluate_anchor import MOTIFS, as_melody, interval_likeness, notes_of, rhythm_likeness

MOTIF = as_melody(notes_of("60/1 64/1 67/2"))


def test_a_motif_is_read_as_a_caller_sends_it() -> None:
    assert notes_of("60/1 64/0.5") == (AnchorNote(60, 1.0), AnchorNote(64, 0.5))
    assert as_melody((AnchorNote(60, 1.0), AnchorNote(None, 1.0), AnchorNote(64, 2.0))) == [
        Note(0, 4, 60),
        Note(8, 8, 64),
    ]


def test_motifs_fill_two_bars() -> None:
    assert {sum(note.length_beats for note in notes_of(motif)) for motif in MOTIFS} == {8.0}


def test_a_repetition_is_as_like_as_can_be_on_any_pitch() -> None:
    again = [Note(note.start + 32, note.length, note.pitch + 5) for note in MOTIF]
    assert rhythm_likeness(again, MOTIF) == 1.0
    assert interval_likeness(again, MOTIF) == 1.0


def test_something_else_is_less_like() -> None:
    other = [Note(2, 2, 72), Note(4, 2, 71), Note(6, 2, 69), Note(8, 8, 67)]
    assert rhythm_likeness(other, MOTIF) == pytest.approx(2 / 5)
    assert interval_likeness(other, MOTIF) == 0.0
