"""What crosses the border between the server and a worker process: commands one way, one reply to each the other way.

A command is one small unit of work, so that whatever is decided between two commands (a cancel, a more urgent song)
takes effect within one denoising step or one window.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np

from model.engine import EngineInfo, SectionScore, SongParams, SongPlan, Violation, Window


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """An engine to load: its name, and "module:Class" where it is not one of the registry's own engines."""

    name: str
    factory: str = ""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a worker process is started with; `threads` 0 leaves the number of compute threads to the libraries."""

    device: str
    engines: tuple[EngineSpec, ...]
    threads: int = 0


@dataclass(frozen=True, slots=True, order=True)
class SectionKey:
    """Names one section of one song."""

    song_id: str
    index: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Lay out a song. Reply: `Planned` or `Failed`."""

    song_id: str
    engine: str
    params: SongParams


@dataclass(frozen=True, slots=True)
class Begin:
    """Open a section whose predecessor, if any, is finished. Reply: `Begun` or `Failed`."""

    section: SectionKey


@dataclass(frozen=True, slots=True)
class Step:
    """Advance sections of one engine by one denoising step, together. Reply: `Stepped`."""

    sections: tuple[SectionKey, ...]


@dataclass(frozen=True, slots=True)
class Render:
    """Make the next window of a finished section. Reply: `Rendered` or `Failed`."""

    section: SectionKey


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop everything kept for a song, known or not. Reply: `Forgotten`."""

    song_id: str


Command: TypeAlias = Plan | Begin | Step | Render | Forget


class Fault(Enum):
    """Whose fault a failure is."""

    CALLER = "caller"
    INSTALLATION = "installation"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one song, or one engine at loading, failed.

    `text` is a sentence for the caller where the fault is not a bug, and a traceback for the log where it is.
    `violations` is empty unless the fault is the caller's.
    """

    name: str
    fault: Fault
    text: str
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """First message of a worker, unasked: the engines it loaded, and those it could not, by name."""

    engines: tuple[EngineInfo, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """A song's plan, without the engine's own `detail`, and the rate at which its windows will come."""

    song_id: str
    plan: SongPlan
    sample_rate_hertz: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A section is open: the tokens that one of its steps costs, and its steps in all."""

    section: SectionKey
    cost: int
    steps: int


@dataclass(frozen=True, slots=True)
class SectionStep:
    """A section has done `step` of `steps`; `score` is there exactly when it is finished."""

    section: SectionKey
    step: int
    steps: int
    score: SectionScore | None


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one step did to every section of its batch, and the songs that it failed; device seconds of it all."""

    sections: tuple[SectionStep, ...]
    failures: tuple[Failure, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Rendered:
    """One window as float32 PCM bytes, channel after channel, and the device seconds that it took.

    The message that follows a section's last window has no samples and says `last`: only the attempt to go on tells
    an engine's iterator that it is at its end, and no window should wait for that.
    """

    section: SectionKey
    pcm: bytes
    samples: int
    sample_rate_hertz: int
    last: bool
    seconds: float

    @property
    def window(self) -> Window:
        """The sound, shape [channels, samples]; a view of `pcm`."""
        return np.frombuffer(self.pcm, dtype=np.float32).reshape(-1, max(self.samples, 1))

    @property
    def sound_seconds(self) -> float:
        """Length of the window in seconds of the song."""
        return self.samples / self.sample_rate_hertz


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Nothing is kept for the song any more."""

    song_id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The command failed its song."""

    failure: Failure


Reply: TypeAlias = Planned | Begun | Stepped | Rendered | Forgotten | Failed
