"""The contract between the service and a model family, and the values that cross it.

A song is planned into sections; a section is denoised step by step, together with sections of other songs, and then
rendered window by window. Nothing here knows about transport, metrics, clocks or the environment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Window: TypeAlias = NDArray[np.float32]
"""A piece of a section's sound: float32 PCM, shape [channels, samples], at the engine's sample rate."""


class SectionKind(StrEnum):
    """What a section is in the form of its song; `SONG` is all of it, where an engine makes it at once."""

    SONG = "song"
    INTRO = "intro"
    VERSE = "verse"
    PRE_CHORUS = "pre-chorus"
    CHORUS = "chorus"
    BRIDGE = "bridge"
    INST = "inst"
    OUTRO = "outro"


SECTION_TAGS = tuple(kind for kind in SectionKind if kind is not SectionKind.SONG)
"""The kinds that a tag in lyrics can name."""


class Stem(StrEnum):
    """One audible group of tracks that a caller may switch on or off."""

    VOCAL = "vocal"
    HARMONY = "harmony"
    DRUMS = "drums"
    BASS = "bass"
    ORNAMENTS = "ornaments"


ALL_STEMS = frozenset(Stem)


class Voice(StrEnum):
    """Who sings."""

    FEMALE = "female"
    MALE = "male"


class Control(StrEnum):
    """A request field beyond prompt, lyrics, duration and seed that an engine may honour."""

    STEPS = "steps"
    GUIDANCE_SCALE = "guidance_scale"
    KEY = "key"
    TEMPO = "tempo_bpm"
    ANCHOR = "anchor"
    STEMS = "stems"
    VOICE = "voice"
    VOCAL_LEVEL = "vocal_level_db"
    LANGUAGE = "language"
    MODE = "mode"
    SCHEDULER = "scheduler"
    OMEGA = "omega"
    LORA = "lora"
    AUDIO_TO_AUDIO = "audio_to_audio"
    RETAKE = "retake"
    REPAINT = "repaint"
    EXTEND = "extend"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class AnchorNote:
    """One note of the caller's melody: MIDI pitch (`None` is a rest) and length in beats (quarter notes)."""

    pitch: int | None
    length_beats: float


class Mode(StrEnum):
    """Whether a song is denoised at once or section by section."""

    WHOLE = "whole"
    SECTIONED = "sectioned"


class Scheduler(StrEnum):
    """The solver that takes noise to a song."""

    EULER = "euler"
    HEUN = "heun"
    PINGPONG = "pingpong"


@dataclass(frozen=True, slots=True)
class AudioToAudio:
    """A new song in the manner of a recording; `strength`, 0 to 1, is how much of it stays."""

    audio: bytes = field(repr=False)
    strength: float = 0.5


@dataclass(frozen=True, slots=True)
class Retake:
    """The song of the request's own seed once more, `variance`, 0 to 1, away from it."""

    seed: int | None = None
    variance: float = 0.5


@dataclass(frozen=True, slots=True)
class Repaint:
    """A recording of which only what lies between two times is made anew, `variance`, 0 to 1, away from what was."""

    audio: bytes = field(repr=False)
    start_seconds: float
    end_seconds: float
    variance: float = 0.5
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Extend:
    """A recording that begins earlier, ends later, or both."""

    audio: bytes = field(repr=False)
    left_seconds: float = 0.0
    right_seconds: float = 0.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """A recording with other words or in another style: `prompt` and `lyrics` are those wanted.

    The request's own prompt and lyrics say what the recording is. `start` and `end`, 0 to 1, are shares of the steps
    between which the song is moved over; what comes after `end` is made freely. `averages` noises are used a step.
    """

    audio: bytes = field(repr=False)
    prompt: str
    lyrics: str
    start: float = 0.0
    end: float = 1.0
    averages: int = 1
    seed: int | None = None


Task: TypeAlias = AudioToAudio | Retake | Repaint | Extend | Edit
"""What to make where it is not simply a new song. A seed that is `None` follows from the song's own."""


@dataclass(frozen=True, slots=True)
class SongParams:
    """What the caller decides about a song, checked for type and range but not yet against an engine.

    `duration_seconds` `None` lets the engine decide from the lyrics; `steps`, `guidance_scale`, `key`, `tempo_bpm`
    and `voice` `None` mean the engine's own choice. `key` reads like "C major", "F# minor".
    `vocal_level_db`, -24 to 12, raises the lead line above the engine's own mix. `language` is that of the lyrics, a
    lower-case code such as "zh", and `None` to be found out; `mode`, `scheduler` and `omega` `None` are the engine's
    choice; `lora` names an adapter that the engine was started with; `task` `None` is a new song.
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
    stems: frozenset[Stem] = ALL_STEMS
    voice: Voice | None = None
    vocal_level_db: float = 0.0
    language: str | None = None
    mode: Mode | None = None
    scheduler: Scheduler | None = None
    omega: float | None = None
    lora: str | None = None
    lora_weight: float = 1.0
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one request field; `field` is its name in the public contract."""

    field: str
    description: str


class InvalidParams(ValueError):
    """The caller's parameters cannot be planned; `violations` says which fields and why."""

    def __init__(self, *violations: Violation) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations

    def __reduce__(self) -> tuple[type["InvalidParams"], tuple[Violation, ...]]:
        return (type(self), self.violations)


class EngineUnavailable(RuntimeError):
    """The engine cannot work here (files, packages or a device are missing); the text says what to do."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine is and what it accepts; ranges are inclusive. One without `voices` takes no wish for one."""

    name: str
    description: str
    languages: tuple[str, ...]
    sample_rate_hertz: int
    duration_seconds: tuple[float, float]
    steps: tuple[int, int]
    default_steps: int
    guidance_scale: tuple[float, float]
    default_guidance_scale: float
    controls: frozenset[Control]
    stems: frozenset[Stem]
    voices: frozenset[Voice] = frozenset()
    loras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Syllable:
    """One sung unit: its text as written, its reading, its lexical tone.

    The reading is pinyin without tone; in other languages ARPAbet sounds divided by spaces ("l ah v").
    The text is empty where what is written stands for more syllables than it has signs ("23").
    `tone` is 1 to 5 for Mandarin (5 is neutral), 0 where the language has none. `starts_word` is True where the text
    of the line should be preceded by a space when shown (Latin words).
    """

    text: str
    reading: str
    tone: int = 0
    starts_word: bool = False


@dataclass(frozen=True, slots=True)
class LyricLine:
    """One line of lyrics as written, and its syllables in order."""

    text: str
    syllables: tuple[Syllable, ...]


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """One section before any sound exists; start and duration in seconds of the song."""

    index: int
    kind: SectionKind
    label: str
    start_seconds: float
    duration_seconds: float
    bars: int | None = None
    lines: tuple[LyricLine, ...] = ()


@dataclass(frozen=True, slots=True)
class SongPlan:
    """A whole song before any sound exists. `detail` belongs to the engine that made it and to nobody else.

    `notes` are remarks for the caller about what was understood or left out. `voice` sings the song; `None`: nobody.
    """

    engine: str
    seed: int
    steps: int
    guidance_scale: float
    duration_seconds: float
    sections: tuple[SectionPlan, ...]
    key: str | None = None
    tempo_bpm: float | None = None
    notes: tuple[str, ...] = ()
    voice: Voice | None = None
    detail: object = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class SyllableTiming:
    """When one syllable is heard, in seconds of the song; `line` and `syllable` index the section's plan."""

    line: int
    syllable: int
    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord as a lead sheet names it ("F#m", "Am7"), from when to when in seconds of the song."""

    symbol: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class SectionScore:
    """What was written for a section: syllable times, chords, and a standard MIDI file where there is one."""

    timings: tuple[SyllableTiming, ...] = ()
    midi: bytes = b""
    chords: tuple[ChordSpan, ...] = ()


class SectionConditions(Protocol):
    """What a section is denoised under, encoded before it is begun. Only the engine that made it looks inside."""

    @property
    def cost(self) -> int:
        """Tokens that one step of the section puts on the device, guidance rows included."""

    @property
    def length(self) -> int:
        """Tokens of the section's longest row. Sections of one batch may be padded to the longest among them."""

    @property
    def steps(self) -> int:
        """Denoising steps of the section, at least 1."""

    @property
    def memory_bytes(self) -> int:
        """Device memory that the section holds from `Engine.begin` until it is rendered, about."""

    @property
    def group(self) -> str:
        """Sections of different groups never share a step; an engine that can mix everything has one group."""


class SectionState(Protocol):
    """A section being denoised. Only the engine that began it looks inside."""

    @property
    def step(self) -> int:
        """Steps already done."""

    @property
    def steps(self) -> int:
        """Steps in all; the section is written when `step == steps`."""


class SectionContext(Protocol):
    """What a finished section hands to the next one. Only the engine that made it looks inside."""


class Engine(Protocol):
    """A model family on one device.

    Two threads may call, each one call at a time: one prepares and renders (`plan`, `prepare`, `score`, `render`,
    `save`, `restore`) while the other denoises (`begin`, `denoise`, `context`). Calls about one section never overlap,
    except that the next section may be begun and denoised while the finished one is rendered.
    """

    def info(self) -> EngineInfo:
        """What this engine is and accepts."""

    def plan(self, params: SongParams) -> SongPlan:
        """Lay out the song: cheap, pure, and the same for the same parameters.

        Raises:
            InvalidParams: the lyrics or controls cannot be made into a song.
        """

    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Encode what section `index` is denoised under. Needs nothing of the sections before it."""

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> SectionState:
        """Open section `index` and draw its noise from the section's own seed.

        `conditions` are those of `prepare`. `context` is that of section `index - 1`, and `None` only for the first.
        """

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance every state by one step in one forward pass, whatever their lengths and steps so far.

        A state's result does not depend on its neighbours in the batch. One that raises has advanced no state, or
        says so by `SectionState.step`.

        Raises:
            MemoryError: the device has no memory for a batch of this size (torch's own error counts as one).
        """

    def context(self, state: SectionState) -> SectionContext:
        """What the section after this finished one needs to know."""

    def score(self, state: SectionState) -> SectionScore:
        """Syllable times and notation of a finished state."""

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the finished section's sound, window by window, adding up to exactly its planned samples.

        The sections of a song are rendered in order, each to its end before the next one starts: what still rings
        at the end of a section is heard in the next.
        """

    def save(self, state: SectionState) -> bytes:
        """The context of a section that was rendered to its end, for a process that has never seen the song."""

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        """The context of section `index` from what `save` gave out: the song goes on as if it had never stopped.

        `plan` is made anew from the same parameters. `saved` comes from this program alone and is trusted.
        """
