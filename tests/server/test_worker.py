import threading
from collections.abc import Sequence
from multiprocessing import Pipe

import numpy as np
import pytest

from model.engine import SectionState, Window
from server.messages import (
    Begin,
    Begun,
    EngineSpec,
    Failed,
    Fault,
    Forget,
    Forgotten,
    Plan,
    Planned,
    Render,
    Rendered,
    Reply,
    SectionKey,
    Step,
    Stepped,
)
from server.worker import Workbench, answer, load_engines
from tests.fakes import FAKE, MISSING, RATE_HERTZ, SECTION_COST, SECTION_SECONDS, FakeEngine, params


def workbench(engine: FakeEngine | None = None) -> Workbench:
    return Workbench({"fake": engine or FakeEngine()})


def plan(bench: Workbench, song_id: str, prompt: str = "", **changes: object) -> Reply:
    return bench.handle(Plan(song_id, "fake", params(prompt, **changes)))


def opened(bench: Workbench, song_id: str, prompt: str = "", **changes: object) -> SectionKey:
    plan(bench, song_id, prompt, **changes)
    bench.handle(Begin(SectionKey(song_id, 0)))
    return SectionKey(song_id, 0)


def stepped(bench: Workbench, *sections: SectionKey) -> Stepped:
    reply = bench.handle(Step(sections))
    assert isinstance(reply, Stepped)
    return reply


def sound(bench: Workbench, section: SectionKey) -> Window:
    windows: list[Window] = []
    while True:
        reply = bench.handle(Render(section))
        assert isinstance(reply, Rendered)
        if reply.last:
            return np.concatenate(windows, axis=1)
        windows.append(reply.window)


def test_a_plan_comes_back_without_the_engines_detail() -> None:
    reply = plan(workbench(), "a")
    assert isinstance(reply, Planned)
    assert (len(reply.plan.sections), reply.plan.detail, reply.sample_rate_hertz) == (2, None, RATE_HERTZ)


def test_a_section_goes_through_begin_steps_and_windows() -> None:
    bench = workbench()
    plan(bench, "a", steps=2)
    section = SectionKey("a", 0)
    assert bench.handle(Begin(section)) == Begun(section, SECTION_COST, 2)
    first, second = (stepped(bench, section).sections[0] for _ in range(2))
    assert (first.step, first.score) == (1, None)
    assert second.step == 2
    assert second.score is not None
    assert sound(bench, section).shape == (2, SECTION_SECONDS * RATE_HERTZ)


def test_a_later_section_begins_with_the_context_of_the_one_before() -> None:
    sounds = []
    for steps_before in (1, 3):
        bench = workbench()
        section = opened(bench, "a", steps=steps_before)
        for _ in range(steps_before):
            stepped(bench, section)
        bench.handle(Begin(SectionKey("a", 1)))
        for _ in range(steps_before):
            stepped(bench, SectionKey("a", 1))
        sounds.append(sound(bench, SectionKey("a", 1)))
    assert not np.allclose(sounds[0], sounds[1])


def test_impossible_parameters_are_the_callers_fault() -> None:
    reply = plan(workbench(), "a", "invalid")
    assert isinstance(reply, Failed)
    assert (reply.failure.name, reply.failure.fault) == ("a", Fault.CALLER)
    assert [violation.field for violation in reply.failure.violations] == ["lyrics"]


def test_missing_files_are_told_with_what_to_do() -> None:
    reply = plan(workbench(), "a", "missing files")
    assert isinstance(reply, Failed)
    assert (reply.failure.fault, reply.failure.text) == (Fault.INSTALLATION, "run `make voice`")


def test_a_poisoned_section_costs_its_neighbours_nothing() -> None:
    bench = workbench()
    sections = [opened(bench, song_id, prompt) for song_id, prompt in [("a", ""), ("b", "poison"), ("c", "")]]
    reply = stepped(bench, *sections)
    assert [(step.section.song_id, step.step) for step in reply.sections] == [("a", 1), ("c", 1)]
    assert [(failure.name, failure.fault) for failure in reply.failures] == [("b", Fault.BUG)]
    assert "a secret of ours" in reply.failures[0].text


def test_sections_that_advanced_before_the_batch_broke_do_not_step_twice() -> None:
    class BreaksHalfway(FakeEngine):
        def denoise(self, states: Sequence[SectionState]) -> None:
            for state in states:
                super().denoise([state])

    bench = workbench(BreaksHalfway())
    sections = [opened(bench, "a"), opened(bench, "b", "poison"), opened(bench, "c")]
    assert [step.step for step in stepped(bench, *sections).sections] == [1, 1]


def test_an_engine_that_fails_to_begin_fails_the_song_alone() -> None:
    reply = workbench().handle(Begin(SectionKey("nobody", 0)))
    assert isinstance(reply, Failed)
    assert reply.failure.fault is Fault.BUG


def test_a_forgotten_song_is_gone() -> None:
    bench = workbench()
    section = opened(bench, "a")
    assert bench.handle(Forget("a")) == Forgotten("a")
    with pytest.raises(RuntimeError, match="not open"):
        bench.handle(Step((section,)))


def test_an_engine_that_cannot_be_loaded_leaves_the_others_alone() -> None:
    engines, failures = load_engines([MISSING, FAKE, EngineSpec("broken", "tests.fakes:NoSuchEngine")], "cpu")
    assert list(engines) == ["fake"]
    assert [(failure.name, failure.fault) for failure in failures] == [
        ("missing", Fault.INSTALLATION),
        ("broken", Fault.BUG),
    ]


def test_the_loop_ends_with_the_other_end_of_the_pipe() -> None:
    near, far = Pipe()
    ended = threading.Event()

    def loop() -> None:
        with pytest.raises(EOFError), far:
            answer(far, workbench())
        ended.set()

    thread = threading.Thread(target=loop)
    thread.start()
    near.send(Forget("a"))
    assert near.recv() == Forgotten("a")
    near.close()
    thread.join()
    assert ended.is_set()
