"""Tests of commands in two lanes (command queues) at the same time, songs of lost workers, and devices that fail."""

import threading
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from model.engine import SectionConditions, SectionState
from model.song import SongPlan, Window
from server.workers.execution.failures import DeviceBroken
from server.workers.messages import Done, Ping, Plan, Prepare, Release, Render, Rendered, SectionKey, SongKey
from tests.server.workers.test_executor import (
    SONG,
    KeptLinks,
    denoised,
    executor_of,
    plan,
    prepared,
    rendered,
    sound,
    stepped,
)
from tests.support.fakes import FakeConditions, FakeEngine, FakeState, params

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"


class Held(FakeEngine):
    """An engine that blocks in the middle of a step or window until a test lets it continue."""

    def __init__(self) -> None:
        self.working, self.let_go = threading.Event(), threading.Event()

    def denoise(self, states: Sequence[SectionState]) -> None:
        self._stand_still()
        super().denoise(states)

    def render(self, state: SectionState) -> Iterator[Window]:
        self._stand_still()
        yield from super().render(state)

    def _stand_still(self) -> None:
        self.working.set()
        assert self.let_go.wait(30.0)


@pytest.mark.parametrize("trace", ["", TRACE + "-00", TRACE + "-01"])
def test_a_step_goes_on_whose_songs_are_forgotten_by_the_other_lane(trace: str) -> None:
    engine = Held()
    executor = executor_of(engine)
    sections = [prepared(executor, song_id, trace=trace, steps=1) for song_id in "ab"]
    with ThreadPoolExecutor(1) as lane:
        step = lane.submit(stepped, executor, *sections)
        assert engine.working.wait(30.0)
        assert executor.handle(Release(SongKey("a"))) == Done()
        engine.let_go.set()
        reply = step.result()
    assert [(done.section, done.step) for done in reply.sections] == [(section, 1) for section in sections]
    sampled = sections if trace.endswith("-01") else []
    assert [span.song for span in reply.spans] == [section.song for section in sampled]
    assert [failed.song for failed in stepped(executor, sections[0]).failures] == [SongKey("a")]


@pytest.mark.parametrize("trace", ["", TRACE + "-01"])
def test_a_window_is_rendered_whose_song_is_forgotten_by_the_other_lane(trace: str) -> None:
    engine = Held()
    engine.let_go.set()
    executor = executor_of(engine)
    section = prepared(executor, "a", trace=trace, steps=1)
    stepped(executor, section)
    engine.working.clear()
    engine.let_go.clear()
    with ThreadPoolExecutor(1) as lane:
        window = lane.submit(executor.handle, Render(section))
        assert engine.working.wait(30.0)
        assert executor.handle(Release(SONG)) == Done()
        engine.let_go.set()
        assert isinstance(window.result(), Rendered)


def test_what_fails_after_a_step_fails_that_song_alone() -> None:
    class CannotSave(FakeEngine):
        def save_section(self, state: SectionState) -> bytes:
            raise ValueError("a bug")

    executor = executor_of(CannotSave())
    short, long = prepared(executor, "a", steps=1), prepared(executor, "b", steps=2)
    reply = stepped(executor, short, long)
    assert [failed.song.song_id for failed in reply.failures] == ["a"]
    assert [step.section for step in reply.sections] == [long]


def test_whatever_else_fails_in_a_step_is_told_of_its_songs() -> None:
    class Unreadable:
        steps = 4

        @property
        def step(self) -> int:
            raise ValueError("a bug")

    class Odd(FakeEngine):
        def begin(self, *_: object) -> Any:
            return Unreadable()

    executor = executor_of(Odd())
    reply = stepped(executor, prepared(executor, "a"), prepared(executor, "b"))
    assert reply.sections == ()
    assert [failed.song.song_id for failed in reply.failures] == ["a", "b"]


def test_what_a_section_was_conditioned_on_is_dropped_after_its_last_step() -> None:
    held: list[weakref.ref[object]] = []

    @dataclass(frozen=True)
    class Caches(FakeConditions):
        """Conditions of a section that a weak reference can observe."""

    class Watched(FakeEngine):
        def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
            made = Caches(plan.denoising_steps)
            held.append(weakref.ref(made))
            return made

    executor = executor_of(Watched())
    section = prepared(executor, "a", steps=2)
    stepped(executor, section)
    assert held[0]() is not None
    stepped(executor, section)
    assert held[0]() is None
    assert rendered(executor, section)[-1].saved


def test_finished_sections_go_on_in_another_process_without_being_denoised_again() -> None:
    links = KeptLinks()
    executor = executor_of(links=links)
    plan(executor, duration_seconds=6.0)
    finished = []
    for index in range(2):
        section = SectionKey(SONG, index)
        executor.handle(Prepare(section))
        steps = [stepped(executor, section).sections[0] for _ in range(4)]
        assert [bool(step.finished) for step in steps] == [False, False, False, True]
        finished.append(steps[-1].finished)
    saved = [rendered(executor, SectionKey(SONG, index))[-1].saved for index in range(2)]
    rendered(executor, denoised(executor, SONG, 2, 4))
    for start in (0, 1):
        again, links_again = SongKey("a", 1 + start), KeptLinks()
        other = executor_of(NoStepsBefore(2), links_again)
        context = saved[0] if start else b""
        other.handle(Plan(again, "fake", params(duration_seconds=6.0), start, context, tuple(finished[start:])))
        for index in range(start, 2):
            rendered(other, SectionKey(again, index))
        rendered(other, denoised(other, again, 2, 4))
        for index in range(start, 3):
            expected = sound(links, SectionKey(SONG, index))
            np.testing.assert_array_equal(sound(links_again, SectionKey(again, index)), expected)


class NoStepsBefore(FakeEngine):
    """An engine that fails the test if it denoises a section whose number is below `index`."""

    def __init__(self, index: int) -> None:
        self._index = index

    def denoise(self, states: Sequence[SectionState]) -> None:
        assert all(isinstance(state, FakeState) and state.index >= self._index for state in states)
        super().denoise(states)


class Checked(FakeEngine):
    """An engine whose check of the device raises a given error, or succeeds."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def check(self) -> None:
        if self._error is not None:
            raise self._error


def test_a_ping_asks_the_engines_for_their_devices() -> None:
    assert executor_of(Checked(None)).handle(Ping()) == Done()
    assert executor_of(Checked(MemoryError("full, and working"))).handle(Ping()) == Done()
    with pytest.raises(DeviceBroken, match="no answer"):
        executor_of(Checked(RuntimeError("no answer"))).handle(Ping())


def test_a_fatal_error_is_the_reply_to_no_command() -> None:
    class Broken(FakeEngine):
        def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
            raise RuntimeError("CUDA error: unspecified launch failure")

    executor = executor_of(Broken())
    plan(executor)
    with pytest.raises(DeviceBroken):
        executor.handle(Prepare(SectionKey(SONG, 0)))
