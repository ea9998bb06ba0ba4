from dataclasses import replace

from model.song import SECTION_TAGS, SectionKind
from model.studio.arrange.context import ArrangementContext, make_context
from model.studio.arrange.drums.drummer import drums, fill_size
from model.studio.arrange.drums.fills import FillSize
from model.studio.arrange.drums.kit import Piece
from model.studio.arrange.tablature import Stroke
from model.studio.style import Groove
from tests.model.studio.arrange.scores import make_score, make_style
from tests.support.table import table


def context_of(
    kind: SectionKind,
    following: SectionKind | None,
    groove: Groove = Groove.POP,
    energy: float = 0.7,
    seed: int = 1,
) -> ArrangementContext:
    style = make_style(groove, energy=energy)
    return make_context(make_score(), kind, style, following=following, seed=seed, sung=True, played=1, tonic=0)


def bar(strokes: list[Stroke], number: int) -> list[tuple[float, int, float]]:
    return sorted((s.start - 16 * number, s.pitch, s.weight) for s in strokes if s.start // 16 == number)


def test_a_fill_is_biggest_into_a_chorus() -> None:
    into = {kind: fill_size(context_of(SectionKind.VERSE, kind)) for kind in SECTION_TAGS}
    assert into[SectionKind.CHORUS] is FillSize.BIG
    assert into[SectionKind.VERSE] is FillSize.SMALL
    assert fill_size(context_of(SectionKind.OUTRO, None)) is None


def test_a_clave_takes_two_bars() -> None:
    context = context_of(SectionKind.VERSE, SectionKind.VERSE, Groove.BOSSA, energy=0.2)
    rims = [[s.start % 16 for s in drums(context) if s.pitch == Piece.RIM and s.start // 16 == bar] for bar in range(4)]
    assert rims[0] == rims[2] != rims[1] == rims[3]
    assert sorted([rims[0], rims[1]]) == [[0, 6, 12], [4, 10]]


@table("groove", [Groove.FOUR_ON_THE_FLOOR, Groove.MARCH])
def test_dance_and_marches_roll_louder_and_louder_into_a_chorus(groove: Groove) -> None:
    roll = [
        w for _, p, w in bar(drums(context_of(SectionKind.VERSE, SectionKind.CHORUS, groove)), 7) if p == Piece.SNARE
    ]
    assert len(roll) >= 10
    assert roll == sorted(roll)
    assert roll[0] < 0.6 < 1.0 < roll[-1]


def test_a_shaker_goes_on_under_a_fill() -> None:
    contexts = [context_of(SectionKind.VERSE, SectionKind.CHORUS, Groove.FOLK, seed=seed) for seed in range(6)]
    shaken = [
        [len([s for s in drums(context) if s.pitch == Piece.MARACAS and s.start // 16 == bar]) for bar in (6, 7)]
        for context in contexts
    ]
    assert any(before for before, _ in shaken)
    assert all(before == under for before, under in shaken)


def test_calm_songs_have_smaller_fills() -> None:
    assert fill_size(context_of(SectionKind.VERSE, SectionKind.CHORUS, energy=0.2)) is FillSize.MEDIUM


@table("groove", Groove)
def test_the_last_bar_of_a_section_differs_by_its_fill(groove: Groove) -> None:
    strokes = drums(context_of(SectionKind.VERSE, SectionKind.CHORUS, groove))
    assert all(bar(strokes, 7) != bar(strokes, number) for number in range(7))


@table("groove", [Groove.POP, Groove.ROCK, Groove.LOFI])
def test_bars_of_one_section_vary(groove: Groove) -> None:
    strokes = drums(context_of(SectionKind.CHORUS, SectionKind.VERSE, groove))
    assert len({tuple(bar(strokes, number)) for number in range(1, 7)}) >= 2


def test_a_chorus_starts_with_a_crash_and_a_verse_does_not() -> None:
    chorus = drums(context_of(SectionKind.CHORUS, SectionKind.VERSE))
    verse = drums(context_of(SectionKind.VERSE, SectionKind.CHORUS))
    assert any(s.pitch == Piece.CRASH and s.start == 0 for s in chorus)
    assert not any(s.pitch == Piece.CRASH for s in verse)


def test_a_chorus_is_drummed_harder_than_a_verse_of_the_same_song() -> None:
    chorus = drums(context_of(SectionKind.CHORUS, SectionKind.VERSE))
    verse = drums(context_of(SectionKind.VERSE, SectionKind.CHORUS))
    assert sum(s.weight**2 for s in chorus) > sum(s.weight**2 for s in verse)


@table("groove", Groove)
def test_the_last_bar_of_a_song_holds_one_hit(groove: Groove) -> None:
    last = bar(drums(context_of(SectionKind.OUTRO, None, groove)), 7)
    assert {start for start, _, _ in last} == {0}
    assert len(last) == 2


def test_an_intro_begins_without_drums() -> None:
    strokes = drums(context_of(SectionKind.INTRO, SectionKind.VERSE))
    assert min(s.start for s in strokes) == 4 * 16


@table("groove", [Groove.FOUR_ON_THE_FLOOR, Groove.HIP_HOP, Groove.LOFI, Groove.GAME])
def test_a_drum_loop_begins_with_the_song(groove: Groove) -> None:
    strokes = drums(context_of(SectionKind.INTRO, SectionKind.VERSE, groove))
    assert min(s.start for s in strokes) == 0


@table("groove", [Groove.BALLAD, Groove.CINEMATIC])
def test_ballads_and_film_music_begin_and_end_without_drums(groove: Groove) -> None:
    last_bar = 7 * 16
    assert all(s.start >= last_bar for s in drums(context_of(SectionKind.INTRO, SectionKind.VERSE, groove)))
    assert all(s.start >= last_bar for s in drums(context_of(SectionKind.OUTRO, None, groove)))


def test_a_jazz_chorus_starts_without_a_crash() -> None:
    chorus = drums(context_of(SectionKind.CHORUS, SectionKind.VERSE, Groove.JAZZ))
    assert all(s.pitch != Piece.CRASH for s in chorus)


@table("groove", Groove)
@table("kind", SECTION_TAGS)
def test_no_piece_is_struck_twice_at_once(groove: Groove, kind: SectionKind) -> None:
    strokes = drums(context_of(kind, SectionKind.CHORUS, groove))
    assert len({(s.start, s.pitch) for s in strokes}) == len(strokes)


def test_the_same_kind_is_drummed_alike_wherever_it_stands() -> None:
    context = context_of(SectionKind.VERSE, SectionKind.CHORUS)
    assert drums(context) == drums(replace(context, played=5))
