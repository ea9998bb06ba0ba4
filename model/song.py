"""Data types of a song: its parameters, its plan, and its score.

The service and the engines exchange these values, also between processes.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.tasks import Task

Window: TypeAlias = NDArray[np.float32]
"""A window of a section's sound: float32 PCM, shape [channels, samples], at the engine's sample rate."""


class SectionKind(StrEnum):
    """Kind of a section in a song's form, such as verse or chorus; `SONG` is the whole song, if an engine does not
    divide it.
    """

    SONG = "song"
    INTRO = "intro"
    VERSE = "verse"
    PRE_CHORUS = "pre-chorus"
    CHORUS = "chorus"
    BRIDGE = "bridge"
    INST = "inst"
    OUTRO = "outro"


SECTION_TAGS = tuple(kind for kind in SectionKind if kind is not SectionKind.SONG)
"""The kinds of sections that a tag in lyrics can name."""


class Stem(StrEnum):
    """A group of tracks in the mix, such as vocals or drums, that a caller may switch on or off."""

    VOCAL = "vocal"
    HARMONY = "harmony"
    DRUMS = "drums"
    BASS = "bass"
    ORNAMENTS = "ornaments"


ALL_STEMS = frozenset(Stem)


class Voice(StrEnum):
    """Kind of the singing voice, such as female or male."""

    FEMALE = "female"
    MALE = "male"


class Control(StrEnum):
    """An optional request field, besides prompt, lyrics, duration and seed, that an engine may support."""

    STEPS = "steps"
    GUIDANCE_SCALE = "guidance_scale"
    KEY = "key"
    TEMPO = "tempo_bpm"
    ANCHOR = "anchor"
    STEMS = "stems"
    VOICE = "voice"
    VOCAL_LEVEL = "vocal_level_db"
    LANGUAGE = "language"
    AUDIO_TO_AUDIO = "audio_to_audio"
    RETAKE = "retake"
    REPAINT = "repaint"
    EXTEND = "extend"
    EDIT = "edit"
    EXTRACT_TRACK = "extract_track"
    LEGO = "lego"
    COMPLETE = "complete"
    NEGATIVE_PROMPT = "negative_prompt"
    TIME_SIGNATURE = "time_signature"
    REFERENCE_AUDIO = "reference_audio"


@dataclass(frozen=True, slots=True)
class AnchorNote:
    """One note of the caller's melody: its MIDI pitch (`None` is a rest) and its length in beats (quarter notes)."""

    pitch: int | None
    length_beats: float


class EngineOptions:
    """Base class of the request options that only one engine supports.

    An engine with options has its own frozen dataclass in `model/<engine>/options.py`. Its fields have the same names
    as in music.proto, and each has a default.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SongParams:
    """Parameters of a song from its request, checked for type and range but not yet against an engine's limits.

    If `duration_seconds` is `None`, the engine derives it from the lyrics; if `steps`, `guidance_scale`, `key`,
    `tempo_bpm` or `voice` is `None`, the engine chooses it. `key` has the form "C major" or "F# minor". `anchor` is the
    caller's melody, which the song follows; `anchor_tempo_bpm` is the tempo in the file of that melody.
    `anchor_remarks` list changes to the melody, which an engine that supports anchors copies into the notes of its
    plan. `stems` are the groups of tracks that the song contains. `vocal_level_db`, -24 to 12, raises the lead line
    above the engine's own mix. `language` is the language of the lyrics, a lower-case code such as "zh", or `None` to
    detect it. `task` is `None` for a new song. `negative_prompt` is the style to avoid, "" for none; `time_signature`
    has the form "3/4", `None` if the engine chooses it. `reference_audio` is a recording whose timbre the song
    imitates, b"" for none. `options` are those of the engine; `None` means their defaults.
    """

    prompt: str
    lyrics: str
    seed: int
    duration_seconds: float | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    key: str | None = None
    tempo_bpm: float | None = None
    anchor: tuple[AnchorNote, ...] = ()
    anchor_tempo_bpm: float | None = None
    anchor_remarks: tuple[str, ...] = ()
    stems: frozenset[Stem] = ALL_STEMS
    voice: Voice | None = None
    vocal_level_db: float = 0.0
    language: str | None = None
    task: Task | None = None
    options: EngineOptions | None = None
    negative_prompt: str = ""
    time_signature: str | None = None
    reference_audio: bytes = field(default=b"", repr=False)

    @property
    def has_recording(self) -> bool:
        """True if the request has a recording from which the song starts or whose timbre it imitates."""
        return hasattr(self.task, "audio") or bool(self.reference_audio)


@dataclass(frozen=True, slots=True)
class Violation:
    """An error in one field of a request; `field` is its name in music.proto."""

    field: str
    description: str


class InvalidParams(ValueError):
    """Error for invalid parameters of a request; `violations` has the fields and reasons."""

    def __init__(self, *violations: Violation) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations

    def __reduce__(self) -> tuple[type["InvalidParams"], tuple[Violation, ...]]:
        return (type(self), self.violations)


@dataclass(frozen=True, slots=True)
class Syllable:
    """A syllable of the lyrics: its text as written, its reading, its lexical and its sung tone.

    The reading is pinyin without tone; in other languages ARPAbet phonemes separated by spaces ("l ah v"). If a text
    such as "23" has fewer characters than syllables, the additional syllables have an empty text. `tone` is the word's
    lexical tone in the dictionary: 1 to 5 for Mandarin (5 is neutral), 0 for languages without tones. `sung_tone`, of
    the same values, is the tone after tone sandhi. `starts_word` is True if a space precedes the text when shown (Latin
    words).
    """

    text: str
    reading: str
    tone: int = 0
    sung_tone: int = 0
    starts_word: bool = False


@dataclass(frozen=True, slots=True)
class LyricLine:
    """One line of lyrics as written, its syllables in order, and the voices that sing the line; if `voices` is empty,
    the song's voice sings it.
    """

    text: str
    syllables: tuple[Syllable, ...]
    voices: tuple[Voice, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """The plan of a section that is not yet generated; `start_seconds` counts from the start of the song."""

    index: int
    kind: SectionKind
    label: str
    start_seconds: float
    duration_seconds: float
    bars: int | None = None
    lines: tuple[LyricLine, ...] = ()


@dataclass(frozen=True, slots=True)
class SongPlan:
    """The plan of a song that is not yet generated. Only the engine that created the plan reads `detail`.

    `steps` are the denoising steps of each section, `None` for an engine that does not denoise. `notes` are remarks for
    the caller about the interpretation of the request. `voice` is the singing voice, `None` for an instrumental. The
    durations of song and sections are upper bounds if `engine_samples` is `None`. `engine_samples` is the length of the
    song in samples per channel, at the engine's sample rate; `None` if the engine knows it only after the sound is
    generated.
    """

    engine: str
    seed: int
    steps: int | None
    guidance_scale: float
    duration_seconds: float
    sections: tuple[SectionPlan, ...]
    key: str | None = None
    tempo_bpm: float | None = None
    notes: tuple[str, ...] = ()
    voice: Voice | None = None
    engine_samples: int | None = None
    detail: object = field(default=None, repr=False, compare=False)

    @property
    def denoising_steps(self) -> int:
        """Number of denoising steps of each section; only valid for an engine that denoises."""
        assert self.steps is not None, "the plan of an engine that does not denoise has no denoising steps"
        return self.steps


@dataclass(frozen=True, slots=True)
class SyllableTiming:
    """Start and end of one sung syllable, in seconds from the start of the song; `line` and `syllable` are indices into
    the lines of the section's plan.
    """

    line: int
    syllable: int
    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord symbol ("F#m", "Am7") with its start and end in seconds from the start of the song."""

    symbol: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class SectionScore:
    """Score of a section: the times of syllables and chords, and a standard MIDI file if the engine makes one."""

    timings: tuple[SyllableTiming, ...] = ()
    midi: bytes = b""
    chords: tuple[ChordSpan, ...] = ()
