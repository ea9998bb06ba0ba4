from server.scheduling.attempt import Attempt, ResumePoint
from server.workers.messages import Prepared, SectionKey, SectionStep, SongKey


def attempt(sections: int = 3, start: int = 0) -> Attempt:
    made = Attempt(SongKey("a"), ResumePoint(start))
    made.plan(sections)
    return made


def prepare(made: Attempt, index: int, steps: int = 2) -> None:
    made.prepared[index] = Prepared(made.section(index), 10, 10, steps, 100, "", 0.1)


def denoise(made: Attempt, index: int, finished: bytes) -> None:
    prepare(made, index, steps=1)
    made.issue_steps(1)
    finish(made, index, finished)


def finish(
    made: Attempt, index: int = 0, finished: bytes = b"finished", *, step: int = 0, ends_song: bool = False
) -> None:
    """Report to the attempt (one try to make the song) that the section `index` has done its last step, number `step`,
    by default the planned number of steps. `finished` is its saved state, and `ends_song` says that the song ends with
    it.
    """
    step = step or made.prepared[index].steps
    made.stepped(SectionStep(made.section(index), step, step, finished, ends_song=ends_song))


def test_nothing_is_due_before_the_plan() -> None:
    made = Attempt(SongKey("a"))
    assert (made.to_prepare(0), made.can_render(), made.can_denoise(ahead=1)) == (None, False, False)


def test_sections_are_prepared_no_further_than_the_one_after_the_rendered_one() -> None:
    made = attempt()
    assert [made.to_prepare(0), made.to_prepare(1)] == [0, 1]
    prepare(made, 0, steps=1)
    made.issue_steps(1)
    assert [made.to_prepare(0), made.to_prepare(1)] == [1, None]


def test_a_section_is_open_from_its_first_step_to_its_last_window() -> None:
    made = attempt()
    prepare(made, 0)
    assert made.open == 0
    made.issue_steps(1)
    assert made.open == 1
    made.issue_steps(1)
    assert (made.open, made.denoising) == (1, 1)
    finish(made)
    made.finish_section(b"saved")
    assert (made.open, made.prepared, made.rendering) == (0, {}, 1)


def test_a_section_holds_memory_from_its_preparation_to_the_answer_to_its_last_step() -> None:
    made = attempt()
    prepare(made, 0, steps=1)
    prepare(made, 1)
    assert made.held_bytes == 200
    made.issue_steps(1)
    assert made.held_bytes == 200
    finish(made)
    assert made.held_bytes == 100
    made.finish_section(b"saved")
    assert made.held_bytes == 100


def test_the_next_attempt_begins_at_the_last_section_boundary_with_what_was_saved() -> None:
    made = attempt()
    denoise(made, 0, b"first")
    made.add_windows(1, 1.0)
    made.finish_section(b"saved")
    prepare(made, 1)
    made.issue_steps(1)
    made.add_windows(1, 1.0)
    following = made.next_attempt()
    expected = Attempt(SongKey("a", 1), ResumePoint(1, b"saved"), sections=3)
    assert following == expected
    assert (following.planned, following.windows, following.section_seconds) == (False, 0, 0.0)
    assert following.due_section() == SectionKey(SongKey("a", 1), 1)


def test_the_next_attempt_renders_what_is_denoised_and_denoises_only_what_is_not() -> None:
    made = attempt()
    denoise(made, 0, b"first")
    made.finish_section(b"saved")
    denoise(made, 1, b"second")
    denoise(made, 2, b"third")
    following = made.next_attempt()
    assert (following.resume_point, following.finished) == (ResumePoint(1, b"saved"), (b"second", b"third"))
    assert (following.rendering, following.denoised, following.denoising, following.can_render()) == (1, 3, 3, False)
    following.plan(4)
    assert (following.can_render(), following.can_denoise(ahead=1), following.to_prepare(0)) == (True, False, None)
    following.finish_section(b"saved")
    assert (following.next_attempt().finished, following.to_prepare(0)) == ((b"third",), 3)


def test_an_attempt_is_rendered_after_its_last_section() -> None:
    made = attempt(sections=2, start=1)
    denoise(made, 1, b"")
    assert not made.rendered
    made.finish_section(b"")
    assert made.rendered


def test_a_section_that_ends_early_is_rendered_and_the_next_one_begun_whatever_is_in_flight() -> None:
    made = attempt()
    prepare(made, 0, steps=9)
    prepare(made, 1, steps=9)
    made.issue_steps(3)
    made.issue_steps(3)
    finish(made, step=2)
    assert (made.denoising, made.step, made.can_render(), made.can_denoise(ahead=1)) == (1, 0, True, True)


def test_a_song_that_ends_early_has_no_more_sections_also_in_the_next_attempt() -> None:
    made = attempt()
    for index in range(3):
        prepare(made, index, steps=1 + index)
    made.issue_steps(1)  # all of the first section
    made.issue_steps(1)  # of the second, sent before the end was known
    finish(made, step=1, ends_song=True)
    made.prepare(Prepared(made.section(2), 10, 10, 9, 100, "", 0.1))
    assert (made.sections, made.open, set(made.prepared), made.held_bytes) == (1, 1, {0}, 0)
    assert (made.to_prepare(0), made.to_prepare(1), made.can_denoise(ahead=1)) == (None, None, False)
    again = made.next_attempt()
    again.plan(3)
    assert (again.sections, again.can_render(), again.to_prepare(0)) == (1, True, None)
    again.finish_section(b"")
    assert again.rendered
    whole = again.whole_attempt()
    whole.plan(3)
    assert (whole.sections, whole.rendered) == (3, False)


def test_a_section_joins_the_group_of_its_next_step() -> None:
    made = attempt()
    prepare(made, 0, steps=3)
    made.issue_steps(1)
    made.stepped(SectionStep(made.section(0), 1, 3, group="sound"))
    assert (made.prepared[0].group, made.steps_left) == ("sound", 2)
