"""Tests of fitting the caller's melody to the sections of a song."""

from model.song import AnchorNote, SectionKind
from model.studio.lyrics.sections import parse_lyrics
from model.studio.planning.anchor import fit_anchor, spread_anchor
from model.studio.planning.form.form import Block

LINES = parse_lyrics("春天").sections[0].lines
SUNG = (Block(SectionKind.INTRO, 2), Block(SectionKind.VERSE, 2, LINES, (2,)), Block(SectionKind.OUTRO, 1))


def test_the_melody_begins_with_the_first_sung_block() -> None:
    note = AnchorNote(60, 4.0)
    assert spread_anchor([note], SUNG) == (((), (note,), ()), 0)


def test_the_melody_of_an_instrumental_begins_after_its_intro() -> None:
    note = AnchorNote(None, 1.0)
    assert spread_anchor([note], (Block(SectionKind.INTRO, 2), Block(SectionKind.VERSE, 2)))[0][1] == (note,)


def test_a_note_across_a_seam_is_struck_again() -> None:
    assert spread_anchor([AnchorNote(60, 10.0)], SUNG)[0] == ((), (AnchorNote(60, 8.0),), (AnchorNote(60, 2.0),))


def test_a_melody_longer_than_the_song_is_cut_with_a_note() -> None:
    spread = spread_anchor([AnchorNote(60, 13.0)], SUNG)
    assert [sum(note.length_beats for note in notes) for notes in spread.parts] == [0, 8, 4]
    assert spread.remarks == ("anchor: its last 1 beats are left out, since the song ends before them",)


def test_a_melody_of_more_than_sixteen_bars_is_cut_with_a_note() -> None:
    notes, remarks = fit_anchor([AnchorNote(60, 1.0)] * 70)
    assert sum(note.length_beats for note in notes) == 64
    assert remarks == ("anchor: its first 16 bars are kept, the rest is left out",)


def test_a_long_silence_before_the_first_note_is_left_out_by_whole_bars() -> None:
    notes, remarks = fit_anchor([AnchorNote(None, 16.0), AnchorNote(None, 3.0), AnchorNote(60, 1.0)])
    assert notes == (AnchorNote(None, 3.0), AnchorNote(60, 1.0))
    assert len(remarks) == 1
    assert "19 beats of silence" in remarks[0]


def test_a_short_melody_is_kept_as_it_is() -> None:
    notes = (AnchorNote(None, 8.0), AnchorNote(60, 1.0))
    assert fit_anchor(notes) == (notes, ())
