from model.song import SectionKind
from model.studio.arrange.context import Breath, Span, breaths, find_tonic, make_context, spans_of
from model.studio.notation.score import Chord, Note, Score
from model.studio.style import Mode
from tests.model.studio.arrange.scores import (
    A_MINOR,
    POP_LOOP,
    C,
    E,
    F,
    G,
    bars_of,
    make_score,
    make_style,
    silent_score,
)
from tests.support.table import table


def test_spans_change_with_the_chord_and_at_bar_lines() -> None:
    score = Score(2, (), (C, C, G, G, G, G, G, G))
    assert spans_of(score) == (Span(0, 8, C), Span(8, 16, G), Span(16, 32, G))


@table("semitones", range(12))
def test_the_tonic_is_found_in_every_key(semitones: int) -> None:
    assert find_tonic(make_score().transposed(semitones), Mode.MAJOR) == semitones


def test_a_minor_tonic_is_found_with_its_dominant() -> None:
    assert find_tonic(silent_score(A_MINOR, F, E, A_MINOR), Mode.MINOR) == 9


@table(("chords", "tonic"), [((C, F), 5), ((F, C), 0)])
def test_where_two_keys_fit_the_last_chord_decides(chords: tuple[Chord, ...], tonic: int) -> None:
    assert find_tonic(silent_score(*chords), Mode.MAJOR) == tonic


def test_the_key_so_far_decides_where_a_section_is_ambiguous() -> None:
    assert find_tonic(silent_score(C), Mode.MAJOR, expected=7) == 7


def test_breaths_are_gaps_and_the_tails_of_long_notes() -> None:
    score = Score(2, (Note(0, 4, 60), Note(4, 12, 62), Note(28, 4, 64)), bars_of(C, C))
    assert breaths(score, at_least=6) == (Breath(8, 28),)


def test_a_section_without_melody_is_one_breath() -> None:
    assert breaths(silent_score(C, G), at_least=6) == (Breath(0, 32),)


def test_the_last_bar_of_a_song_is_its_tonic_chord() -> None:
    context = make_context(
        silent_score(*POP_LOOP, C, G, C, G),
        SectionKind.OUTRO,
        make_style(),
        following=None,
        seed=1,
        sung=False,
        played=3,
        tonic=0,
    )
    assert context.spans[-1] == Span(112, 128, C)


def test_a_final_melody_note_outside_the_tonic_chord_keeps_the_written_chord() -> None:
    score = Score(1, (Note(0, 16, 69),), bars_of(F))
    context = make_context(
        score, SectionKind.OUTRO, make_style(), following=None, seed=1, sung=False, played=3, tonic=0
    )
    assert context.spans[-1].chord == F
