import math
import pickle
from dataclasses import replace

import pytest

from model.song import SECTION_TAGS, SectionKind
from model.studio.arrange.arranger import ArrangerState, arrange
from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.notation.score import Score
from model.studio.style import Groove, Instrument, Style, Track
from tests.model.studio.arrange.scores import BAND, C, F, G, make_score, make_style, silent_score
from tests.support.table import table

MIDDLE = SectionKind.VERSE
ALONE = ((Track.LEAD, Instrument.OBOE), (Track.KEYS, Instrument.PIANO))


def section(
    score: Score,
    kind: SectionKind,
    style: Style,
    *,
    previous: ArrangerState | None = None,
    following: SectionKind | None = MIDDLE,
    seed: int = 7,
) -> Arrangement:
    return arrange(score, kind, style, previous=previous, following=following, seed=seed, sung=True)[0]


def longest_silence_seconds(arrangement: Arrangement, style: Style) -> float:
    notes = sorted(n for t, part in arrangement.tracks.items() if t is not Track.DRUMS for n in map(times, part))
    heard_until, longest = 0.0, 0.0
    for start, end in [*notes, (arrangement.bars * 16.0, 0.0)]:
        longest = max(longest, start - heard_until)
        heard_until = max(heard_until, end)
    return longest * 15.0 / style.tempo_bpm


def times(note: TrackNote) -> tuple[float, float]:
    return note.start, note.start + note.length


def loudness(arrangement: Arrangement) -> float:
    return sum(math.pow(n.velocity / 127, 3.2) for part in arrangement.tracks.values() for n in part)


@table("kind", SECTION_TAGS)
def test_the_same_request_is_arranged_the_same(kind: SectionKind) -> None:
    style = make_style(swing=0.2)
    assert section(make_score(), kind, style) == section(make_score(), kind, style)


def test_another_seed_is_played_differently() -> None:
    style = make_style()
    assert section(make_score(), MIDDLE, style, seed=1) != section(make_score(), MIDDLE, style, seed=2)


@table("groove", Groove)
@table("kind", SECTION_TAGS)
@table("instruments", [BAND, ALONE])
@table("following", [MIDDLE, None])
def test_no_silence_is_longer_than_a_second_and_a_half_at_the_slowest_tempo(
    groove: Groove,
    kind: SectionKind,
    instruments: tuple[tuple[Track, Instrument], ...],
    following: SectionKind | None,
) -> None:
    style = make_style(groove, tempo_bpm=50, energy=0.1, instruments=instruments)
    arrangement = section(silent_score(C, G, F, C), kind, style, following=following)
    assert longest_silence_seconds(arrangement, style) < 1.5


@table("groove", Groove)
@table("kind", SECTION_TAGS)
def test_parts_are_sorted_inside_the_section_and_playable(groove: Groove, kind: SectionKind) -> None:
    arrangement = section(make_score(), kind, make_style(groove, energy=1.0, swing=0.33, tempo_bpm=180))
    for part in arrangement.tracks.values():
        assert list(part) == sorted(part, key=lambda n: n.start)
        assert all(0 <= n.start < 128 and 0 < n.length <= 130 for n in part)
        assert all(24 <= n.pitch <= 100 and 1 <= n.velocity <= 127 for n in part)


def test_only_players_of_the_style_play() -> None:
    arrangement = section(make_score(), SectionKind.CHORUS, make_style(instruments=ALONE))
    assert set(arrangement.tracks) == {Track.LEAD, Track.KEYS}


def test_a_chorus_has_more_layers_than_a_verse() -> None:
    verse = section(make_score(), SectionKind.VERSE, make_style())
    chorus = section(make_score(), SectionKind.CHORUS, make_style())
    assert set(verse.tracks) < set(chorus.tracks)
    assert len(verse.tracks[Track.PAD]) < len(chorus.tracks[Track.PAD])


@table("groove", Groove)
@table("energy", [0.1, 0.5, 0.9])
def test_a_chorus_is_stronger_than_a_verse(groove: Groove, energy: float) -> None:
    style = make_style(groove, energy=energy)
    verse = section(make_score(), SectionKind.VERSE, style)
    chorus = section(make_score(), SectionKind.CHORUS, style)
    assert loudness(chorus) > 1.3 * loudness(verse)


def test_an_outro_thins_out() -> None:
    part = section(make_score(), SectionKind.OUTRO, make_style(), following=None).tracks
    first = [n for t in part for n in part[t] if t is not Track.LEAD and n.start < 64]
    second = [n for t in part for n in part[t] if t is not Track.LEAD and n.start >= 64]
    assert len(second) < len(first)


def test_a_song_ends_on_its_held_tonic_chord() -> None:
    parts = section(silent_score(C, F, G, G), SectionKind.OUTRO, make_style(), following=None).tracks
    harmony = [n for t in (Track.KEYS, Track.PAD, Track.BASS) for n in parts[t] if n.start > 47]
    assert {n.pitch % 12 for n in harmony} == {0, 4, 7}
    assert all(n.start + n.length == pytest.approx(64, abs=0.2) for n in harmony)


def test_a_verse_comes_back_with_its_patterns_and_new_hands() -> None:
    style, score = make_style(), make_score()
    first, arranger = arrange(score, MIDDLE, style, previous=None, following=MIDDLE, seed=3, sung=True)
    again, _ = arrange(score, MIDDLE, style, previous=arranger, following=MIDDLE, seed=99, sung=True)
    assert steps(first, Track.GUITAR) == steps(again, Track.GUITAR)
    assert steps(first, Track.DRUMS) == steps(again, Track.DRUMS)
    assert first.tracks[Track.DRUMS] != again.tracks[Track.DRUMS]


def steps(arrangement: Arrangement, track: Track) -> list[int]:
    return sorted(round(n.start) for n in arrangement.tracks.get(track, ()))


def test_energy_makes_drums_louder() -> None:
    light, heavy = (
        section(make_score(), MIDDLE, make_style(energy=energy)).tracks[Track.DRUMS] for energy in (0.1, 0.9)
    )
    assert max(n.velocity for n in light) < 0.8 * max(n.velocity for n in heavy)


@table("kind", SECTION_TAGS)
def test_the_lead_is_the_melody_and_the_loudest_pitched_player(kind: SectionKind) -> None:
    score = make_score()
    parts = section(score, kind, make_style()).tracks
    assert [n.pitch for n in parts[Track.LEAD]] == [n.pitch for n in score.melody]
    others = [n.velocity for t, part in parts.items() if t not in (Track.LEAD, Track.DRUMS) for n in part]
    assert sum(n.velocity for n in parts[Track.LEAD]) / len(parts[Track.LEAD]) > sum(others) / len(others) + 5


def test_what_the_players_remember_can_be_sent_to_another_process() -> None:
    arranged = arrange(make_score(), MIDDLE, make_style(), previous=None, following=MIDDLE, seed=1, sung=True)
    assert pickle.loads(pickle.dumps(arranged)) == arranged


@table("kind", SECTION_TAGS)
def test_one_bar_is_enough(kind: SectionKind) -> None:
    for following in (MIDDLE, None):
        assert section(make_score(1), kind, make_style(), following=following).tracks[Track.KEYS]


def test_a_lonely_player_in_an_instrumental_chorus_doubles_its_own_melody() -> None:
    style, score = make_style(instruments=ALONE), make_score()
    instrumental, _ = arrange(score, SectionKind.CHORUS, style, previous=None, following=MIDDLE, seed=1, sung=False)
    sung = section(score, SectionKind.CHORUS, style)
    assert len(instrumental.tracks[Track.LEAD]) == 2 * len(sung.tracks[Track.LEAD])


def test_a_melody_below_the_usual_register_is_still_arranged() -> None:
    low = make_score().transposed(-24)
    assert section(low, MIDDLE, replace(make_style(), groove=Groove.JAZZ)).tracks[Track.KEYS]
