"""Messages between the server and a worker process: commands to the worker, and one reply to each command.

A command is one small unit of work. A decision between two commands (a cancellation, a more urgent song) therefore
takes effect within one denoising step, or within the rendering of one window (the stretch of sound rendered at once).
Messages that occur often in a step are named tuples, which pickle quickly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import NamedTuple, TypeAlias

from model.engine import EngineInfo
from model.song import SongParams, SongPlan, Violation
from server.pickling import crosses_quickly
from server.song import AudioSettings


class Lane(StrEnum):
    """A command queue of a worker, which has its own thread in the worker.

    A GPU has the lanes `DENOISE` and `RENDER`, so that rendering does not delay a denoising step. A CPU has only the
    lane `BOTH`, because two threads would compete for the processor.
    """

    BOTH = "both"
    DENOISE = "denoise"
    RENDER = "render"


class SongKey(NamedTuple):
    """Key of one attempt at making a song, by which late messages about an earlier attempt can be recognised. A song is
    attempted again, for example, after its worker has died.
    """

    song_id: str
    attempt: int = 0


class SectionKey(NamedTuple):
    """Key of one section in one attempt at making a song; `index` counts the song's sections from 0."""

    song: SongKey
    index: int  # type: ignore[assignment]  # hides tuple.index


@dataclass(frozen=True, slots=True)
class SoundTarget:
    """Destination of a song's sound: the Unix socket of an encoder, which encodes the sound with the settings
    `audio`.
    """

    address: str
    audio: AudioSettings


@dataclass(frozen=True, slots=True)
class Plan:
    """Command: plan a song. Reply: `Planned` or `Failed`.

    `plan` is the pickled plan that the checking process has made from the same parameters; if given, the engine does
    not plan again. With `saved`, from the `Rendered` reply at the end of section `index - 1`, the song continues from
    section `index`. `finished` are the states of the following sections that an earlier attempt has denoised, from
    their last `SectionStep`; these sections are rendered without being denoised again. `trace` is the call's span as a
    W3C `traceparent`: log lines contain it, and if it is sampled, work on the song is recorded as spans. The song's
    sound is sent to `sound_to`, or dropped if that is `None`.
    """

    song: SongKey
    engine: str
    params: SongParams
    index: int = 0
    saved: bytes = field(default=b"", repr=False)
    finished: tuple[bytes, ...] = field(default=(), repr=False)
    trace: str = ""
    sound_to: SoundTarget | None = None
    plan: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Prepare:
    """Command: encode the conditions (prompt, lyrics ...) of a section. Reply: `Prepared` or `Failed`."""

    section: SectionKey


@crosses_quickly
@dataclass(frozen=True, slots=True)
class Step:
    """Command: advance sections of one engine by `steps` denoising steps, as one batch. Reply: `Stepped`.

    Every section must be prepared, and the section before it denoised. Sections that have ended early meanwhile are
    left out. Sections of different batching groups are advanced in separate batches.
    """

    sections: tuple[SectionKey, ...]
    steps: int = 1


@crosses_quickly
@dataclass(frozen=True, slots=True)
class Render:
    """Command: render the next `windows` windows (stretches of sound rendered at once) of a denoised section, or fewer
    at its end. Reply: `Rendered` or `Failed`.
    """

    section: SectionKey
    windows: int = 1


@dataclass(frozen=True, slots=True)
class Release:
    """Command: delete all data of one attempt at making a song, if there is any. Reply: `Done`."""

    song: SongKey


@dataclass(frozen=True, slots=True)
class Ping:
    """Command: check that the lane (command queue) responds and that the device works for every engine; if not, the
    worker ends. Reply: `Done`.
    """


Command: TypeAlias = Plan | Prepare | Step | Render | Release | Ping


class Fault(Enum):
    """Cause of a failure: the caller, the installation, lack of memory, or a bug."""

    CALLER = "caller"
    INSTALLATION = "installation"
    MEMORY = "memory"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Failure:
    """Failure of one attempt at a song, or of loading one engine.

    `text` is a traceback for the log if the cause is a bug, otherwise a sentence for the caller. `violations` lists the
    caller's mistakes; it is empty for other causes.
    """

    fault: Fault
    text: str
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """First message of a worker: the engines that it has loaded, the failures of those that it could not load, by name,
    and the requested sound fingerprints (hashes of a test song).
    """

    engines: tuple[EngineInfo, ...]
    failures: Mapping[str, Failure]
    sounds: Mapping[str, str] = field(default_factory=dict)


class WorkSpan(NamedTuple):
    """A trace span of work on a song; start and end are nanoseconds since 1970; `section` is `None` for the planning of
    the song.
    """

    song: SongKey
    section: int | None
    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, str | int | float | tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Planned:
    """Reply: the plan of a song (without the engine's own field `detail`), and the sample rate of the song's sound.
    `seconds` is the time that planning took.
    """

    song: SongKey
    plan: SongPlan
    sample_rate_hertz: int
    seconds: float
    spans: tuple[WorkSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Reply: the conditions of a section are encoded. `cost` is the number of tokens of one denoising step, `length`
    that of the longest batch row, `steps` the number of denoising steps, `group` the batching group; `seconds` is the
    time that encoding took.
    """

    section: SectionKey
    cost: int
    length: int
    steps: int
    memory_bytes: int
    group: str
    seconds: float
    spans: tuple[WorkSpan, ...] = ()


class SectionStep(NamedTuple):
    """Progress of a section: `step` of `steps` denoising steps are done. With the last step, the message has the
    finished state for `Plan.finished`. `group` is the batching group of the next step (sections of one group can share
    a step); `ends_song` is True if the song ends early with this section.
    """

    section: SectionKey
    step: int
    steps: int
    finished: bytes = b""
    group: str = ""
    ends_song: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Reply: one attempt at making a song has failed, with the cause of the failure."""

    song: SongKey
    failure: Failure


@crosses_quickly
@dataclass(frozen=True, slots=True)
class Stepped:
    """Reply: the result of `steps` denoising steps: progress of the batch's sections, failures, and device time in
    seconds.

    `tokens` is the number of tokens of one step of the batch. `fits` is the largest number of sections that fitted into
    memory, if smaller than the batch.
    """

    sections: tuple[SectionStep, ...]
    failures: tuple[Failed, ...]
    seconds: float
    tokens: int = 0
    fits: int | None = None
    spans: tuple[WorkSpan, ...] = ()
    steps: int = 1


class DeviceMemory(NamedTuple):
    """Memory of an accelerator in bytes: used now by all processes, and in total."""

    used_bytes: int
    total_bytes: int


@crosses_quickly
@dataclass(frozen=True, slots=True)
class Rendered:
    """Reply: windows (stretches of sound rendered at once) were rendered and sent to the song's encoder; with their
    number of samples and the device time in seconds.

    `last` is True in the last reply for a section, which comes when the engine's iterator has ended and may have no
    windows. It has the state for `Plan.saved`, unless the song ends with this section (`ends_song`). `memory` is set
    for devices with their own memory.
    """

    section: SectionKey
    samples: int
    sample_rate_hertz: int
    last: bool
    seconds: float
    saved: bytes = field(default=b"", repr=False)
    spans: tuple[WorkSpan, ...] = ()
    windows: int = 1
    memory: DeviceMemory | None = None
    ends_song: bool = False

    @property
    def sound_seconds(self) -> float:
        """Length of the rendered sound in seconds."""
        return self.samples / self.sample_rate_hertz


@dataclass(frozen=True, slots=True)
class Done:
    """Reply: the command was executed. `memory` is set for devices with their own memory."""

    memory: DeviceMemory | None = None


Reply: TypeAlias = Planned | Prepared | Stepped | Rendered | Done | Failed
