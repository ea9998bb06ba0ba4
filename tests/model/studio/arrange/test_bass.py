import itertools

from model.song import SectionKind
from model.studio.arrange.bass import bass
from model.studio.arrange.context import ArrangementContext, make_context
from model.studio.arrange.drums.drummer import drums
from model.studio.arrange.drums.kit import Piece
from model.studio.notation.score import Score
from model.studio.style import Groove, Mode
from tests.model.studio.arrange.scores import A_MINOR, C, E, F, G, bars_of, make_style, silent_score, wandering_chords
from tests.support.table import table


def context_of(score: Score, groove: Groove, seed: int = 1, mode: Mode = Mode.MAJOR) -> ArrangementContext:
    style = make_style(groove, mode=mode)
    kind = SectionKind.CHORUS
    return make_context(score, kind, style, following=SectionKind.VERSE, seed=seed, sung=True, played=0, tonic=None)


@table("groove", Groove)
def test_every_chord_begins_with_its_root(groove: Groove) -> None:
    context = context_of(Score(4, (), (C, C, G, G, A_MINOR, F, C, G, *bars_of(F, C))), groove)
    line = bass(context, None)
    for span in context.spans:
        first = next(s for s in line if s.start >= span.start)
        assert first.start <= span.start + 2
        assert first.pitch % 12 == span.chord.root


@table("groove", Groove)
@table("seed", range(3))
def test_the_line_is_low_and_one_note_at_a_time(groove: Groove, seed: int) -> None:
    line = bass(context_of(silent_score(*wandering_chords(16, seed)), groove, seed), None)
    assert all(24 <= stroke.pitch <= 52 for stroke in line)
    assert all(a.start + a.length <= b.start for a, b in itertools.pairwise(line))


def test_the_line_goes_on_where_the_section_before_left_it() -> None:
    context = context_of(silent_score(E), Groove.AMBIENT)
    assert bass(context, 29)[0].pitch == 28
    assert bass(context, 43)[0].pitch == 40


@table("groove", Groove)
@table("seed", range(4))
def test_a_minor_line_leaves_the_leading_tone_to_the_dominant(groove: Groove, seed: int) -> None:
    line = bass(context_of(silent_score(A_MINOR, F, C, G, A_MINOR, F), groove, seed, Mode.MINOR), None)
    assert all(stroke.pitch % 12 != 8 for stroke in line)


@table("groove", [Groove.POP, Groove.ROCK, Groove.BOSSA, Groove.RNB, Groove.GAME])
def test_bass_and_kick_meet_more_often_than_they_would_by_chance(groove: Groove) -> None:
    met, struck, kicked = 0, 0, 0
    for seed in range(12):
        context = context_of(silent_score(C, C, C, C, C, C, C, C), groove, seed)
        kick = {stroke.start for stroke in drums(context) if stroke.pitch == Piece.KICK}
        line = [stroke.start for stroke in bass(context, None)]
        met, struck, kicked = met + sum(start in kick for start in line), struck + len(line), kicked + len(kick)
    assert met / struck > 1.4 * kicked / (12 * 8 * 16)
