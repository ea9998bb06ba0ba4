"""Holds one attempt at a song in a worker: its plan, and its sections that are prepared, denoised, restored or
rendered.
"""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from model.engine import Engine, SectionConditions, SectionContext, SectionState
from model.song import SongPlan, Window
from server.workers.messages import Plan, SectionKey, SectionStep, SongKey
from server.workers.span_timer import SpanTimer

_SAMPLED = "-01"
"""End of a `traceparent` whose trace is recorded."""


@dataclass(slots=True)
class HeldSection:
    """State of one section between commands. `conditions` are deleted after the last step."""

    key: SectionKey
    conditions: SectionConditions | None = None
    state: SectionState | None = None
    windows: Iterator[Window] | None = None
    denoising: SpanTimer | None = None
    rendering: SpanTimer | None = None

    @property
    def written(self) -> SectionState:
        """The state of the section, once it is begun or restored."""
        if self.state is None:
            raise RuntimeError("the section was not denoised. This is a bug: please report it")
        return self.state

    @property
    def cost(self) -> int:
        """Number of tokens that one step of the section processes; 0 once it is finished."""
        return self.conditions.cost if self.conditions is not None else 0


@dataclass(slots=True)
class HeldSong:
    """The data of one attempt at a song; `context` is the context of the section before `start`, `last` the section
    that ends the song.
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
        """True if work on the song is reported as trace spans."""
        return self.trace.endswith(_SAMPLED)

    @classmethod
    def planned(cls, command: Plan, engine: Engine) -> "HeldSong":
        """Plan a song, and restore finished sections of an earlier attempt."""
        plan, start = _plan(command, engine), command.index
        context = engine.restore(plan, start - 1, command.saved) if start else None
        song = cls(command.song, engine, engine.info().sample_rate_hertz, plan, start, context, command.trace)
        for index, saved in enumerate(command.finished, start):
            state = engine.restore_section(plan, index, saved, song.context_before(index))
            song.sections[index] = HeldSection(SectionKey(song.key, index), state=state)
            song._note_end(index, state)
        return song

    def context_before(self, index: int) -> SectionContext | None:
        """Return the context of section `index` from the finished section before it."""
        return self.context if index == self.start else self.engine.context(self.sections[index - 1].written)

    def prepare(self, index: int) -> SectionConditions:
        """Encode the conditions of a section and return them. They are not kept if the song has ended before it."""
        conditions = self.engine.prepare(self.plan, index)
        if index <= self.last:
            self.sections[index] = HeldSection(SectionKey(self.key, index), conditions)
        return conditions

    def has_ended(self, index: int) -> bool:
        """Return True if section `index` needs no more steps, because it is finished or the song has ended
        before it.
        """
        state = self.sections[index].state if index <= self.last else None
        return index > self.last or (state is not None and state.step >= state.steps)

    def begun(self, index: int) -> HeldSection:
        """Return a prepared section, and begin it if necessary."""
        section = self.sections[index]
        if section.state is None:
            if section.conditions is None:
                raise RuntimeError("the section was not prepared. This is a bug: please report it")
            section.state = self.engine.begin(self.plan, index, section.conditions, self.context_before(index))
        return section

    def step_of(self, section: HeldSection) -> SectionStep:
        """Return the progress of a section. After its last step the finished state is included, and its conditions are
        deleted.
        """
        state = section.written
        if state.step < state.steps:
            return SectionStep(section.key, state.step, state.steps, group=state.group)
        section.conditions = None
        self._note_end(section.key.index, state)
        saved = self.engine.save_section(state)
        return SectionStep(section.key, state.step, state.steps, saved, state.group, state.ends_song)

    def _note_end(self, index: int, state: SectionState) -> None:
        """Drop the later sections of a song that ends with section `index`."""
        if state.ends_song:
            self.last = index
            for number in range(index + 1, len(self.plan.sections)):
                self.sections.pop(number, None)


def _plan(command: Plan, engine: Engine) -> SongPlan:
    """Return the plan that a checking process of this version has made, or a plan made by the engine now."""
    return cast(SongPlan, pickle.loads(command.plan)) if command.plan else engine.plan(command.params)
