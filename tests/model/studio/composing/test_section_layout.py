from dataclasses import replace

import numpy as np
import pytest

from model.song import SectionKind
from model.studio.composing.conditions import Hint, TokenKind
from model.studio.composing.given_melody import given_notes, given_steps
from model.studio.composing.section_layout import BUCKET_BARS, lay_out
from model.studio.composing.section_spec import Memory, Rendition, SectionSpec, phrases_of
from model.studio.composing.token_layout import TokenLayout, hints_of
from model.studio.composing.tokens import HOLD, NO_CHORD, REST, chord_index, pitch_class_index
from model.studio.notation.score import Chord, Note, Quality

VERSE = SectionSpec(SectionKind.VERSE, 4, ((1, 2, 3), (4, 1)), (2, 2))
TUNE = Rendition(tuple([20, HOLD, HOLD, REST] * 16), tuple(range(1, 17)), ((0, 32), (32, 64)), VERSE.lines)
HEARD = Memory().with_section(SectionKind.VERSE, TUNE, 8, phrases_of(VERSE, TUNE.melody, TUNE.chords))


def known_steps(layout: TokenLayout) -> list[int]:
    return np.flatnonzero(layout.section_known()).tolist()


@pytest.mark.parametrize("bars", range(1, 17))
def test_a_section_is_padded_to_the_smallest_bucket_that_holds_it(bars: int) -> None:
    layout = lay_out(SectionSpec(SectionKind.INST, bars), HEARD)
    assert len(layout.chords) == 4 * next(bucket for bucket in BUCKET_BARS if bucket >= bars + 2)
    assert layout.valid().sum() == 4 * (bars + 2) == layout.beats


def test_the_bars_before_are_known_context() -> None:
    layout = lay_out(replace(VERSE, kind=SectionKind.CHORUS), HEARD)
    assert layout.prefix == 8
    assert layout.mask[:8].all()
    assert layout.melody[:8].reshape(-1).tolist() == list(TUNE.melody[-32:])
    assert layout.chords[:8].tolist() == list(TUNE.chords[-8:])


def test_nothing_of_a_first_section_is_known() -> None:
    layout = lay_out(VERSE, Memory())
    assert layout.prefix == 0
    assert not layout.mask.any()
    assert (layout.hint == Hint.UNKNOWN).all()


@pytest.mark.parametrize("first", [(1, 2, 3, 4), (1, 2, 4)])
def test_a_line_of_the_same_tones_is_recalled_and_another_is_not(first: tuple[int, ...]) -> None:
    layout = lay_out(replace(VERSE, lines=(first, (4, 1))), HEARD)
    assert known_steps(layout) == list(range(32, 64))
    assert layout.section_melody()[32:].tolist() == list(TUNE.melody[32:])
    assert layout.chords[layout.section].tolist() == list(TUNE.chords)


def test_an_outro_borrows_the_chords_of_the_chorus_alone() -> None:
    memory = Memory().with_section(SectionKind.CHORUS, TUNE, 8)
    for kind, chords in ((SectionKind.OUTRO, list(TUNE.chords[:8])), (SectionKind.INST, [NO_CHORD] * 8)):
        layout = lay_out(SectionSpec(kind, 2), memory)
        assert layout.chords[layout.section].tolist() == chords
        assert known_steps(layout) == []


def test_what_follows_played_lines_has_chords_of_its_own() -> None:
    memory = Memory().with_section(SectionKind.CHORUS, TUNE, 8)
    played = SectionSpec(SectionKind.CHORUS, 2, lines=((1, 2),), line_bars=(1,), played=True)
    layout = lay_out(played, memory)
    assert layout.chords[layout.section].tolist() == [*TUNE.chords[:4], *[NO_CHORD] * 4]


@pytest.mark.parametrize(("minor", "tonic"), [(False, Chord(0, Quality.MAJOR)), (True, Chord(9, Quality.MINOR))])
def test_the_last_bar_of_a_song_is_the_tonic_chord(minor: bool, tonic: Chord) -> None:
    layout = lay_out(replace(VERSE, final=True, minor=minor), HEARD)
    assert layout.chords[layout.section][-4:].tolist() == [chord_index(tonic)] * 4


def test_the_network_is_told_kind_and_density_of_each_line() -> None:
    bar, left, kind, density, _ = lay_out(VERSE, Memory()).per_beat[::4].T
    assert bar[:4].tolist() == [0, 1, 2, 3]
    assert left[:4].tolist() == [3, 2, 1, 0]
    assert set(kind[:4]) == {TokenKind.VERSE}
    assert density[:4].tolist() == [2, 2, 1, 1]


@pytest.mark.parametrize("transpose", [-5, 0, 6])
def test_the_network_is_asked_for_a_register_that_a_voice_has_in_every_key(transpose: int) -> None:
    def asked(kind: SectionKind) -> int:
        layout = lay_out(replace(VERSE, kind=kind, transpose=transpose), Memory())
        return 55 + 2 * int(layout.per_beat[0, 4]) + transpose

    verse, chorus = asked(SectionKind.VERSE), asked(SectionKind.CHORUS)
    assert 62 <= verse < chorus <= 69


def test_an_anchor_is_known_up_to_its_end_in_the_home_key() -> None:
    spec = SectionSpec(SectionKind.INST, 2, transpose=2, anchor=(Note(0, 3, 62), Note(4, 2, 64)))
    layout = lay_out(spec, Memory())
    assert known_steps(layout) == list(range(6))
    c, d = pitch_class_index(60), pitch_class_index(62)
    assert layout.section_melody()[:6].tolist() == [c, HOLD, HOLD, REST, d, HOLD]
    assert layout.hint[0].tolist() == [Hint.ONSET, Hint.HOLD, Hint.HOLD, Hint.REST]


def test_rests_of_an_anchor_give_way_to_a_line_that_it_has_no_room_for() -> None:
    given = given_steps(replace(VERSE, anchor=(Note(32, 8, 60),)))
    assert np.flatnonzero(given).tolist() == list(range(32, 40))


def test_rests_of_an_anchor_stay_where_the_line_can_be_sung() -> None:
    given = given_steps(replace(VERSE, anchor=(Note(10, 4, 60), Note(32, 8, 60))))
    assert np.flatnonzero(given).tolist() == list(range(40))


def test_a_note_held_over_a_whole_line_is_struck_again_for_it() -> None:
    spec = replace(VERSE, transpose=1, anchor=(Note(28, 40, 61),))
    assert given_notes(spec) == [Note(28, 4, 60), Note(32, 32, 60)]


def test_hints_tell_onsets_holds_and_rests() -> None:
    assert hints_of(np.array([REST, 5, HOLD])).tolist() == [Hint.REST, Hint.ONSET, Hint.HOLD]


def test_a_waltz_has_the_first_three_beats_of_the_networks_bars() -> None:
    tune = Rendition(tuple([20, HOLD, HOLD, HOLD] * 6), (1, 2, 3, 4, 5, 6), (), ())
    memory = Memory().with_section(SectionKind.INST, tune, 6)
    layout = lay_out(SectionSpec(SectionKind.INST, 2, beats_per_bar=3), memory)
    assert (layout.prefix, layout.beats) == (8, 16)
    assert layout.chords[:8].tolist() == [1, 2, 3, 3, 4, 5, 6, 6]
    assert layout.section_melody().tolist() == list(tune.melody)
    assert layout.melody[[11, 15]].tolist() == [[HOLD] * 4] * 2
    assert layout.chords[layout.section].tolist() == list(tune.chords)
