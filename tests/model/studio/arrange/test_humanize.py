from model.song import SectionKind
from model.studio.arrange.context import ArrangementContext, make_context
from model.studio.arrange.humanize import perform, swung
from model.studio.arrange.tablature import Stroke
from model.studio.style import Track
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
@table("track", [Track.KEYS, Track.PAD, Track.DRUMS, Track.LEAD])
def test_players_are_at_most_eight_milliseconds_off(tempo_bpm: float, track: Track) -> None:
    context = context_of(tempo_bpm=tempo_bpm)
    played = perform(context, track, QUARTERS)
    errors = [abs(note.start - meant.start) for note, meant in zip(played, QUARTERS, strict=True)]
    assert 0 < max(errors) * context.step_seconds <= 0.008 + 1e-9


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
