"""Tests of a worker with songs that end before their planned length."""

from server.song import AudioSettings
from server.workers.execution.executor import CommandExecutor
from server.workers.messages import (
    Plan,
    Prepare,
    Prepared,
    Render,
    Rendered,
    SectionKey,
    SongKey,
    SoundTarget,
    Step,
    Stepped,
)
from tests.server.workers.test_executor import KeptLinks
from tests.support.ending_engine import SOUND, TOKENS, EndingEngine, last_of
from tests.support.fakes import params

SONG = SongKey("a")
PLANNED = params(seed=1, duration_seconds=24.0)
LAST = last_of(EndingEngine().plan(PLANNED))


def opened(links: KeptLinks, *, song: SongKey = SONG, finished: tuple[bytes, ...] = ()) -> CommandExecutor:
    executor = CommandExecutor({"ending": EndingEngine()}, clock=lambda: 0.0, encoders=links)
    executor.handle(Plan(song, "ending", PLANNED, finished=finished, sound_to=SoundTarget("nowhere", AudioSettings())))
    return executor


def stepped(executor: CommandExecutor, index: int, steps: int = 99, song: SongKey = SONG) -> Stepped:
    reply = executor.handle(Step((SectionKey(song, index),), steps))
    assert isinstance(reply, Stepped)
    return reply


def prepared(executor: CommandExecutor, index: int, song: SongKey = SONG) -> Prepared:
    reply = executor.handle(Prepare(SectionKey(song, index)))
    assert isinstance(reply, Prepared)
    return reply


def rendered(executor: CommandExecutor, index: int, song: SongKey = SONG) -> Rendered:
    reply = executor.handle(Render(SectionKey(song, index), 99))
    assert isinstance(reply, Rendered)
    return reply


def test_steps_after_the_end_of_a_section_or_song_are_left_out() -> None:
    links = KeptLinks()
    executor = opened(links)
    groups: list[str] = []
    for index in range(LAST + 1):
        longest = prepared(executor, index).steps
        while (done := stepped(executor, index, 1).sections[0]).step < done.steps:
            groups.append(done.group)
        assert done.steps < longest
        assert done.ends_song == (index == LAST)
        assert stepped(executor, index).sections == ()
    assert set(groups) == {TOKENS, SOUND}
    prepared(executor, LAST + 1)
    late = stepped(executor, LAST + 1)
    assert (late.sections, late.failures) == ((), ())
    assert [rendered(executor, index).ends_song for index in range(LAST + 1)] == [False] * LAST + [True]
    assert [sound.ends_song for sound in links.sounds if sound.last] == [False] * LAST + [True]
    assert [opened.channels for _, opened in links.opened] == [1]
    assert {sound.window.shape[0] for sound in links.sounds if sound.samples} == {1}


def test_several_steps_in_one_command_count_as_those_that_were_done() -> None:
    executor = opened(KeptLinks())
    prepared(executor, 0)
    reply = stepped(executor, 0)
    assert reply.steps == reply.sections[0].steps == reply.sections[0].step


def test_another_attempt_knows_the_end_from_the_finished_states() -> None:
    links, again = KeptLinks(), KeptLinks()
    executor = opened(links)
    finished: list[bytes] = []
    for index in range(LAST + 1):
        prepared(executor, index)
        finished.append(stepped(executor, index).sections[0].finished)
    key = SongKey("a", 1)
    other = opened(again, song=key, finished=tuple(finished))
    assert stepped(other, LAST + 1, song=key).sections == ()
    for index in range(LAST + 1):
        assert rendered(executor, index).ends_song == rendered(other, index, key).ends_song == (index == LAST)
    assert [bytes(sound.pcm) for sound in links.sounds] == [bytes(sound.pcm) for sound in again.sounds]
