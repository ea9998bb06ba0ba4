"""Tests that any score that the denoiser may compose can be arranged."""

from hypothesis import given, settings
from hypothesis import strategies as st

from model.song import SECTION_TAGS, SectionKind
from model.studio.arrange.arranger import arrange
from model.studio.notation.score import (
    BEATS_PER_BAR,
    STEPS_PER_BEAT,
    WALTZ_BEATS_PER_BAR,
    Chord,
    Note,
    Quality,
    Score,
)
from model.studio.style import Groove, Instrument, Mode, Style, Track

CHORDS = st.builds(Chord, st.integers(0, 11), st.sampled_from(Quality))


@st.composite
def scores(draw: st.DrawFn) -> Score:
    bars, beats_per_bar = draw(st.integers(1, 6)), draw(st.sampled_from((BEATS_PER_BAR, WALTZ_BEATS_PER_BAR)))
    beats = bars * beats_per_bar
    cuts = sorted(draw(st.sets(st.integers(0, beats * STEPS_PER_BEAT - 1), max_size=24)))
    ends = [*cuts, beats * STEPS_PER_BEAT][1:]
    pitches = draw(st.lists(st.integers(36, 96), min_size=len(cuts), max_size=len(cuts)))
    lengths = draw(st.lists(st.integers(1, 32), min_size=len(cuts), max_size=len(cuts)))
    notes = tuple(Note(a, min(n, b - a), p) for a, b, n, p in zip(cuts, ends, lengths, pitches, strict=True))
    chords = draw(st.lists(CHORDS, min_size=beats, max_size=beats))
    return Score(bars, notes, tuple(chords), beats_per_bar)


@st.composite
def styles(draw: st.DrawFn) -> Style:
    tracks = draw(st.sets(st.sampled_from(sorted(set(Track) - {Track.DRUMS})), min_size=1))
    players = {track: draw(st.sampled_from(Instrument)) for track in sorted(tracks)}
    if draw(st.booleans()):
        players[Track.DRUMS] = Instrument.DRUM_KIT
    return Style(
        genre="any",
        groove=draw(st.sampled_from(Groove)),
        mode=draw(st.sampled_from(Mode)),
        tempo_bpm=draw(st.floats(50, 180)),
        energy=draw(st.floats(0, 1)),
        density=4.0,
        swing=draw(st.floats(0, 0.33)),
        reverb=0.3,
        brightness=0.5,
        instruments=tuple(players.items()),
    )


@settings(max_examples=60, deadline=None)
@given(
    score=scores(),
    style=styles(),
    kind=st.sampled_from(SECTION_TAGS),
    following=st.none() | st.sampled_from(SECTION_TAGS),
    seed=st.integers(0, 2**63),
    sung=st.booleans(),
)
def test_any_score_is_arranged_for_any_band(
    score: Score, style: Style, kind: SectionKind, following: SectionKind | None, seed: int, sung: bool
) -> None:
    arrangement, arranger = arrange(score, kind, style, previous=None, following=following, seed=seed, sung=sung)
    again, _ = arrange(score, kind, style, previous=arranger, following=following, seed=seed, sung=sung)
    for parts in (arrangement.tracks, again.tracks):
        assert set(parts) <= {track for track, _ in style.instruments}
        notes = [note for part in parts.values() for note in part]
        assert all(0 <= n.start < score.steps + 1 and n.length > 0 and 1 <= n.velocity <= 127 for n in notes)
        assert all(0 < n.pitch < 128 for n in notes)
