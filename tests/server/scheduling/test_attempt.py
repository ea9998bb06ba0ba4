from server.scheduling.attempt import Attempt, ResumePoint
from server.workers.messages import Prepared, SectionKey, SongKey


def attempt(sections: int = 3, start: int = 0) -> Attempt:
    made = Attempt(SongKey("a"), ResumePoint(start))
    made.plan(sections)
    return made


def prepare(made: Attempt, index: int, steps: int = 2) -> None:
    made.prepared[index] = Prepared(made.section(index), 10, 10, steps, 100, "", 0.1)


def test_nothing_is_due_before_the_plan() -> None:
    made = Attempt(SongKey("a"))
    assert (made.to_prepare(0), made.can_render(), made.can_denoise(ahead=1)) == (None, False, False)


def test_sections_are_prepared_no_further_than_the_one_after_the_rendered_one() -> None:
    made = attempt()
    assert [made.to_prepare(0), made.to_prepare(1)] == [0, 1]
    prepare(made, 0, steps=1)
    made.issue_step()
    assert [made.to_prepare(0), made.to_prepare(1)] == [1, None]


def test_a_section_is_open_from_its_first_step_to_its_last_window() -> None:
    made = attempt()
    prepare(made, 0, steps=1)
    assert made.open_bytes == 0
    made.issue_step()
    assert (made.open, made.open_bytes, made.denoising) == ({0}, 100, 1)
    made.finish_section(b"saved")
    assert (made.open, made.prepared, made.rendering) == (set(), {}, 1)


def test_the_next_attempt_begins_at_the_last_section_boundary_with_what_was_saved() -> None:
    made = attempt()
    for index in (0, 1):
        prepare(made, index, steps=1)
        made.issue_step()
    made.add_window(1.0)
    made.finish_section(b"saved")
    made.add_window(1.0)
    following = made.next_attempt()
    expected = Attempt(SongKey("a", 1), ResumePoint(1, b"saved"), sections=3)
    assert following == expected
    assert (following.planned, following.windows, following.section_seconds) == (False, 0, 0.0)
    assert following.due_section() == SectionKey(SongKey("a", 1), 1)


def test_an_attempt_is_rendered_after_its_last_section() -> None:
    made = attempt(sections=2, start=1)
    assert not made.rendered
    made.finish_section(b"")
    assert made.rendered
