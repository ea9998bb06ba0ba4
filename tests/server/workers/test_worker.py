import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import closing

import numpy as np
import pytest

from model.engine import SectionState
from model.song import Window
from server.workers.messages import (
    Done,
    EngineSpec,
    Failed,
    Fault,
    Forget,
    Ping,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SongKey,
    Step,
    Stepped,
)
from server.workers.pipe import PipeClosed, ServerEnd, WorkerEnd
from server.workers.worker import Workbench, answer, load_engines
from tests.support.fakes import FAKE, MISSING, RATE_HERTZ, SECTION_COST, SECTION_SECONDS, FakeEngine, params

SONG = SongKey("a")


def workbench(engine: FakeEngine | None = None) -> Workbench:
    return Workbench({"fake": engine or FakeEngine()}, clock=lambda: 0.0)


def plan(bench: Workbench, song: SongKey = SONG, prompt: str = "", **changes: object) -> Reply:
    return bench.handle(Plan(song, "fake", params(prompt, **changes)))


def prepared(bench: Workbench, song_id: str, prompt: str = "", **changes: object) -> SectionKey:
    section = SectionKey(SongKey(song_id), 0)
    plan(bench, section.song, prompt, **changes)
    bench.handle(Prepare(section))
    return section


def stepped(bench: Workbench, *sections: SectionKey) -> Stepped:
    reply = bench.handle(Step(sections))
    assert isinstance(reply, Stepped)
    return reply


def denoised(bench: Workbench, song: SongKey, index: int, steps: int) -> SectionKey:
    section = SectionKey(song, index)
    bench.handle(Prepare(section))
    for _ in range(steps):
        stepped(bench, section)
    return section


def rendered(bench: Workbench, section: SectionKey) -> list[Rendered]:
    replies: list[Rendered] = []
    while not replies or not replies[-1].last:
        reply = bench.handle(Render(section))
        assert isinstance(reply, Rendered)
        replies.append(reply)
    return replies


def sound(bench: Workbench, section: SectionKey) -> Window:
    return np.concatenate([reply.window for reply in rendered(bench, section) if reply.samples], axis=1)


class SmallDevice(FakeEngine):
    """Has memory for three sections."""

    def denoise(self, states: Sequence[SectionState]) -> None:
        if len(states) > 3:
            raise MemoryError("no room")
        super().denoise(states)


def test_a_plan_comes_back_without_the_engines_detail() -> None:
    reply = plan(workbench())
    assert isinstance(reply, Planned)
    assert (len(reply.plan.sections), reply.plan.detail, reply.sample_rate_hertz) == (2, None, RATE_HERTZ)


def test_a_section_is_prepared_opened_by_its_first_step_and_rendered() -> None:
    bench = workbench()
    plan(bench, steps=2)
    section = SectionKey(SONG, 0)
    assert bench.handle(Prepare(section)) == Prepared(section, SECTION_COST, SECTION_COST, 2, 1000, "", 0.0)
    assert [stepped(bench, section).sections[0].step for _ in range(2)] == [1, 2]
    replies = rendered(bench, section)
    assert [reply.score is not None for reply in replies[:2]] == [True, False]
    assert sum(reply.samples for reply in replies) == SECTION_SECONDS * RATE_HERTZ


def test_a_later_section_begins_with_the_context_of_the_one_before() -> None:
    sounds = []
    for steps_before in (1, 3):
        bench = workbench()
        plan(bench, steps=steps_before)
        denoised(bench, SONG, 0, steps_before)
        sounds.append(sound(bench, denoised(bench, SONG, 1, steps_before)))
    assert not np.allclose(sounds[0], sounds[1])


def test_a_song_goes_on_elsewhere_from_what_was_saved() -> None:
    bench = workbench()
    plan(bench)
    saved = rendered(bench, denoised(bench, SONG, 0, 4))[-1].saved
    expected = rendered(bench, denoised(bench, SONG, 1, 4))
    again, other = SongKey("a", 1), workbench()
    other.handle(Plan(again, "fake", params(), 1, saved))
    resumed = rendered(other, denoised(other, again, 1, 4))
    assert [reply.pcm for reply in resumed] == [reply.pcm for reply in expected]
    assert expected[-1].saved == b""


def test_a_batch_that_does_not_fit_into_memory_is_halved_until_it_does() -> None:
    bench = workbench(SmallDevice())
    sections = [prepared(bench, song_id) for song_id in "abcdefgh"]
    reply = stepped(bench, *sections)
    assert [step.step for step in reply.sections] == [1] * 8
    assert (reply.failures, reply.fits, reply.tokens) == ((), 2, 8 * SECTION_COST)
    assert stepped(bench, *sections[:3]).fits is None


def test_a_section_that_does_not_even_fit_alone_says_so() -> None:
    class NoMemory(FakeEngine):
        def denoise(self, states: Sequence[SectionState]) -> None:
            raise MemoryError("no room")

    bench = workbench(NoMemory())
    reply = stepped(bench, prepared(bench, "a"))
    assert [failed.failure.fault for failed in reply.failures] == [Fault.MEMORY]
    assert reply.fits == 0


def test_impossible_parameters_are_the_callers_fault() -> None:
    reply = plan(workbench(), prompt="invalid")
    assert isinstance(reply, Failed)
    assert (reply.song, reply.failure.fault) == (SONG, Fault.CALLER)
    assert [violation.field for violation in reply.failure.violations] == ["lyrics"]


def test_missing_files_are_told_with_what_to_do() -> None:
    reply = plan(workbench(), prompt="missing files")
    assert isinstance(reply, Failed)
    assert (reply.failure.fault, reply.failure.text) == (Fault.INSTALLATION, "run `make voice`")


def test_a_poisoned_section_costs_its_neighbours_nothing() -> None:
    bench = workbench()
    sections = [prepared(bench, song_id, prompt) for song_id, prompt in [("a", ""), ("b", "poison"), ("c", "")]]
    reply = stepped(bench, *sections)
    assert [(step.section.song.song_id, step.step) for step in reply.sections] == [("a", 1), ("c", 1)]
    assert [(failed.song.song_id, failed.failure.fault) for failed in reply.failures] == [("b", Fault.BUG)]
    assert "a secret of ours" in reply.failures[0].failure.text


def test_sections_that_advanced_before_the_batch_broke_do_not_step_twice() -> None:
    class BreaksHalfway(FakeEngine):
        def denoise(self, states: Sequence[SectionState]) -> None:
            for state in states:
                super().denoise([state])

    bench = workbench(BreaksHalfway())
    sections = [prepared(bench, "a"), prepared(bench, "b", "poison"), prepared(bench, "c")]
    assert [step.step for step in stepped(bench, *sections).sections] == [1, 1]


def test_an_engine_that_fails_to_begin_fails_that_song_alone() -> None:
    bench = workbench()
    reply = stepped(bench, SectionKey(SongKey("nobody"), 0), prepared(bench, "a"))
    assert [step.section.song.song_id for step in reply.sections] == ["a"]
    assert [failed.song.song_id for failed in reply.failures] == ["nobody"]


def test_a_forgotten_song_is_gone() -> None:
    bench = workbench()
    section = prepared(bench, "a")
    assert bench.handle(Forget(SONG)) == Done()
    assert [failed.song for failed in stepped(bench, section).failures] == [SONG]


def test_an_engine_that_cannot_be_loaded_leaves_the_others_alone() -> None:
    engines, failures = load_engines([MISSING, FAKE, EngineSpec("broken", "tests.support.fakes:NoSuchEngine")], "cpu")
    assert list(engines) == ["fake"]
    faults = {name: failure.fault for name, failure in failures.items()}
    assert faults == {"missing": Fault.INSTALLATION, "broken": Fault.BUG}


async def test_the_loop_ends_with_the_other_end_of_the_pipe() -> None:
    near, far = socket.socketpair()
    ended = threading.Event()

    def loop() -> None:
        with closing(WorkerEnd(far.detach())) as end, pytest.raises(PipeClosed):
            answer(end, workbench(), threads=1)
        ended.set()

    thread = threading.Thread(target=loop)
    thread.start()
    server = await ServerEnd.open(near)
    assert await server.exchange(Ping()) == Done()
    server.close()
    await asyncio.to_thread(thread.join)
    assert ended.is_set()
