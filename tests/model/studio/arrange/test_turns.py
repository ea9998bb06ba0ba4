"""Tests of repeated sections, and of the solo instrument beside a singer."""

from itertools import pairwise

from model.song import SectionKind
from model.studio.arrange.arranger import arrange
from model.studio.arrange.context import Turn
from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.notation.score import STEPS_PER_BAR, Note, Score
from model.studio.style import Instrument, Style, Track
from tests.model.studio.arrange.scores import C, F, G, bars_of, make_style
from tests.support.table import table

CHORUS, VERSE = SectionKind.CHORUS, SectionKind.VERSE
LINES = tuple(
    Note(bar * STEPS_PER_BAR + 2 * place, 2, 64 + place % 3, 5 * bar + place) for bar in range(8) for place in range(5)
)
SUNG = Score(8, LINES, bars_of(*[C, F, G, C] * 2))


def arranged(
    kind: SectionKind = CHORUS, number: int = 0, count: int = 3, style: Style | None = None, score: Score = SUNG
) -> Arrangement:
    turn = Turn(number, count)
    parts, _ = arrange(score, kind, style or make_style(), previous=None, following=VERSE, seed=5, sung=True, turn=turn)
    return parts


def velocity(parts: Arrangement) -> float:
    """Return the mean velocity of the keyboard's notes."""
    notes = [note.velocity for note in parts.tracks[Track.KEYS]]
    return sum(notes) / len(notes)


def steps(parts: Arrangement, track: Track) -> list[tuple[int, int]]:
    return [(round(note.start), note.pitch) for note in parts.tracks.get(track, ())]


def test_the_second_chorus_has_players_that_the_first_does_without() -> None:
    first, second = (arranged(number=number) for number in (0, 1))
    assert len(second.tracks) >= len(first.tracks) + 2


def test_a_chorus_that_comes_once_has_everybody() -> None:
    assert set(arranged(count=1).tracks) == set(arranged(number=2).tracks)


def test_the_last_chorus_is_the_loudest() -> None:
    first, second, last = (velocity(arranged(number=number)) for number in range(3))
    assert first < second < last


def test_a_chorus_comes_again_with_other_patterns() -> None:
    first, second = (arranged(number=number) for number in (0, 1))
    assert steps(first, Track.KEYS) != steps(second, Track.KEYS)


def test_a_long_song_has_a_breakdown_before_its_last_chorus() -> None:
    half = 4 * STEPS_PER_BAR
    breakdown, last = (arranged(number=number, count=5) for number in (3, 4))
    assert min(note.start for note in breakdown.tracks[Track.BASS]) >= half - 1
    early = [sum(note.start < half for note in parts.tracks[Track.DRUMS]) for parts in (breakdown, last)]
    assert early[0] < early[1]


def lead(parts: Arrangement) -> tuple[TrackNote, ...]:
    return parts.tracks.get(Track.LEAD, ())


@table("player", [Instrument.PIANO, Instrument.FLUTE, Instrument.CELLO])
def test_the_soloist_answers_where_the_singer_is_silent(player: Instrument) -> None:
    style = make_style(instruments=((Track.LEAD, player), (Track.KEYS, Instrument.PIANO)), swing=0.0)
    notes = lead(arranged(VERSE, style=style))
    assert len(notes) >= 8
    assert all(note.start % STEPS_PER_BAR > 9 for note in notes)


def test_the_soloist_goes_along_when_a_verse_comes_again() -> None:
    style = make_style(instruments=((Track.LEAD, Instrument.CELLO), (Track.KEYS, Instrument.PIANO)))
    first, second = (sum(note.length for note in lead(arranged(VERSE, number, style=style))) for number in (0, 1))
    assert second > first


@table("number", range(3))
@table("player", [Instrument.FLUTE, Instrument.CELLO])
def test_a_soloist_plays_one_note_at_a_time(number: int, player: Instrument) -> None:
    tail = tuple(Note(6 * STEPS_PER_BAR + 4 * place, 4, 67) for place in range(8))
    score = Score(8, (*LINES[:30], *tail), SUNG.chords)
    style = make_style(instruments=((Track.LEAD, player), (Track.KEYS, Instrument.PIANO)))
    notes = lead(arranged(number=number, style=style, score=score))
    assert all(a.start + a.length <= b.start + 0.3 for a, b in pairwise(notes))


def test_without_words_nobody_is_answered() -> None:
    tune = tuple(Note(note.start, note.length, note.pitch) for note in LINES)
    notes = lead(arranged(score=Score(8, tune, SUNG.chords)))
    assert len(notes) == len(tune)


def test_the_arranger_follows_a_key_that_is_lifted() -> None:
    style, before = make_style(), arrange(SUNG, CHORUS, make_style(), previous=None, following=VERSE, seed=5, sung=True)
    up = SUNG.transposed(2)
    _, after = arrange(up, CHORUS, style, previous=before[1], following=VERSE, seed=5, sung=True, lifted=2)
    assert (after.tonic - before[1].tonic) % 12 == 2
