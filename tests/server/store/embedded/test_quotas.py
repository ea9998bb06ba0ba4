import pytest

from server.errors import QuotaExceeded
from server.quota import Quota
from server.store.embedded.quotas import Bucket, Charge, Quotas


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Accounts:
    """The quotas under test, with the limits of a test for the caller "games" and none for all other callers."""

    def __init__(self, quotas: Quotas, limits: Quota) -> None:
        self._quotas = quotas
        self._limits = limits

    def enter(self, caller: str, sound_seconds: float) -> Charge:
        return self._quotas.enter(caller, self._limits if caller == "games" else Quota(), sound_seconds)


def quotas(clock: Clock, **limits: float) -> Accounts:
    return Accounts(Quotas(clock), Quota(**limits))  # type: ignore[arg-type]  # an int where one is wanted


def test_a_bucket_gives_what_is_in_it_and_fills_up_again(clock: Clock) -> None:
    bucket = Bucket(4.0, 60.0, clock)
    bucket.take(4.0)
    assert bucket.wait_seconds(1.0) == pytest.approx(15.0)
    clock.now = 15.0
    assert bucket.wait_seconds(1.0) == 0.0
    clock.now = 1e6
    assert bucket.wait_seconds(4.0) == 0.0
    bucket.take(5.0)
    assert bucket.wait_seconds(1.0) == pytest.approx(30.0)


def test_more_than_a_bucket_holds_is_given_when_it_is_full(clock: Clock) -> None:
    bucket = Bucket(4.0, 60.0, clock)
    assert bucket.wait_seconds(100.0) == 0.0


def test_songs_a_minute(clock: Clock) -> None:
    accounts = quotas(clock, songs_per_minute=2)
    for _ in range(2):
        accounts.enter("games", 0.0).settle(10.0)
    with pytest.raises(QuotaExceeded, match="2 songs a minute") as refusal:
        accounts.enter("games", 0.0)
    assert refusal.value.retry_after_seconds == pytest.approx(30.0)
    clock.now = 30.0
    accounts.enter("games", 0.0)


def test_half_a_song_a_minute_is_one_in_two_minutes(clock: Clock) -> None:
    accounts = quotas(clock, songs_per_minute=0.5)
    accounts.enter("games", 0.0)
    with pytest.raises(QuotaExceeded) as refusal:
        accounts.enter("games", 0.0)
    assert refusal.value.retry_after_seconds == pytest.approx(120.0)


def test_songs_at_once(clock: Clock) -> None:
    accounts = quotas(clock, concurrent_songs=1)
    ticket = accounts.enter("games", 0.0)
    with pytest.raises(QuotaExceeded, match="1 songs at once"):
        accounts.enter("games", 0.0)
    ticket.settle(3.0)
    accounts.enter("games", 0.0)


def test_sound_is_charged_as_it_was_made(clock: Clock) -> None:
    accounts = quotas(clock, audio_seconds_per_hour=100)
    cancelled = accounts.enter("games", 80.0)
    with pytest.raises(QuotaExceeded):
        accounts.enter("games", 30.0)
    cancelled.settle(5.0)
    open_length = accounts.enter("games", 0.0)
    open_length.settle(120.0)
    with pytest.raises(QuotaExceeded, match="100 s of sound an hour") as refusal:
        accounts.enter("games", 0.0)
    assert refusal.value.retry_after_seconds == pytest.approx((1 + 25) * 36)


def test_what_is_refused_is_not_charged(clock: Clock) -> None:
    accounts = quotas(clock, songs_per_minute=1, audio_seconds_per_hour=50)
    accounts.enter("games", 40.0)
    with pytest.raises(QuotaExceeded):
        accounts.enter("games", 40.0)
    clock.now = 60.0
    accounts.enter("games", 10.0)


def test_who_has_no_quota_has_no_account(clock: Clock) -> None:
    accounts = quotas(clock, concurrent_songs=1)
    for _ in range(100):
        accounts.enter("somebody", 240.0)
    accounts.enter("games", 240.0)


def test_a_changed_quota_counts_from_the_next_song(clock: Clock) -> None:
    accounts = Quotas(clock)
    first = accounts.enter("games", Quota(concurrent_songs=1), 0.0)
    second = accounts.enter("games", Quota(concurrent_songs=2), 0.0)
    with pytest.raises(QuotaExceeded):
        accounts.enter("games", Quota(concurrent_songs=2), 0.0)
    first.settle(0.0)
    second.settle(0.0)
