"""Tests of the scheduler with songs that end before their planned length."""

from server.workers.messages import Render, SectionStep, Step, Stepped
from tests.server.scheduling.desk import Desk, opened, plan, section
from tests.support.fakes import FakeOutlet, params


def desk_with_song() -> Desk:
    """Return a `Desk` (a scheduler with simulated devices) with a song of two sections of 2 s, whose first step is the
    next command.
    """
    desk = opened()
    desk.scheduler.add("a", "fake", params(), FakeOutlet())
    assert desk.turn() == plan("a")
    desk.turn()
    return desk


def answer(desk: Desk, step: SectionStep) -> None:
    desk.scheduler.done("cpu", Stepped((step,), (), 0.1, steps=1))


def test_a_song_that_ends_early_is_rendered_to_its_end_and_is_known_to_be_shorter() -> None:
    desk = desk_with_song()
    assert isinstance(desk.scheduler.next_command("cpu"), Step)
    assert desk.scheduler.length_share("a") == 1.0
    answer(desk, SectionStep(section("a"), 1, 1, b"finished", ends_song=True))
    assert desk.scheduler.length_share("a") == 0.25  # half of the steps of the first of two sections
    assert {type(command) for command in desk.turns(2)} == {Render}
    assert desk.scheduler.length_share("a") == 0.25
    assert isinstance(desk.turn(), Render)
    assert desk.scheduler.device_of("a") is None
    assert not any(isinstance(command, Step | Render) for command in desk.turns(5))


def test_a_section_that_ends_early_makes_way_for_the_next() -> None:
    desk = desk_with_song()
    desk.scheduler.next_command("cpu")
    answer(desk, SectionStep(section("a"), 1, 1, b"finished"))
    assert desk.scheduler.length_share("a") == 0.75
    steps = [command for command in desk.turns(12) if isinstance(command, Step)]
    assert {one.index for step in steps for one in step.sections} == {1}


def test_songs_of_different_groups_do_not_share_a_step() -> None:
    desk = opened()
    for song_id in ("a", "b"):
        desk.scheduler.add(song_id, "fake", params(), FakeOutlet())
    together = next(command for command in desk.turns(9) if isinstance(command, Step) and len(command.sections) == 2)
    assert {one.song.song_id for one in together.sections} == {"a", "b"}
    desk = opened()
    for song_id in ("a", "b"):
        desk.scheduler.add(song_id, "fake", params(), FakeOutlet())
    while not isinstance(command := desk.scheduler.next_command("cpu"), Step):
        assert command is not None
        desk.finish(command)
    states = [SectionStep(one, 1, 2, group=one.song.song_id) for one in command.sections]
    desk.scheduler.done("cpu", Stepped(tuple(states), (), 0.1, steps=1))
    assert len(states) == 2
    apart = desk.scheduler.next_command("cpu")
    assert isinstance(apart, Step)
    assert len(apart.sections) == 1
