"""Checks the quotas of callers: songs per minute, songs at the same time, seconds of sound per hour. Pure; the clock is
a parameter.

Rates are limited by token buckets (Turner 1986), which after a pause allow the songs of a minute, or the sound of an
hour, at once.
"""

from collections.abc import Callable

from server.quota import Quota
from server.store.directory_rules import quota_exceeded, songs_bucket

_HOUR = 3600.0


class Bucket:
    """A token bucket that holds `capacity` and fills from empty to full in `seconds`."""

    def __init__(self, capacity: float, seconds: float, clock: Callable[[], float]) -> None:
        self._capacity = capacity
        self._per_second = capacity / seconds
        self._clock = clock
        self._level = capacity
        self._at = clock()

    def wait_seconds(self, amount: float) -> float:
        """Return the seconds until the bucket contains `amount` or is full; 0 if it contains `amount` now."""
        missing = min(amount, self._capacity) - self._fill()
        return max(0.0, missing / self._per_second)

    def take(self, amount: float) -> None:
        """Take `amount` out of the bucket, whose level may become negative; a negative amount is added."""
        self._level = min(self._capacity, self._fill() - amount)

    def _fill(self) -> float:
        now = self._clock()
        self._level = min(self._capacity, self._level + (now - self._at) * self._per_second)
        self._at = now
        return self._level


class _Account:
    """The songs and the sound that one caller has used under one quota, as token buckets."""

    def __init__(self, quota: Quota, clock: Callable[[], float]) -> None:
        songs, sound = quota.songs_per_minute, quota.audio_seconds_per_hour
        self.quota = quota
        self.songs = None if songs is None else Bucket(*songs_bucket(songs), clock)
        self.sound = None if sound is None else Bucket(sound, _HOUR, clock)


class Charge:
    """The charge of one song to its caller's quota, from the song's admission to its end."""

    def __init__(self, leave: Callable[[float], None]) -> None:
        self._leave = leave

    def settle(self, sound_seconds: float) -> None:
        """Record that the song has ended with `sound_seconds` of sound, and correct the charge. This must be called
        exactly once.
        """
        self._leave(sound_seconds)


class Quotas:
    """The use of quotas by all callers that have one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._songs: dict[str, int] = {}

    def enter(self, caller: str, quota: Quota, sound_seconds: float) -> Charge:
        """Charge a new song to its caller's quota, with `sound_seconds` of sound (0 if its length is not known yet),
        and return the charge.

        If the caller's quota has changed, the use of the earlier quota is forgotten.

        Raises:
            QuotaExceeded: the caller has reached a limit; nothing was charged.
        """
        account = self._account(caller, quota)
        _require(account, self._songs.get(caller, 0), sound_seconds)
        self._songs[caller] = self._songs.get(caller, 0) + 1
        if account.songs:
            account.songs.take(1)
        if account.sound:
            account.sound.take(sound_seconds)
        return Charge(lambda made_seconds: self._leave(caller, account, made_seconds - sound_seconds))

    def _leave(self, caller: str, account: _Account, more_seconds: float) -> None:
        self._songs[caller] -= 1
        if not self._songs[caller]:
            del self._songs[caller]
        if account.sound:
            account.sound.take(more_seconds)

    def _account(self, caller: str, quota: Quota) -> _Account:
        account = self._accounts.get(caller)
        if account is None or account.quota != quota:
            account = _Account(quota, self._clock)
            if quota != Quota():
                self._accounts[caller] = account
        return account


def _require(account: _Account, songs: int, sound_seconds: float) -> None:
    quota = account.quota
    if quota.concurrent_songs is not None and songs >= quota.concurrent_songs:
        raise quota_exceeded(quota, "concurrent_songs", 0.0)
    if account.songs and (wait := account.songs.wait_seconds(1)):
        raise quota_exceeded(quota, "songs_per_minute", wait)
    # A caller with a negative balance of sound waits even if the length of the next song is unknown.
    if account.sound and (wait := account.sound.wait_seconds(max(sound_seconds, 1.0))):
        raise quota_exceeded(quota, "audio_seconds_per_hour", wait)
