"""Builds small scores and styles for the tests of the arranger."""

from random import Random

from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR, Chord, Note, Quality, Score
from model.studio.style import Groove, Instrument, Mode, Style, Track

C = Chord(0, Quality.MAJOR)
D_MINOR = Chord(2, Quality.MINOR)
E_MINOR = Chord(4, Quality.MINOR)
F = Chord(5, Quality.MAJOR)
G = Chord(7, Quality.MAJOR)
A_MINOR = Chord(9, Quality.MINOR)
E = Chord(4, Quality.MAJOR)
POP_LOOP = (C, G, A_MINOR, F)
DIATONIC = (C, D_MINOR, E_MINOR, F, G, A_MINOR)

BAND = (
    (Track.LEAD, Instrument.FLUTE),
    (Track.KEYS, Instrument.PIANO),
    (Track.GUITAR, Instrument.STEEL_GUITAR),
    (Track.PAD, Instrument.STRINGS),
    (Track.BASS, Instrument.FINGER_BASS),
    (Track.ARPEGGIO, Instrument.MUSIC_BOX),
    (Track.ORNAMENT, Instrument.HARP),
    (Track.DRUMS, Instrument.DRUM_KIT),
)


def make_style(
    groove: Groove = Groove.POP,
    *,
    mode: Mode = Mode.MAJOR,
    tempo_bpm: float = 100.0,
    energy: float = 0.6,
    swing: float = 0.0,
    instruments: tuple[tuple[Track, Instrument], ...] = BAND,
) -> Style:
    return Style("test", groove, mode, tempo_bpm, energy, 4.0, swing, 0.3, 0.5, instruments)


def bars_of(*chords: Chord) -> tuple[Chord, ...]:
    """Return a chord for every beat: each given chord lasts one bar."""
    return tuple(chord for chord in chords for _ in range(BEATS_PER_BAR))


def make_score(bars: int = 8, seed: int = 0, low: int = 62, high: int = 76) -> Score:
    """Return a score with a random melody in C major, from MIDI pitch `low` to `high`, with a rest at the end of every
    second bar, over the chords C G Am F.
    """
    chance = Random(seed)
    scale = [p for p in range(low, high + 1) if p % 12 in (0, 2, 4, 5, 7, 9, 11)]
    melody: list[Note] = []
    step, place = 0, len(scale) // 2
    while step < bars * STEPS_PER_BAR:
        length = min(chance.choice((2, 2, 4, 6)), bars * STEPS_PER_BAR - step)
        place = max(0, min(len(scale) - 1, place + chance.choice((-2, -1, 0, 1, 2))))
        if step % (2 * STEPS_PER_BAR) < 24:
            melody.append(Note(step, length, scale[place]))
        step += length
    return Score(bars, tuple(melody), bars_of(*(POP_LOOP[bar % 4] for bar in range(bars))))


def silent_score(*chords: Chord) -> Score:
    """Return a score without a melody, with one of the chords in each bar."""
    return Score(len(chords), (), bars_of(*chords))


def wandering_chords(bars: int, seed: int) -> tuple[Chord, ...]:
    """Return a chord for every bar, each a random diatonic triad of C major."""
    chance = Random(seed)
    return tuple(chance.choice(DIATONIC) for _ in range(bars))
