"""One attempt at a song: the sections that it has prepared, denoised and rendered so far."""

from dataclasses import dataclass, field

from server.scheduling.capacity.window_pace import WINDOWS
from server.workers.messages import Prepared, SectionKey, SongKey


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A section boundary: the section that comes next, and the engine's saved state at the end of the one before."""

    section: int = 0
    saved: bytes = b""


@dataclass(slots=True)
class Attempt:
    """The progress of one attempt, which goes on from `resume_point`. After a failure `next_attempt` replaces it.

    `denoising` and `step` are the section and its next step; steps in flight count as done. `rendering` is the section
    that is rendered; it has `windows` windows with `section_seconds` of sound so far. `finished` holds what was given
    out with the last steps of the sections from `rendering` on, in this attempt or before. `sections` is 0 until a
    first plan of the song is known.
    """

    key: SongKey
    resume_point: ResumePoint = ResumePoint()
    sections: int = 0
    finished: tuple[bytes, ...] = ()
    planned: bool = False
    prepared: dict[int, Prepared] = field(default_factory=dict)
    denoising: int = field(init=False)
    step: int = 0
    rendering: int = field(init=False)
    windows: int = 0
    section_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.rendering = self.resume_point.section
        self.denoising = self.denoised

    @property
    def window_group(self) -> int:
        """The first window of the group that is rendered: a command makes several of it, or each alone."""
        return self.windows // WINDOWS * WINDOWS

    @property
    def rendered(self) -> bool:
        """True when every section of the song is rendered."""
        return self.rendering == self.sections

    @property
    def denoised(self) -> int:
        """The number of sections whose last step was answered, rendered ones included."""
        return self.rendering + len(self.finished)

    @property
    def open(self) -> int:
        """The number of sections between their first step and their last window."""
        return self.denoising - self.rendering + (self.step > 0)

    @property
    def held_bytes(self) -> int:
        """Memory that the sections hold which are prepared and whose last step was not answered yet."""
        return sum(one.memory_bytes for index, one in self.prepared.items() if index >= self.denoised)

    @property
    def step_cost(self) -> int:
        """Tokens of a step of the section that is denoised; 0 while it is not prepared."""
        due = self.prepared.get(self.denoising)
        return due.cost if due else 0

    def next_attempt(self) -> "Attempt":
        """Returns the attempt that follows this one, at the last section boundary; what is denoised stays so."""
        key = SongKey(self.key.song_id, self.key.attempt + 1)
        return Attempt(key, self.resume_point, self.sections, self.finished)

    def whole_attempt(self) -> "Attempt":
        """Returns the attempt that follows this one where all sound is lost: it begins with the first section."""
        return Attempt(SongKey(self.key.song_id, self.key.attempt + 1), sections=self.sections)

    def section(self, index: int) -> SectionKey:
        """Names a section of this attempt."""
        return SectionKey(self.key, index)

    def due_section(self) -> SectionKey:
        """Names the section whose step is due."""
        return SectionKey(self.key, self.denoising)

    def to_prepare(self, ahead: int) -> int | None:
        """The section to be prepared, `ahead` sections behind the one being denoised; no further than the next one."""
        index = self.denoising + ahead
        missing = self.planned and index < self.sections and index not in self.prepared
        return index if missing and index <= self.rendering + 1 else None

    def can_render(self) -> bool:
        """True if a section is denoised and not rendered."""
        return self.planned and self.rendering < self.denoised

    def can_denoise(self, *, ahead: int) -> bool:
        """True if a section may take a step, at most `ahead` sections after the one being rendered."""
        return self.planned and self.denoising <= self.rendering + ahead and self.denoising in self.prepared

    @property
    def steps_left(self) -> int:
        """Steps of the section that is denoised, which is prepared."""
        return self.prepared[self.denoising].steps - self.step

    def issue_steps(self, steps: int) -> None:
        """Take steps that are due for done: what comes next may be decided while they are on their way."""
        self.step += steps
        if self.step >= self.prepared[self.denoising].steps:
            self.denoising, self.step = self.denoising + 1, 0

    def plan(self, sections: int) -> None:
        """Notes that the plan is made and has `sections` sections."""
        self.sections, self.planned = sections, True

    def finish_steps(self, finished: bytes) -> None:
        """Notes the answer to a section's last step, and what was given out with it."""
        self.finished += (finished,)

    def add_windows(self, windows: int, seconds: float) -> None:
        """Notes more rendered windows, which have `seconds` of sound."""
        self.windows += windows
        self.section_seconds += seconds

    def finish_section(self, saved: bytes) -> None:
        """Note that a section is rendered to its end: from here another attempt would go on."""
        self.prepared.pop(self.rendering, None)
        self.rendering += 1
        self.finished = self.finished[1:]
        self.resume_point = ResumePoint(self.rendering, saved)
        self.windows, self.section_seconds = 0, 0.0
