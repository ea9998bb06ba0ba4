import pytest

from server.scheduling.capacity.step_sharing import StepSharing
from server.scheduling.capacity.step_time import StepModel

TOKENS = 10


def sharing(*, sections: int, songs: int, fixed_seconds: float = 0.02, token_seconds: float = 0.0) -> StepSharing:
    """Return a model of the songs that share a step, trained with steps of 1 to `sections` sections that take
    `fixed_seconds` and `token_seconds` more for each token, and with shared steps of `songs` songs.
    """
    times = StepModel()
    made = StepSharing(times)
    for count in [*range(1, sections + 1)] * 20:
        times.add(TOKENS * count, fixed_seconds + token_seconds * TOKENS * count)
    for _ in range(200):
        made.add(TOKENS * sections, sections=sections, songs=songs)
    return made


def test_all_songs_share_a_step_until_steps_have_shown_otherwise() -> None:
    assert StepSharing(StepModel()).sections(8) == 8.0


def test_the_part_of_the_songs_that_join_a_step_is_learnt() -> None:
    assert sharing(sections=5, songs=9).sections(17) == pytest.approx(9.0, abs=0.1)


def test_a_song_alone_shares_with_nobody() -> None:
    assert sharing(sections=5, songs=9).sections(1) == 1.0
    assert sharing(sections=5, songs=9).sections(0) == 1.0


def test_what_lasts_as_long_for_many_as_for_one_is_divided_by_all_of_them() -> None:
    assert sharing(sections=8, songs=8).divided_seconds(2.0, 1.0, 8) == pytest.approx(0.25)


def test_what_lasts_longer_with_every_section_is_not_saved_by_sharing() -> None:
    proportional = sharing(sections=8, songs=8, fixed_seconds=0.0, token_seconds=0.001)
    assert proportional.divided_seconds(2.0, 1.0, 8) == pytest.approx(2.0)


def test_steps_that_were_shared_before_get_dearer_where_fewer_songs_share_them() -> None:
    assert sharing(sections=8, songs=8).divided_seconds(2.0, 8.0, 1) == pytest.approx(2.0)


def test_the_time_is_divided_as_it_was_while_nothing_is_known() -> None:
    assert StepSharing(StepModel()).divided_seconds(2.0, 4.0, 16) == 0.5
