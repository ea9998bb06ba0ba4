import pickle
from collections.abc import Sequence

import numpy as np

from model.engine import SectionConditions, SectionState
from model.song import SongPlan, Window
from server.logs import bound_fields
from server.song import AudioSettings
from server.workers.execution.executor import CommandExecutor
from server.workers.messages import (
    Done,
    Failed,
    Fault,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Release,
    Render,
    Rendered,
    Reply,
    SectionKey,
    SongKey,
    SoundTarget,
    Step,
    Stepped,
)
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import OpenSong, Sound
from server.workers.sound.origin import origin_of
from tests.support.fakes import RATE_HERTZ, SECTION_COST, SECTION_SECONDS, FakeEngine, params

SONG = SongKey("a")


class KeptLinks(EncoderLinks):
    """A stand-in for a worker's links to encoders, which records the messages instead of sending them."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[tuple[SoundTarget, OpenSong]] = []
        self.sounds: list[Sound] = []
        self.forgotten: list[SongKey] = []

    def open(self, target: SoundTarget, opened: OpenSong) -> None:
        self.opened.append((target, opened))

    def send(self, sound: Sound) -> None:
        self.sounds.append(sound)

    def release(self, song: SongKey) -> None:
        self.forgotten.append(song)


def executor_of(engine: FakeEngine | None = None, links: EncoderLinks | None = None) -> CommandExecutor:
    return CommandExecutor({"fake": engine or FakeEngine()}, clock=lambda: 0.0, encoders=links)


def plan(
    executor: CommandExecutor, song: SongKey = SONG, prompt: str = "", trace: str = "", **changes: object
) -> Reply:
    return executor.handle(Plan(song, "fake", params(prompt, **changes), trace=trace))


def prepared(
    executor: CommandExecutor, song_id: str, prompt: str = "", trace: str = "", **changes: object
) -> SectionKey:
    section = SectionKey(SongKey(song_id), 0)
    plan(executor, section.song, prompt, trace, **changes)
    executor.handle(Prepare(section))
    return section


def stepped(executor: CommandExecutor, *sections: SectionKey) -> Stepped:
    reply = executor.handle(Step(sections))
    assert isinstance(reply, Stepped)
    return reply


def denoised(executor: CommandExecutor, song: SongKey, index: int, steps: int) -> SectionKey:
    section = SectionKey(song, index)
    executor.handle(Prepare(section))
    for _ in range(steps):
        stepped(executor, section)
    return section


def rendered(executor: CommandExecutor, section: SectionKey, windows: int = 1) -> list[Rendered]:
    replies: list[Rendered] = []
    while not replies or not replies[-1].last:
        reply = executor.handle(Render(section, windows))
        assert isinstance(reply, Rendered)
        replies.append(reply)
    return replies


def sound(links: KeptLinks, section: SectionKey) -> Window:
    return np.concatenate([one.window for one in links.sounds if one.section == section and one.samples], axis=1)


class SmallDevice(FakeEngine):
    """An engine that fails with more than three sections in a batch."""

    def denoise(self, states: Sequence[SectionState]) -> None:
        if len(states) > 3:
            raise MemoryError("no room")
        super().denoise(states)


def test_a_plan_comes_back_without_the_engines_detail() -> None:
    reply = plan(executor_of())
    assert isinstance(reply, Planned)
    assert (len(reply.plan.sections), reply.plan.detail, reply.sample_rate_hertz) == (2, None, RATE_HERTZ)


def test_a_plan_that_was_made_before_the_song_was_accepted_is_not_made_again() -> None:
    checked = FakeEngine().plan(params("checked", seed=3))
    reply = executor_of().handle(Plan(SONG, "fake", params("invalid"), plan=pickle.dumps(checked)))
    assert isinstance(reply, Planned)
    assert (reply.plan.seed, reply.plan.sections) == (3, checked.sections)


def test_the_encoder_is_told_the_plan_and_when_there_is_no_more() -> None:
    links, target = KeptLinks(), SoundTarget("/nowhere", AudioSettings(bitrate_kbps=64))
    executor = executor_of(links=links)
    reply = executor.handle(Plan(SONG, "fake", params("happy"), sound_to=target))
    executor.handle(Release(SONG))
    assert isinstance(reply, Planned)
    origin = origin_of("fake", params("happy"), target.audio)
    assert links.opened == [(target, OpenSong(SONG, target.audio, "happy", "", reply.plan, RATE_HERTZ, origin))]
    assert links.forgotten == [SONG]


def test_a_section_is_prepared_opened_by_its_first_step_and_rendered() -> None:
    links = KeptLinks()
    executor = executor_of(links=links)
    plan(executor, steps=2)
    section = SectionKey(SONG, 0)
    assert executor.handle(Prepare(section)) == Prepared(section, SECTION_COST, SECTION_COST, 2, 1000, "", 0.0)
    assert [stepped(executor, section).sections[0].step for _ in range(2)] == [1, 2]
    replies = rendered(executor, section)
    assert sum(reply.samples for reply in replies) == SECTION_SECONDS * RATE_HERTZ
    assert [(one.samples, one.last) for one in links.sounds] == [(reply.samples, reply.last) for reply in replies]
    assert [one.score is not None for one in links.sounds[:2]] == [True, False]
    assert sound(links, section).shape == (2, SECTION_SECONDS * RATE_HERTZ)


def test_a_command_makes_several_windows_that_leave_one_by_one() -> None:
    each, together, alone = KeptLinks(), KeptLinks(), list[list[Rendered]]()
    for links, windows in ((each, 1), (together, 3)):
        executor = executor_of(links=links)
        plan(executor)
        alone.append(rendered(executor, denoised(executor, SONG, 0, 4), windows))
    assert together.sounds == each.sounds
    count = len(alone[0]) - 1
    assert [reply.windows for reply in alone[1]] == [3] * (count // 3) + [count % 3]
    assert [sum(reply.samples for reply in replies) for replies in alone] == [SECTION_SECONDS * RATE_HERTZ] * 2
    assert [reply.last for reply in alone[1]] == [False] * (count // 3) + [True]
    assert alone[1][-1].saved == alone[0][-1].saved != b""


def test_a_later_section_begins_with_the_context_of_the_one_before() -> None:
    sounds = []
    for steps_before in (1, 3):
        links = KeptLinks()
        executor = executor_of(links=links)
        plan(executor, steps=steps_before)
        denoised(executor, SONG, 0, steps_before)
        rendered(executor, denoised(executor, SONG, 1, steps_before))
        sounds.append(sound(links, SectionKey(SONG, 1)))
    assert not np.allclose(sounds[0], sounds[1])


def test_a_song_goes_on_elsewhere_from_what_was_saved() -> None:
    links, other_links = KeptLinks(), KeptLinks()
    executor = executor_of(links=links)
    plan(executor)
    saved = rendered(executor, denoised(executor, SONG, 0, 4))[-1].saved
    expected = rendered(executor, denoised(executor, SONG, 1, 4))
    again, other = SongKey("a", 1), executor_of(links=other_links)
    other.handle(Plan(again, "fake", params(), 1, saved))
    rendered(other, denoised(other, again, 1, 4))
    resumed, undisturbed = sound(other_links, SectionKey(again, 1)), sound(links, SectionKey(SONG, 1))
    np.testing.assert_array_equal(resumed, undisturbed)
    assert expected[-1].saved == b""


def test_a_batch_that_does_not_fit_into_memory_is_halved_until_it_does() -> None:
    executor = executor_of(SmallDevice())
    sections = [prepared(executor, song_id) for song_id in "abcdefgh"]
    reply = stepped(executor, *sections)
    assert [step.step for step in reply.sections] == [1] * 8
    assert (reply.failures, reply.fits, reply.tokens) == ((), 2, 8 * SECTION_COST)
    assert stepped(executor, *sections[:3]).fits is None


def test_a_section_that_does_not_even_fit_alone_says_so() -> None:
    class NoMemory(FakeEngine):
        def denoise(self, states: Sequence[SectionState]) -> None:
            raise MemoryError("no room")

    executor = executor_of(NoMemory())
    reply = stepped(executor, prepared(executor, "a"))
    assert [failed.failure.fault for failed in reply.failures] == [Fault.MEMORY]
    assert reply.fits == 0


def test_impossible_parameters_are_the_callers_fault() -> None:
    reply = plan(executor_of(), prompt="invalid")
    assert isinstance(reply, Failed)
    assert (reply.song, reply.failure.fault) == (SONG, Fault.CALLER)
    assert [violation.field for violation in reply.failure.violations] == ["lyrics"]


def test_missing_files_are_told_with_what_to_do() -> None:
    reply = plan(executor_of(), prompt="missing files")
    assert isinstance(reply, Failed)
    assert (reply.failure.fault, reply.failure.text) == (Fault.INSTALLATION, "run `make voice`")


def test_a_poisoned_section_costs_its_neighbours_nothing() -> None:
    executor = executor_of()
    sections = [prepared(executor, song_id, prompt) for song_id, prompt in [("a", ""), ("b", "poison"), ("c", "")]]
    reply = stepped(executor, *sections)
    assert [(step.section.song.song_id, step.step) for step in reply.sections] == [("a", 1), ("c", 1)]
    assert [(failed.song.song_id, failed.failure.fault) for failed in reply.failures] == [("b", Fault.BUG)]
    assert "a secret of ours" in reply.failures[0].failure.text


def test_sections_that_advanced_before_the_batch_broke_do_not_step_twice() -> None:
    class BreaksHalfway(FakeEngine):
        def denoise(self, states: Sequence[SectionState]) -> None:
            for state in states:
                super().denoise([state])

    executor = executor_of(BreaksHalfway())
    sections = [prepared(executor, "a"), prepared(executor, "b", "poison"), prepared(executor, "c")]
    assert [step.step for step in stepped(executor, *sections).sections] == [1, 1]


def test_an_engine_that_fails_to_begin_fails_that_song_alone() -> None:
    executor = executor_of()
    reply = stepped(executor, SectionKey(SongKey("nobody"), 0), prepared(executor, "a"))
    assert [step.section.song.song_id for step in reply.sections] == ["a"]
    assert [failed.song.song_id for failed in reply.failures] == ["nobody"]


def test_a_forgotten_song_is_gone() -> None:
    executor = executor_of()
    section = prepared(executor, "a")
    assert executor.handle(Release(SONG)) == Done()
    assert [failed.song for failed in stepped(executor, section).failures] == [SONG]


def test_log_lines_of_an_engine_name_song_and_trace_sampled_or_not() -> None:
    class Tells(FakeEngine):
        def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
            told.append(dict(bound_fields()))
            return super().prepare(plan, index)

    told: list[dict[str, str]] = []
    for trace in ("", "00-0af7-b7ad-00", "00-1af7-b7ad-01"):
        prepared(executor_of(Tells()), "a", trace=trace)
    assert told == [{"song_id": "a"}, *({"song_id": "a", "trace_id": trace_id} for trace_id in ("0af7", "1af7"))]
