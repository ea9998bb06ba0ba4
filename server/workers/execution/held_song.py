"""Keeps the data of one attempt at a song in a worker: the plan, and the prepared, denoised, restored or rendered
sections.
"""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from model.engine import Engine, SectionConditions, SectionContext, SectionState
from model.song import SongPlan, Window
from server.workers.execution.span_timer import SpanTimer
from server.workers.messages import Plan, SectionKey, SectionStep, SongKey

_SAMPLED = "-01"
"""Last characters of a W3C `traceparent` whose trace is recorded (flag "sampled")."""


@dataclass(slots=True)
class HeldSection:
    """Data of one section between commands. The section's `conditions` (encoded prompt, lyrics ...) are deleted after
    its last denoising step.
    """

    key: SectionKey
    conditions: SectionConditions | None = None
    state: SectionState | None = None
    windows: Iterator[Window] | None = None
    denoising: SpanTimer | None = None
    rendering: SpanTimer | None = None

    @property
    def written(self) -> SectionState:
        """The denoising state of the section; raises RuntimeError if denoising was not started."""
        if self.state is None:
            raise RuntimeError(f"{_named(self.key)} was not denoised. This is a bug: please report it")
        return self.state

    @property
    def cost(self) -> int:
        """Number of tokens that one denoising step of the section processes; 0 once the section is finished."""
        return self.conditions.cost if self.conditions is not None else 0


@dataclass(slots=True)
class HeldSong:
    """Data of one attempt at making a song; a song is attempted again, for example, after its worker has died.
    `context` is the musical context from the section before `start`, the first section to make; `last` is the index of
    the section that ends the song.
    """

    key: SongKey
    engine: Engine
    sample_rate_hertz: int
    plan: SongPlan
    start: int
    context: SectionContext | None
    trace: str = ""
    sections: dict[int, HeldSection] = field(default_factory=dict)
    last: int = field(init=False)

    def __post_init__(self) -> None:
        self.last = len(self.plan.sections) - 1

    @property
    def sampled(self) -> bool:
        """True if work on the song is recorded as trace spans."""
        return self.trace.endswith(_SAMPLED)

    @classmethod
    def planned(cls, command: Plan, engine: Engine) -> "HeldSong":
        """Create the data of an attempt at a song: plan the song, and restore the sections that an earlier attempt has
        finished.
        """
        plan, start = _plan(command, engine), command.index
        context = engine.restore(plan, start - 1, command.saved) if start else None
        song = cls(command.song, engine, engine.info().sample_rate_hertz, plan, start, context, command.trace)
        for index, saved in enumerate(command.finished, start):
            state = engine.restore_section(plan, index, saved, song.context_before(index))
            song.sections[index] = HeldSection(SectionKey(song.key, index), state=state)
            song._note_end(index, state)
        return song

    def context_before(self, index: int) -> SectionContext | None:
        """Return the context that section `index` needs from the section before it; `None` for the first section of the
        song.
        """
        return self.context if index == self.start else self.engine.context(self.sections[index - 1].written)

    def prepare(self, index: int) -> SectionConditions:
        """Encode the conditions (prompt, lyrics ...) of a section and return them. They are not kept if the song has
        ended before the section.
        """
        conditions = self.engine.prepare(self.plan, index)
        if index <= self.last:
            self.sections[index] = HeldSection(SectionKey(self.key, index), conditions)
        return conditions

    def has_ended(self, index: int) -> bool:
        """Return True if section `index` needs no more denoising steps: it is finished, or the song has ended before
        it.
        """
        state = self.sections[index].state if index <= self.last else None
        return index > self.last or (state is not None and state.step >= state.steps)

    def begun(self, index: int) -> HeldSection:
        """Return a prepared section with its denoising state, which is created if necessary."""
        section = self.sections[index]
        if section.state is None:
            if section.conditions is None:
                raise RuntimeError(f"{_named(section.key)} was not prepared. This is a bug: please report it")
            section.state = self.engine.begin(self.plan, index, section.conditions, self.context_before(index))
        return section

    def step_of(self, section: HeldSection) -> SectionStep:
        """Return the progress of a section after a denoising step. After the last step the finished denoising state is
        included, and the section's conditions (encoded prompt, lyrics ...) are deleted.
        """
        state = section.written
        if state.step < state.steps:
            return SectionStep(section.key, state.step, state.steps, group=state.group)
        section.conditions = None
        self._note_end(section.key.index, state)
        saved = self.engine.save_section(state)
        return SectionStep(section.key, state.step, state.steps, saved, state.group, state.ends_song)

    def _note_end(self, index: int, state: SectionState) -> None:
        """If the finished section `index` ends the song early, delete the later sections."""
        if state.ends_song:
            self.last = index
            for number in range(index + 1, len(self.plan.sections)):
                self.sections.pop(number, None)


def _plan(command: Plan, engine: Engine) -> SongPlan:
    """Unpickle the plan that the checking process has made, or let the engine make a plan if there is none."""
    return cast(SongPlan, pickle.loads(command.plan)) if command.plan else engine.plan(command.params)


def _named(key: SectionKey) -> str:
    return f"section {key.index} of the song {key.song.song_id}"
