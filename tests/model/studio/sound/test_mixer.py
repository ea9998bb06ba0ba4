from dataclasses import replace

import numpy as np
import pytest

from model.song import ALL_STEMS, Stem
from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.sound.bank import InstrumentBank
from model.studio.sound.mixer import STRIPS, Mixer
from model.studio.style import Groove, Instrument, Mode, Style, Track
from tests.support.table import table

STYLE = Style(
    genre="pop",
    groove=Groove.POP,
    mode=Mode.MAJOR,
    tempo_bpm=120.0,
    energy=0.5,
    density=6.0,
    swing=0.0,
    reverb=0.4,
    brightness=0.5,
    instruments=(
        (Track.LEAD, Instrument.FLUTE),
        (Track.KEYS, Instrument.PIANO),
        (Track.PAD, Instrument.STRINGS),
        (Track.BASS, Instrument.FINGER_BASS),
        (Track.DRUMS, Instrument.DRUM_KIT),
    ),
)
BAR = 96_000
BUSY = Arrangement(
    bars=1,
    tracks={
        Track.LEAD: tuple(TrackNote(step, 3.5, 72 + step % 5, 100) for step in range(0, 16, 4)),
        Track.KEYS: tuple(TrackNote(8 * half, 7, pitch, 80) for half in range(2) for pitch in (60, 64, 67)),
        Track.PAD: tuple(TrackNote(0, 15.5, pitch, 80) for pitch in (55, 60, 64)),
        Track.BASS: (TrackNote(-0.2, 7, 36, 90), TrackNote(8, 7, 43, 90)),
        Track.DRUMS: tuple(TrackNote(step, 1, 36 if step % 8 == 0 else 42, 100) for step in range(0, 16, 2)),
    },
)
LOWS, MIDDLE = slice(60, 160), slice(1_000, 6_000)
"""Bins of the spectrum of a bar: 30 to 80 Hz and 0.5 to 3 kHz."""
EMPTY = Arrangement(bars=1, tracks={})


def _one(track: Track, *notes: TrackNote) -> Arrangement:
    return Arrangement(bars=1, tracks={track: notes})


def _song(mixer: Mixer, *sections: Arrangement, window: int = 48_000, final: bool = False) -> np.ndarray:
    windows: list[np.ndarray] = []
    for index, section in enumerate(sections):
        last = final and index == len(sections) - 1
        start, end = index * BAR, (index + 1) * BAR
        windows += mixer.render(section, start, end, first_window=window, window=window, final=last)
    return np.concatenate(windows, axis=1)


def _mixer(bank: InstrumentBank, stems: frozenset[Stem] = ALL_STEMS) -> Mixer:
    return Mixer(bank, STYLE, tempo_bpm=120.0, stems=stems, seed=5)


def test_windows_have_the_wished_sizes_and_fill_the_section(bank: InstrumentBank) -> None:
    windows = list(_mixer(bank).render(BUSY, 0, BAR, first_window=24_000, window=40_000, final=False))
    assert [w.shape for w in windows] == [(2, 24_000), (2, 40_000), (2, 32_000)]
    assert {w.dtype for w in windows} == {np.dtype(np.float32)}


@table("window", [3_001, 20_000])
def test_streamed_equals_whole(bank: InstrumentBank, window: int) -> None:
    whole = _song(_mixer(bank), BUSY, EMPTY, final=True, window=BAR)
    assert np.allclose(_song(_mixer(bank), BUSY, EMPTY, final=True, window=window), whole, atol=1e-6)


def test_the_same_song_sounds_the_same_again(bank: InstrumentBank) -> None:
    first = _song(_mixer(bank), BUSY)
    assert np.array_equal(first, _song(_mixer(InstrumentBank.load()), BUSY))


def test_a_long_note_rings_over_the_seam_without_a_click(bank: InstrumentBank) -> None:
    held = _one(Track.KEYS, TrackNote(8, 16, 60, 100))
    song = _song(_mixer(bank), held, EMPTY)
    jumps = np.abs(np.diff(song[0]))
    assert np.abs(song[:, BAR : BAR + 20_000]).max() > 0.01
    assert jumps[BAR - 50 : BAR + 50].max() <= 1.5 * jumps[BAR - 9_000 : BAR - 1_000].max()


def test_the_final_section_fades_to_nothing(bank: InstrumentBank) -> None:
    song = _song(_mixer(bank), BUSY, BUSY, final=True)
    assert np.abs(song[:, -1]).max() == 0.0
    assert np.abs(song[:, -480:]).max() < 1e-3
    assert np.abs(song[:, -70_000:-50_000]).max() > 0.05


@table("stem", list(Stem))
def test_a_stem_that_is_left_out_is_silent(bank: InstrumentBank, stem: Stem) -> None:
    alone = Arrangement(1, {track: notes for track, notes in BUSY.tracks.items() if STRIPS[track].stem is stem})
    assert np.abs(_song(_mixer(bank, ALL_STEMS - {stem}), alone)).max() == 0.0


def test_a_note_sounds_at_its_step(bank: InstrumentBank) -> None:
    song = _song(_mixer(bank), _one(Track.DRUMS, TrackNote(4, 1, 38, 110)))
    onset = int(np.argmax(np.abs(song[0]) > 0.02))
    assert 24_000 <= onset < 24_000 + 240


def test_an_anticipation_before_the_section_starts_with_it(bank: InstrumentBank) -> None:
    early, exact = (_one(Track.DRUMS, TrackNote(start, 1, 38, 110)) for start in (-0.3, 0.0))
    assert np.array_equal(_song(_mixer(bank), early), _song(_mixer(bank), exact))


def test_notes_after_the_window_are_not_played_yet(bank: InstrumentBank) -> None:
    windows = _mixer(bank).render(BUSY, 0, BAR, first_window=9_000, window=9_000, final=False)
    late = _one(Track.LEAD, TrackNote(8, 4, 72, 100))
    quiet = _mixer(bank).render(late, 0, BAR, first_window=9_000, window=9_000, final=False)
    assert np.abs(next(windows)).max() > 0.05
    assert np.abs(next(quiet)).max() == 0.0


def test_a_section_must_begin_where_the_last_one_ended(bank: InstrumentBank) -> None:
    mixer = _mixer(bank)
    _song(mixer, BUSY)
    with pytest.raises(ValueError, match="begins at sample 5"):
        next(mixer.render(BUSY, 5, BAR, first_window=100, window=100, final=False))


def test_a_style_sets_the_level_of_its_tracks(bank: InstrumentBank) -> None:
    raised = replace(STYLE, levels_db=((Track.BASS, 6.0),))
    bass = frozenset({Stem.BASS})
    usual, louder = (_song(Mixer(bank, style, tempo_bpm=120.0, stems=bass, seed=5), BUSY) for style in (STYLE, raised))
    np.testing.assert_allclose(louder, usual * 10 ** (6 / 20), rtol=1e-3, atol=1e-5)


def test_a_style_sets_the_width_of_its_band_but_not_of_the_bass(bank: InstrumentBank) -> None:
    wide = replace(STYLE, width_db=6.0, reverb=0.0)
    widths = []
    for style in (replace(STYLE, reverb=0.0), wide):
        song = _song(Mixer(bank, style, tempo_bpm=120.0, seed=5), BUSY)
        middle, side = (np.abs(np.fft.rfft(song[0] + sign * song[1])) ** 2 for sign in (1, -1))
        widths.append([10 * np.log10(side[band].sum() / middle[band].sum()) for band in (LOWS, MIDDLE)])
    (low, usual), (wide_low, wider) = widths
    assert 3 < wider - usual < 6.5
    assert max(low, wide_low) < -15
