"""Gives the properties of the instruments that the arranger depends on: pitch range, sustain, brightness."""

from model.studio.style import Instrument

_RANGES = {
    Instrument.MUSIC_BOX: (60, 96),
    Instrument.VIBRAPHONE: (53, 89),
    Instrument.NYLON_GUITAR: (40, 83),
    Instrument.STEEL_GUITAR: (40, 83),
    Instrument.CLEAN_GUITAR: (40, 83),
    Instrument.OVERDRIVEN_GUITAR: (40, 83),
    Instrument.ACOUSTIC_BASS: (28, 55),
    Instrument.FINGER_BASS: (28, 55),
    Instrument.SYNTH_BASS: (28, 55),
    Instrument.STRINGS: (36, 96),
    Instrument.SLOW_STRINGS: (36, 96),
    Instrument.HARP: (31, 96),
    Instrument.CHOIR: (43, 79),
    Instrument.HORN: (41, 77),
    Instrument.BRASS: (43, 82),
    Instrument.SAXOPHONE: (46, 82),
    Instrument.OBOE: (58, 89),
    Instrument.CLARINET: (50, 89),
    Instrument.FLUTE: (60, 96),
    Instrument.SHAKUHACHI: (55, 86),
    Instrument.KOTO: (48, 88),
    Instrument.CELLO: (36, 76),
    Instrument.CHIP_BASS: (28, 60),
    Instrument.VIOLIN: (55, 96),
}
_FULL_RANGE = (28, 96)

_SUSTAINING = frozenset(
    {
        Instrument.ORGAN,
        Instrument.ACCORDION,
        Instrument.STRINGS,
        Instrument.SLOW_STRINGS,
        Instrument.CHOIR,
        Instrument.HORN,
        Instrument.BRASS,
        Instrument.SAXOPHONE,
        Instrument.OBOE,
        Instrument.CLARINET,
        Instrument.FLUTE,
        Instrument.SHAKUHACHI,
        Instrument.SYNTH_LEAD,
        Instrument.WARM_PAD,
        Instrument.POLY_SYNTH,
        Instrument.CELLO,
        Instrument.VIOLIN,
        Instrument.CHIP_PULSE,
        Instrument.CHIP_BASS,
    }
)
_BRIGHT_PLUCKS = frozenset({Instrument.MUSIC_BOX, Instrument.VIBRAPHONE, Instrument.HARP, Instrument.KOTO})


def pitch_range(instrument: Instrument) -> tuple[int, int]:
    """Return the lowest and the highest MIDI pitch at which an instrument sounds natural."""
    return _RANGES.get(instrument, _FULL_RANGE)


def folded(pitch: int, instrument: Instrument) -> int:
    """Return `pitch` transposed by as few octaves as possible into the range of the instrument."""
    low, high = pitch_range(instrument)
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


def sustains(instrument: Instrument) -> bool:
    """Return True if a held note of the instrument keeps its level, as on an organ and unlike a piano."""
    return instrument in _SUSTAINING


def is_bright_pluck(instrument: Instrument) -> bool:
    """Return True if the instrument is bright and plucked or struck, such as a harp, and may play above the melody
    without covering it.
    """
    return instrument in _BRIGHT_PLUCKS
