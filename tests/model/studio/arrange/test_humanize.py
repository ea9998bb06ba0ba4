from dataclasses import replace

import numpy as np

from model.song import SectionKind
from model.studio.arrange.context import ArrangementContext, make_context
from model.studio.arrange.dynamics import level
from model.studio.arrange.humanize import perform, swung
from model.studio.arrange.tablature import Stroke
from model.studio.style import Groove, Track
from tests.model.studio.arrange.scores import make_score, make_style
from tests.support.table import table

QUARTERS = tuple(Stroke(4 * i, 3, 60, 1.0) for i in range(16))


def context_of(
    kind: SectionKind = SectionKind.VERSE, *, swing: float = 0.0, tempo_bpm: float = 120.0
) -> ArrangementContext:
    style = make_style(swing=swing, tempo_bpm=tempo_bpm)
    following = SectionKind.CHORUS
    return make_context(make_score(), kind, style, following=following, seed=5, sung=True, played=0, tonic=0)


@table(("step", "heard"), [(0, 0), (2, 2.5), (4, 4), (6, 6.5), (1, 1.25), (3, 3.25), (16, 16)])
def test_swing_delays_every_second_eighth(step: float, heard: float) -> None:
    assert swung(step, 0.25) == heard


def test_no_swing_changes_nothing() -> None:
    assert [swung(step / 4, 0.0) for step in range(64)] == [step / 4 for step in range(64)]


@table("tempo_bpm", [50.0, 180.0])
@table("track", [Track.PAD, Track.ARPEGGIO, Track.LEAD])
def test_players_beside_the_rhythm_are_at_most_eight_milliseconds_off(tempo_bpm: float, track: Track) -> None:
    context = context_of(tempo_bpm=tempo_bpm)
    played = perform(context, track, QUARTERS)
    errors = [abs(note.start - meant.start) for note, meant in zip(played, QUARTERS, strict=True)]
    assert 0 < max(errors) * context.step_seconds <= 0.008 + 1e-9


def test_sections_of_a_style_with_little_contrast_are_about_equally_loud() -> None:
    def difference(contrast: float) -> float:
        style = replace(make_style(), contrast=contrast)
        verse, chorus = (replace(context_of(kind), style=style) for kind in (SectionKind.VERSE, SectionKind.CHORUS))
        return level(chorus, 0) - level(verse, 0)

    assert 0 < difference(0.3) < 0.5 * difference(1.0) < difference(1.0) < difference(1.5)


def _off_ms(groove: Groove, steps: range) -> np.ndarray:
    """Return the delay in milliseconds with which drum hits at the given steps of each bar are played in a groove,
    [bars, steps]; the first bar is left out.
    """
    style = replace(make_style(tempo_bpm=100.0), groove=groove)
    score = make_score()
    context = make_context(
        score, SectionKind.VERSE, style, following=SectionKind.CHORUS, seed=5, sung=True, played=0, tonic=0
    )
    hits = [Stroke(16 * bar + step, 1, 42, 1.0) for bar in range(score.bars) for step in steps]
    played = perform(context, Track.DRUMS, hits)
    off = [(note.start - hit.start) * context.step_seconds * 1000 for note, hit in zip(played, hits, strict=True)]
    return np.array(off).reshape(score.bars, -1)[1:]


@table("groove", list(Groove))
def test_drums_have_a_pocket_that_comes_again_in_every_bar(groove: Groove) -> None:
    beats, steps = _off_ms(groove, range(0, 16, 4)), _off_ms(groove, range(16))
    assert 6 <= beats.std() <= 12
    assert np.abs(beats).max() <= 15
    likeness = np.corrcoef(steps)
    assert likeness[np.triu_indices(len(steps), 1)].mean() > 0.6
    others = (_off_ms(other, range(16)).mean(axis=0) for other in Groove if other is not groove)
    assert max(np.corrcoef(steps.mean(axis=0), other)[0, 1] for other in others) < 0.9


def test_notes_that_are_meant_together_stay_together() -> None:
    chord = [Stroke(4, 4, pitch, 1.0) for pitch in (60, 64, 67)]
    assert len({note.start for note in perform(context_of(), Track.KEYS, chord)}) == 1


def test_velocities_vary_a_little() -> None:
    velocities = [note.velocity for note in perform(context_of(), Track.KEYS, QUARTERS)]
    assert len(set(velocities)) > 3
    assert max(velocities) < 1.4 * min(velocities)


def test_a_note_does_not_outlast_the_section() -> None:
    (note,) = perform(context_of(), Track.PAD, [Stroke(120, 40, 60, 1.0)])
    assert note.start + note.length == 128


def test_a_pitch_out_of_range_is_played_in_the_nearest_octave() -> None:
    (note,) = perform(context_of(), Track.BASS, [Stroke(0, 4, 72, 1.0)])
    assert note.pitch == 48


def test_a_pre_chorus_grows_and_a_chorus_is_louder_than_a_verse() -> None:
    rising = [n.velocity for n in perform(context_of(SectionKind.PRE_CHORUS), Track.KEYS, QUARTERS * 2)]
    verse, chorus = (
        sum(n.velocity for n in perform(context_of(kind), Track.KEYS, QUARTERS))
        for kind in (SectionKind.VERSE, SectionKind.CHORUS)
    )
    assert sum(rising[:8]) < sum(rising[-8:])
    assert chorus > 1.05 * verse
