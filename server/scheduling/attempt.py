"""The progress of one attempt at making a song: the sections that are prepared, denoised and rendered so far."""

from dataclasses import dataclass, field, replace

from server.scheduling.capacity.window_pace import WINDOWS
from server.workers.messages import Prepared, SectionKey, SectionStep, SongKey


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A section boundary from which another attempt at a song can continue: index of the next section, and the engine's
    saved state at the end of the section before.
    """

    section: int = 0
    saved: bytes = b""


@dataclass(slots=True)
class Attempt:
    """The progress of one attempt at a song, which starts at `resume_point`. After a failure `next_attempt` gives the
    attempt that replaces it.

    `denoising` is the section being denoised and `step` its next step; steps in flight (sent to the worker, but not
    answered) count as done. `rendering` is the section being rendered, of which `windows` windows (short parts of its
    sound) with `section_seconds` of sound are rendered so far. `finished` has the final states of the sections from
    `rendering` on, from this or earlier attempts. `sections` is 0 until the song is planned. `ended` is the number of
    sections of a song that has ended before its planned length, otherwise `None`.
    """

    key: SongKey
    resume_point: ResumePoint = ResumePoint()
    sections: int = 0
    finished: tuple[bytes, ...] = ()
    ended: int | None = None
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
        """Index of the first window (short part of a section's sound) of the group that is being rendered. Groups have
        `WINDOWS` windows, and a command renders windows of one group only.
        """
        return self.windows // WINDOWS * WINDOWS

    @property
    def rendered(self) -> bool:
        """True when every section of the song is rendered."""
        return self.rendering == self.sections

    @property
    def denoised(self) -> int:
        """The number of sections whose last denoising step is done, including those that are also rendered."""
        return self.rendering + len(self.finished)

    @property
    def open(self) -> int:
        """The number of sections that have begun denoising and are not completely rendered."""
        return self.denoising - self.rendering + (self.step > 0)

    @property
    def held_bytes(self) -> int:
        """Device memory, in bytes, of the sections that are prepared and not completely denoised."""
        return sum(one.memory_bytes for index, one in self.prepared.items() if index >= self.denoised)

    @property
    def step_cost(self) -> int:
        """Number of tokens in one step of the section being denoised; 0 while the section is not prepared."""
        due = self.prepared.get(self.denoising)
        return due.cost if due else 0

    def next_attempt(self) -> "Attempt":
        """Return the attempt at the song that follows this one after a failure. It starts at the last section boundary,
        and reuses denoised sections.
        """
        key = SongKey(self.key.song_id, self.key.attempt + 1)
        return Attempt(key, self.resume_point, self.sections, self.finished, self.ended)

    def whole_attempt(self) -> "Attempt":
        """Return the attempt at the song that follows this one if all sound of the song is lost. It starts with the
        first section.
        """
        return Attempt(SongKey(self.key.song_id, self.key.attempt + 1), sections=self.sections)

    def section(self, index: int) -> SectionKey:
        """Return the key of section `index` in this attempt."""
        return SectionKey(self.key, index)

    def due_section(self) -> SectionKey:
        """Return the key of the section whose denoising step is next."""
        return SectionKey(self.key, self.denoising)

    def to_prepare(self, ahead: int) -> int | None:
        """Return the index of the section to prepare, `ahead` sections after the one being denoised; `None` if there is
        none to prepare.

        A section is prepared at the earliest while the section before it is being rendered.
        """
        index = self.denoising + ahead
        missing = self.planned and index < self.sections and index not in self.prepared
        return index if missing and index <= self.rendering + 1 else None

    def can_render(self) -> bool:
        """Return True if a denoised section of the song is waiting to be rendered."""
        return self.planned and self.rendering < self.denoised

    def can_denoise(self, *, ahead: int) -> bool:
        """Return True if the next section to denoise is prepared, and is at most `ahead` sections after the one being
        rendered.
        """
        due = self.denoising < self.sections and self.denoising in self.prepared
        return self.planned and due and self.denoising <= self.rendering + ahead

    @property
    def steps_left(self) -> int:
        """The number of remaining denoising steps of the section being denoised, which must be prepared."""
        return self.prepared[self.denoising].steps - self.step

    def issue_steps(self, steps: int) -> None:
        """Count the next `steps` denoising steps as done, although the worker has not answered yet, so that the next
        command can be chosen.
        """
        self.step += steps
        if self.step >= self.prepared[self.denoising].steps:
            self.denoising, self.step = self.denoising + 1, 0

    def plan(self, sections: int) -> None:
        """Record that the song has a plan with `sections` sections."""
        self.sections, self.planned = self.ended or sections, True

    def prepare(self, made: Prepared) -> None:
        """Record that a section is prepared. A section after the end of the song is ignored."""
        if made.section.index < self.sections:
            self.prepared[made.section.index] = made

    def stepped(self, step: SectionStep) -> None:
        """Record finished denoising steps of a section. Its batching group may have changed, and its last step may come
        earlier than expected.
        """
        index, known = step.section.index, self.prepared[step.section.index]
        if (known.steps, known.group) != (step.steps, step.group):
            self.prepared[index] = replace(known, steps=step.steps, group=step.group)
        if self.denoising == index and self.step >= step.steps:
            self.denoising, self.step = index + 1, 0
        if step.step < step.steps:
            return
        self.finished += (step.finished,)
        if step.ends_song:
            self._end(index + 1)

    def _end(self, sections: int) -> None:
        """Record that the song ends after `sections` sections; data of later sections are dropped."""
        self.sections = self.ended = sections
        self.denoising, self.step = sections, 0
        self.prepared = {index: made for index, made in self.prepared.items() if index < sections}

    def add_windows(self, windows: int, seconds: float) -> None:
        """Record that `windows` further windows of sound, with `seconds` of sound in total, are rendered."""
        self.windows += windows
        self.section_seconds += seconds

    def finish_section(self, saved: bytes) -> None:
        """Record that the section being rendered is complete. Another attempt at the song would start after this
        section, with the engine's state `saved`.
        """
        self.prepared.pop(self.rendering, None)
        self.rendering += 1
        self.finished = self.finished[1:]
        self.resume_point = ResumePoint(self.rendering, saved)
        self.windows, self.section_seconds = 0, 0.0
