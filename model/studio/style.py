"""Data types for the musical style of a song: parsed from a prompt, and used by planner, arranger, singer and mixer."""

from dataclasses import dataclass
from enum import StrEnum

from model.song import Voice


class Mode(StrEnum):
    """Mode of a key: major or natural minor."""

    MAJOR = "major"
    MINOR = "minor"


class Track(StrEnum):
    """A track of the arrangement (melody, bass, drums ...), played by one instrument."""

    LEAD = "lead"
    KEYS = "keys"
    GUITAR = "guitar"
    PAD = "pad"
    BASS = "bass"
    ARPEGGIO = "arpeggio"
    ORNAMENT = "ornament"
    DRUMS = "drums"


class Instrument(StrEnum):
    """An instrument of the shipped sound library; the last ones are synthesised, all others sampled."""

    PIANO = "piano"
    ELECTRIC_PIANO = "electric piano"
    MUSIC_BOX = "music box"
    VIBRAPHONE = "vibraphone"
    ORGAN = "organ"
    ACCORDION = "accordion"
    NYLON_GUITAR = "nylon guitar"
    STEEL_GUITAR = "steel guitar"
    CLEAN_GUITAR = "clean guitar"
    OVERDRIVEN_GUITAR = "overdriven guitar"
    ACOUSTIC_BASS = "acoustic bass"
    FINGER_BASS = "finger bass"
    SYNTH_BASS = "synth bass"
    STRINGS = "strings"
    SLOW_STRINGS = "slow strings"
    PIZZICATO = "pizzicato"
    HARP = "harp"
    CHOIR = "choir"
    HORN = "horn"
    BRASS = "brass"
    SAXOPHONE = "saxophone"
    OBOE = "oboe"
    CLARINET = "clarinet"
    FLUTE = "flute"
    SHAKUHACHI = "shakuhachi"
    SYNTH_LEAD = "synth lead"
    WARM_PAD = "warm pad"
    POLY_SYNTH = "poly synth"
    KOTO = "koto"
    CELLO = "cello"
    VIOLIN = "violin"
    DRUM_KIT = "drum kit"
    CHIP_PULSE = "chip pulse"
    CHIP_SQUARE = "chip square"
    CHIP_BASS = "chip bass"
    CHIP_KIT = "chip kit"
    ELECTRONIC_KIT = "electronic kit"


DRUM_KITS = frozenset({Instrument.DRUM_KIT, Instrument.CHIP_KIT, Instrument.ELECTRONIC_KIT})
"""Instruments whose pitches are the keys of General MIDI percussion."""


class Groove(StrEnum):
    """Rhythmic style of the accompaniment, such as rock or bossa nova; the tables of drum and accompaniment patterns
    are ordered by groove.
    """

    POP = "pop"
    BALLAD = "ballad"
    ROCK = "rock"
    LOFI = "lofi"
    FOLK = "folk"
    FOUR_ON_THE_FLOOR = "four on the floor"
    CINEMATIC = "cinematic"
    JAZZ = "jazz"
    NURSERY = "nursery"
    AMBIENT = "ambient"
    BOSSA = "bossa"
    RNB = "rnb"
    HIP_HOP = "hip hop"
    MARCH = "march"
    GAME = "game"
    REGGAE = "reggae"
    BREAKBEAT = "breakbeat"
    GOSPEL = "gospel"


class Way(StrEnum):
    """A special way of singing, such as a duet, or of building a song, such as a drop, that a prompt may ask for."""

    A_CAPPELLA = "a cappella"
    WHISPERED = "whispered"
    DUET = "duet"
    TOGETHER = "together"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Style:
    """Musical style of a song.

    Attributes:
        genre: short name, shown to the caller ("pop", "lofi").
        groove: pattern family of drums and accompaniment.
        mode: major or minor.
        tempo_bpm: quarter notes per minute, 50 to 180.
        energy: 0 (calm) to 1 (loud and busy); scales velocities, layers and fills.
        density: notes per bar of an instrumental melody, 2 to 10.
        swing: delay of every second eighth, 0 (straight) to 0.33 (triplets), as a share of an eighth.
        reverb: 0 (dry) to 1 (hall).
        brightness: 0 (dark) to 1 (bright); tilts the spectrum of the whole mix slightly.
        instruments: the instrument of each track; a track that is absent stays silent.
        voice: the singing voice; `None` if the prompt does not name one.
        register: -1 (low keys) to 1 (high keys).
        pentatonic: True if the melody uses only the five tones of the Chinese pentatonic scale.
        chord_pace: rate of chord changes relative to pop, 0.2 to 2.
        levels_db: change of the level of each track in the mix, in dB.
        mix_db: gain of the whole mix, so that songs of all styles are equally loud.
        vocal_db: change of the level of the voices, so that their distance to the accompaniment is equal in all styles.
        tone_db: change of the lows, low middle, high middle and highs of the whole mix.
        width_db: change of the side signal of the accompaniment.
        contrast: difference in level between the kinds of sections relative to pop, 0 (equal, as in a loop) to 2.
        interlude_db: change of the level of the accompaniment while nobody sings, in a song with singers.
        ways: ways of singing and of building the song.
        beats_per_bar: 4, or 3 in a waltz.
    """

    genre: str
    groove: Groove
    mode: Mode
    tempo_bpm: float
    energy: float
    density: float
    swing: float
    reverb: float
    brightness: float
    instruments: tuple[tuple[Track, Instrument], ...]
    voice: Voice | None = None
    register: float = 0.0
    pentatonic: bool = False
    chord_pace: float = 1.0
    levels_db: tuple[tuple[Track, float], ...] = ()
    mix_db: float = 0.0
    vocal_db: float = 0.0
    tone_db: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    width_db: float = 0.0
    contrast: float = 1.0
    interlude_db: float = 0.0
    ways: frozenset[Way] = frozenset()
    beats_per_bar: int = 4

    def instrument(self, track: Track) -> Instrument | None:
        """Return the instrument that plays `track`, or `None` if the track is silent."""
        return dict(self.instruments).get(track)
