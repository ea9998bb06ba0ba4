from dataclasses import replace
from typing import Any

import pytest

from model.song import SectionKind
from model.studio.composing.section_spec import Memory, Rendition, SectionSpec
from model.studio.notation.score import Note

BRIEF = SectionSpec(SectionKind.VERSE, 5, ((1, 2), (3,)), (2, 1))
ONE_BAR = Rendition((2,) * 16, (1,) * 4, (), ())


def test_lines_follow_each_other_from_the_first_bar_on() -> None:
    assert BRIEF.line_spans() == ((0, 32), (32, 48))


def test_the_anchor_leaves_free_what_comes_after_its_last_note() -> None:
    assert replace(BRIEF, anchor=(Note(0, 2, 60), Note(6, 4, 62))).anchor_end == 10
    assert replace(BRIEF, anchor=(Note(70, 40, 60),)).anchor_end == BRIEF.steps
    assert BRIEF.anchor_end == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": ((1, 2), ())},
        {"line_bars": (2, 0)},
        {"line_bars": (-1, 1)},
        {"anchor": (Note(0, 4, 60), Note(3, 1, 62))},
        {"anchor": (Note(4, 2, 60), Note(0, 2, 62))},
        {"anchor": (Note(0, 0, 60),)},
        {"anchor": (Note(-1, 4, 60),)},
    ],
    ids=str,
)
def test_empty_lines_and_anchors_out_of_order_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"do not fit|begins before"):
        replace(BRIEF, **wrong)


def test_the_first_rendition_of_a_kind_is_the_one_remembered() -> None:
    later = replace(ONE_BAR, melody=(3,) * 16)
    memory = Memory().with_section(SectionKind.VERSE, ONE_BAR, 8).with_section(SectionKind.VERSE, later, 8)
    assert memory.rendition(SectionKind.VERSE) == ONE_BAR
    assert memory.rendition(SectionKind.CHORUS) is None
    assert memory.tail is not None
    assert memory.tail.melody == later.melody


def test_the_tail_holds_no_more_beats_than_asked_for() -> None:
    long = Rendition(tuple(range(48)), tuple(range(12)), (), ())
    tail = Memory().with_section(SectionKind.INTRO, long, 8).tail
    assert tail is not None
    assert tail.melody == tuple(range(16, 48))
    assert tail.chords == tuple(range(4, 12))
