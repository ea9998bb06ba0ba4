from itertools import pairwise

from model.song import SectionKind
from model.studio.arrange.context import ArrangementContext, make_context
from model.studio.arrange.voicing import LEAD_CLEARANCE, Voicing, candidates, movement, parallel, voice
from model.studio.notation.score import Score
from model.studio.style import Groove, Mode
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
    wandering_chords,
)
from tests.support.table import table


def context_of(score: Score, groove: Groove = Groove.POP, mode: Mode = Mode.MAJOR) -> ArrangementContext:
    style = make_style(groove, mode=mode)
    following = SectionKind.CHORUS
    return make_context(score, SectionKind.VERSE, style, following=following, seed=1, sung=True, played=0, tonic=None)


def outer(voicing: Voicing) -> tuple[int, int]:
    return voicing[0], voicing[-1]


def test_fifths_and_octaves_that_move_together_are_parallel() -> None:
    assert parallel((48, 55), (50, 57))
    assert parallel((48, 60), (53, 65))
    assert not parallel((48, 55), (48, 55))
    assert not parallel((48, 55), (50, 59))


def test_candidates_hold_every_pitch_class_once_below_the_ceiling() -> None:
    found = candidates((0, 4, 7), 64)
    assert (55, 60, 64) in found
    assert all({p % 12 for p in v} == {0, 4, 7} and v[-1] <= 64 for v in found)


def test_every_ceiling_leaves_a_candidate() -> None:
    assert all(candidates((root, (root + 4) % 12, (root + 7) % 12), top) for root in range(12) for top in range(30, 70))


def test_a_step_down_from_c_to_its_neighbour_keeps_the_common_tones() -> None:
    before, after = voice(context_of(silent_score(C, A_MINOR)))
    assert movement(before, after) == 2


def test_neighbouring_triads_do_not_slide_in_parallel() -> None:
    before, after = voice(context_of(silent_score(F, G)))
    assert not parallel(outer(before), outer(after))


def test_the_last_voicing_of_a_section_leads_into_the_next() -> None:
    led = voice(context_of(silent_score(C)), previous=(60, 64, 67))
    assert movement((60, 64, 67), led[0]) <= movement((60, 64, 67), voice(context_of(silent_score(C)))[0])


@table("seed", range(5))
def test_voices_move_little_and_outer_voices_hardly_ever_in_parallel(seed: int) -> None:
    chords = wandering_chords(64, seed)
    pairs = [(a, b) for a, b in pairwise(voice(context_of(silent_score(*chords)))) if a != b]
    assert sum(movement(a, b) for a, b in pairs) / len(pairs) / 3 < 2.5
    assert sum(parallel(outer(a), outer(b)) for a, b in pairs) <= 0.02 * len(pairs)


@table("seed", range(5))
def test_voicings_stay_below_the_melody(seed: int) -> None:
    context = context_of(make_score(16, seed, low=57, high=79))
    for span, voicing in zip(context.spans, voice(context), strict=True):
        lowest = context.lowest_lead(span.start, span.end)
        assert lowest is None or voicing[-1] <= lowest - LEAD_CLEARANCE


def test_jazz_adds_sevenths_of_the_key() -> None:
    voicings = voice(context_of(silent_score(*POP_LOOP), Groove.JAZZ))
    assert [len(v) for v in voicings] == [4, 4, 4, 4]
    assert {p % 12 for v in voicings for p in v} <= {0, 2, 4, 5, 7, 9, 11}


def test_a_minor_key_hears_its_leading_tone_only_from_a_chord_that_has_it() -> None:
    score = Score(4, (), bars_of(A_MINOR, F, E, A_MINOR))
    with_dominant = voice(context_of(score, mode=Mode.MINOR))
    assert [8 in {p % 12 for p in v} for v in with_dominant] == [False, False, True, False]
