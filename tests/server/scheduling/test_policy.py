from dataclasses import replace

import pytest

from server.scheduling.policy import Order, Policy, Urgency

POLICY = Policy(margin_seconds=1.0, comfort_seconds=5.0, ahead_seconds=60.0, share_lead_seconds=2.0)
NOW = 100.0


def song(song_id: str, arrived_at: float = 90.0, ahead: float | None = None, lead: float = 0.0) -> Urgency:
    return Urgency(song_id, arrived_at, None if ahead is None else NOW + ahead, lead)


def order(*songs: Urgency, policy: Policy = POLICY) -> str:
    return "".join(one.song_id for one in policy.ranked(songs, NOW))


def test_who_runs_out_first_goes_first() -> None:
    assert order(song("a", ahead=3.0), song("b", ahead=2.0), song("c", ahead=4.0)) == "bac"


def test_a_song_that_nobody_hears_goes_before_those_with_sound_in_hand() -> None:
    assert order(song("a", ahead=3.0), song("b", arrived_at=NOW)) == "ba"


def test_a_listener_about_to_fall_silent_goes_before_a_newcomer() -> None:
    assert order(song("new", arrived_at=NOW), song("a", ahead=0.5)) == "anew"


def test_a_song_that_has_its_place_for_long_goes_before_a_listener_about_to_fall_silent() -> None:
    assert order(song("a", ahead=0.5), song("new", arrived_at=NOW - 2.0)) == "newa"
    assert order(song("a", ahead=0.5), song("new", arrived_at=NOW - 20.0)._replace(placed_at=NOW - 2.0)) == "newa"


def test_time_in_the_queue_does_not_put_a_song_before_those_who_listen() -> None:
    assert order(song("a", ahead=0.5), song("new", arrived_at=NOW - 20.0)._replace(placed_at=NOW)) == "anew"


@pytest.mark.parametrize(
    ("owed_seconds", "expected"),
    [(0.0, "new, urgent, waits, later"), (0.1, "new, urgent, later, waits"), (1.0, "later, new, urgent, waits")],
)
def test_songs_made_for_later_go_before_listeners_who_can_wait_once_they_are_owed(
    owed_seconds: float, expected: str
) -> None:
    later = song("later")._replace(has_listener=False)
    songs = [later, song("waits", ahead=3.0), song("urgent", ahead=0.9), song("new")]
    ranked = POLICY.ranked(songs, NOW, detached_owed_seconds=owed_seconds)
    assert ", ".join(one.song_id for one in ranked) == expected


def test_nothing_is_lost_when_a_song_made_for_later_waits() -> None:
    assert POLICY.has_slack(song("later")._replace(has_listener=False), NOW)
    assert not POLICY.has_slack(song("new"), NOW)


def test_a_hurried_song_beyond_its_callers_share_stands_back() -> None:
    assert order(song("a", ahead=0.5, lead=3.0), song("b", ahead=2.0)) == "ba"


def test_a_hurried_song_beyond_the_share_still_goes_before_a_comfortable_one() -> None:
    assert order(song("a", ahead=30.0), song("b", ahead=2.0, lead=3.0)) == "ba"


def test_a_small_lead_in_shares_does_not_matter() -> None:
    assert order(song("a", ahead=0.5, lead=1.9), song("b", ahead=2.0)) == "ab"


def test_a_song_far_ahead_is_left_out_unless_all_are() -> None:
    assert order(song("a", ahead=61.0), song("b", ahead=50.0)) == "b"
    assert order(song("a", ahead=62.0), song("b", ahead=61.0)) == "ba"


def test_by_arrival_nothing_else_counts() -> None:
    policy = replace(POLICY, order=Order.ARRIVAL)
    songs = (song("a", 3.0, ahead=0.1), song("b", 1.0, ahead=90.0), song("c", 2.0, lead=9.0))
    assert order(*songs, policy=policy) == "bca"
    assert not policy.has_slack(song("b", ahead=90.0), NOW)
