"""Tests of the parts of keyboard, guitar, pad, arpeggio, lead and ornaments."""

import itertools

from model.song import SECTION_TAGS, SectionKind
from model.studio.arrange.arranger import ArrangerState, arrange
from model.studio.arrange.comping import guitar, keys
from model.studio.arrange.context import ArrangementContext, make_context
from model.studio.arrange.lead import lead, phrases
from model.studio.arrange.ornaments import countermelody, double, ornament
from model.studio.arrange.pads import arpeggio, pad
from model.studio.arrange.tablature import Stroke
from model.studio.arrange.voicing import voice
from model.studio.notation.score import Note, Score
from model.studio.style import Groove, Instrument, Style, Track
from tests.model.studio.arrange.scores import BAND, C, F, G, bars_of, make_score, make_style, silent_score
from tests.support.table import table

WITH_VIOLIN = tuple((t, Instrument.VIOLIN if t is Track.ORNAMENT else i) for t, i in BAND)
WITH_SYNTH = tuple((t, Instrument.POLY_SYNTH if t is Track.ARPEGGIO else i) for t, i in BAND)


def context_of(
    score: Score, kind: SectionKind = SectionKind.CHORUS, style: Style | None = None, seed: int = 1
) -> ArrangementContext:
    return make_context(
        score,
        kind,
        style or make_style(),
        following=SectionKind.VERSE,
        seed=seed,
        sung=True,
        played=0,
        tonic=None,
    )


def chord_tone_share(context: ArrangementContext, strokes: list[Stroke]) -> float:
    hits = [s.pitch % 12 in context.spans[context.span_at(int(s.start))].chord.pitch_classes for s in strokes]
    return sum(hits) / len(hits)


def sung_meanwhile(context: ArrangementContext, stroke: Stroke) -> list[int]:
    steps = context.lead[int(stroke.start) : round(stroke.start + stroke.length)]
    return [pitch for pitch in steps if pitch is not None]


@table("groove", sorted(set(Groove) - {Groove.LOFI, Groove.JAZZ, Groove.BOSSA, Groove.RNB, Groove.GOSPEL}))
@table("kind", SECTION_TAGS)
def test_chord_players_play_chord_tones_and_keys_a_few_ninths(groove: Groove, kind: SectionKind) -> None:
    context = context_of(make_score(), kind, make_style(groove))
    voicings = voice(context)
    for part in (keys, guitar, pad, arpeggio):
        assert chord_tone_share(context, part(context, voicings)) > (0.85 if part is keys else 0.99)


@table("seed", range(5))
def test_the_pad_stays_more_than_two_semitones_below_the_melody(seed: int) -> None:
    context = context_of(make_score(16, seed, low=57))
    strokes = pad(context, voice(context))
    assert all(s.pitch < pitch - 2 for s in strokes for pitch in sung_meanwhile(context, s))


def test_the_pad_is_bound_over_a_bar_line_when_the_chord_stays() -> None:
    context = context_of(silent_score(C, C, G, F), SectionKind.VERSE)
    assert sorted({(s.start, s.length) for s in pad(context, voice(context))}) == [(0, 32), (32, 16), (48, 16)]


def test_a_chord_change_inside_a_held_pattern_is_struck_again() -> None:
    score = Score(2, (), (C, C, G, G, *bars_of(C)))
    context = context_of(score, SectionKind.VERSE, make_style(Groove.AMBIENT))
    struck = {s.start for s in keys(context, voice(context))}
    assert {0, 8, 16} <= struck


def test_keys_leave_room_for_the_melody() -> None:
    context = context_of(make_score(16, 3), SectionKind.VERSE, make_style(Groove.BALLAD))
    strokes = keys(context, voice(context))
    above = [s for s in strokes if any(s.pitch >= pitch for pitch in sung_meanwhile(context, s))]
    assert len(above) <= 0.1 * len(strokes)


def test_a_strum_spreads_over_the_strings_within_a_twentieth_of_a_second() -> None:
    context = context_of(silent_score(C), style=make_style(Groove.POP))
    starts = sorted(s.start for s in guitar(context, voice(context)) if s.start < 1)
    assert len(starts) >= 4
    assert 0 < (starts[-1] - starts[0]) * context.step_seconds < 0.05
    assert all(b > a for a, b in itertools.pairwise(starts))


@table("instruments", [BAND, WITH_SYNTH])
def test_arpeggios_keep_two_semitones_away_from_the_melody(instruments: tuple[tuple[Track, Instrument], ...]) -> None:
    context = context_of(make_score(16, 2), style=make_style(instruments=instruments))
    strokes = arpeggio(context, voice(context))
    assert len(strokes) > 32
    assert all(abs(s.pitch - pitch) > 2 for s in strokes for pitch in sung_meanwhile(context, s))


def test_the_melody_is_bound_within_phrases_and_cut_between_them() -> None:
    melody = (Note(0, 3, 60), Note(4, 4, 62), Note(16, 4, 64))
    strokes = lead(context_of(Score(2, melody, bars_of(C, C))))
    assert strokes[0].start + strokes[0].length > 4
    assert strokes[1].start + strokes[1].length == 8


def test_a_repeated_note_is_struck_again_rather_than_bound() -> None:
    strokes = lead(context_of(Score(1, (Note(0, 4, 60), Note(4, 4, 60)), bars_of(C))))
    assert strokes[0].start + strokes[0].length < 4


def test_phrases_end_where_the_singer_breathes() -> None:
    melody = (Note(0, 4, 60), Note(4, 4, 62), Note(12, 4, 64))
    assert phrases(melody) == [[melody[0], melody[1]], [melody[2]]]


def test_a_phrase_is_strongest_inside() -> None:
    melody = tuple(Note(16 * bar, 16, 67) for bar in range(7))
    weights = [s.weight for s in lead(context_of(Score(7, melody, bars_of(*[C] * 7))))]
    assert weights.index(max(weights)) == 3


def test_runs_sound_only_in_breaths() -> None:
    score = Score(2, (Note(0, 16, 67), Note(28, 4, 67)), bars_of(C, F))
    runs = [r for seed in range(10) for r in ornament(context_of(score, SectionKind.VERSE, seed=seed), [])]
    assert runs
    assert all(r.start >= 4 and r.start + r.length <= 28 for r in runs)
    assert all(abs(r.pitch - 67) > 2 for r in runs if r.start < 16)


def test_the_double_is_an_octave_up_and_absent_from_calm_songs() -> None:
    score = make_score()
    strokes = double(context_of(score))
    assert [s.pitch - 12 for s in strokes] == [n.pitch for n in score.melody]
    assert double(context_of(score, style=make_style(energy=0.1))) == []


@table("seed", range(5))
def test_a_countermelody_moves_in_small_steps_below_the_melody(seed: int) -> None:
    context = context_of(make_score(16, seed), style=make_style(instruments=WITH_VIOLIN))
    line = countermelody(context, voice(context))
    leaps = [abs(b.pitch - a.pitch) for a, b in itertools.pairwise(line)]
    assert sum(leaps) / len(leaps) < 5
    assert chord_tone_share(context, line) == 1.0
    assert all(s.pitch < pitch - 2 for s in line for pitch in sung_meanwhile(context, s))


def test_one_violin_never_plays_two_notes() -> None:
    context = context_of(make_score(16, 4), style=make_style(instruments=WITH_VIOLIN))
    line = sorted(ornament(context, voice(context)), key=lambda s: s.start)
    assert all(a.start + a.length <= b.start for a, b in itertools.pairwise(line))


def test_the_pad_of_dance_music_leaves_the_kick_alone_in_a_chorus() -> None:
    context = context_of(make_score(), style=make_style(Groove.FOUR_ON_THE_FLOOR))
    pumped = pad(context, voice(context))
    assert {s.start % 4 for s in pumped} == {1}
    assert all(s.start % 4 + s.length <= 4 for s in pumped)


def test_the_first_verse_grows_in_its_second_half() -> None:
    score = make_score()

    def entries(previous: ArrangerState | None) -> dict[Track, float]:
        arrangement, _ = arrange(
            score,
            SectionKind.VERSE,
            make_style(),
            previous=previous,
            following=SectionKind.CHORUS,
            seed=1,
            sung=True,
        )
        return {track: notes[0].start for track, notes in arrangement.tracks.items()}

    first, later = entries(None), entries(ArrangerState((), None, 0, 3, 1))
    assert min(first[Track.PAD], first[Track.GUITAR]) > 63 > 2 > max(later[Track.PAD], later[Track.GUITAR])
    assert first[Track.KEYS] < 2


@table("groove", [Groove.BOSSA, Groove.MARCH, Groove.GAME, Groove.FOUR_ON_THE_FLOOR])
def test_the_intro_of_a_driven_groove_tells_it_in_its_chords(groove: Groove) -> None:
    def starts(groove: Groove) -> set[float]:
        context = context_of(silent_score(C, C, C, C), SectionKind.INTRO, make_style(groove))
        return {stroke.start for stroke in keys(context, voice(context))}

    assert starts(groove) != starts(Groove.BALLAD)
    assert len(starts(groove)) > 8
