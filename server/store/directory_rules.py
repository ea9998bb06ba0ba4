"""Rules that every implementation of the song directory (registry of songs) follows: names of servers, order of waiting
songs, limits of quotas.
"""

import secrets
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from server.errors import QuotaExceeded
from server.quota import Quota
from server.store.whole_service import ServedEngine

T = TypeVar("T")

_MINUTE: Final = 60.0
_RETRY_SECONDS: Final = 5.0
"""Seconds after which a caller should retry if a retry succeeds only after the end of another song."""


def replica_name() -> str:
    """Return a name for this server that contains the computer's name and that no other process has or had."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


def claim_order(
    waiting: Iterable[T], running: Counter[str], caller_of: Callable[[T], str], weight_of: Callable[[T], float]
) -> Iterator[T]:
    """Yield waiting songs, given in the order of admission, in the order in which servers will start them if no song
    ends meanwhile.

    The next song is the oldest of the caller whose number of running songs, divided by the caller's weight, is lowest
    (fair scheduling). `running` has the number of running songs of each caller, and is updated.
    """
    left = list(waiting)
    while left:
        chosen = min(left, key=lambda one: running[caller_of(one)] / weight_of(one))
        left.remove(chosen)
        running[caller_of(chosen)] += 1
        yield chosen


def engines_together(engines: Iterable[ServedEngine]) -> Mapping[str, ServedEngine]:
    """Merge the engines of several servers by name: with all their devices, the sum of their slots (songs made at the
    same time), and the first known costs.
    """
    found: dict[str, ServedEngine] = {}
    for engine in engines:
        if before := found.get(engine.info.name):
            engine = replace(
                before,
                devices=(*before.devices, *engine.devices),
                slots=before.slots + engine.slots,
                costs=before.costs or engine.costs,
            )
        found[engine.info.name] = engine
    return found


def start_mean(before_seconds: float | None, seconds: float) -> float:
    """Return the mean time in seconds that a server needs to start, from the mean so far (`None` for none) and the
    latest measurement `seconds`: the average of both.
    """
    return seconds if before_seconds is None else (before_seconds + seconds) / 2


def songs_bucket(songs_per_minute: float) -> tuple[float, float]:
    """Return the parameters of the token bucket for a caller's rate of songs: the capacity in songs, and the seconds in
    which the bucket fills up.

    For half a song per minute the bucket holds one song and fills up in two minutes.
    """
    return max(1.0, songs_per_minute), _MINUTE * max(1.0, 1 / songs_per_minute)


def quota_exceeded(quota: Quota, limit: str, wait_seconds: float) -> QuotaExceeded:
    """Return the error for a song refused because of a quota. `limit` is the name of the exceeded field of the quota,
    `wait_seconds` the time until a retry succeeds.

    With 0 seconds a retry succeeds only after another song of the caller has ended.
    """
    texts = {
        "concurrent_songs": f"{quota.concurrent_songs} songs at once",
        "songs_per_minute": f"{quota.songs_per_minute or 0:g} songs a minute",
        "audio_seconds_per_hour": f"{quota.audio_seconds_per_hour or 0:g} s of sound an hour",
    }
    return QuotaExceeded(limit, texts[limit], wait_seconds or _RETRY_SECONDS)
