"""Facts about where the caller's melody goes."""

import pytest

from model.song import AnchorNote, InvalidParams, SectionKind
from model.studio.lyrics.sections import parse_lyrics
from model.studio.planning.anchor import spread_anchor
from model.studio.planning.form import Block

LINES = parse_lyrics("春天").sections[0].lines
SUNG = (Block(SectionKind.INTRO, 2), Block(SectionKind.VERSE, 2, LINES, (2,)), Block(SectionKind.OUTRO, 1))


def test_the_melody_begins_with_the_first_sung_block() -> None:
    note = AnchorNote(60, 4.0)
    assert spread_anchor([note], SUNG) == ((), (note,), ())


def test_the_melody_of_an_instrumental_begins_after_its_intro() -> None:
    note = AnchorNote(None, 1.0)
    assert spread_anchor([note], (Block(SectionKind.INTRO, 2), Block(SectionKind.VERSE, 2)))[1] == (note,)


def test_a_note_across_a_seam_is_struck_again() -> None:
    assert spread_anchor([AnchorNote(60, 10.0)], SUNG) == ((), (AnchorNote(60, 8.0),), (AnchorNote(60, 2.0),))


def test_a_melody_longer_than_the_song_is_refused() -> None:
    with pytest.raises(InvalidParams, match="1 beats longer"):
        spread_anchor([AnchorNote(60, 13.0)], SUNG)
