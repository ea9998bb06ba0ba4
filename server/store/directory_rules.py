"""Rules that every implementation of the song directory follows."""

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
"""Seconds after which a caller should retry if only the end of another of its songs helps."""


def replica_name() -> str:
    """Return a readable name for this server that no other process has, and no earlier process had."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


def claim_order(
    waiting: Iterable[T], running: Counter[str], caller_of: Callable[[T], str], weight_of: Callable[[T], float]
) -> Iterator[T]:
    """Yield waiting songs, given in the order of admission, in the order in which they will be claimed if no song ends
    meanwhile.

    The next song is that of the caller with the fewest running songs per weight; `running` has their numbers, and is
    updated.
    """
    left = list(waiting)
    while left:
        chosen = min(left, key=lambda one: running[caller_of(one)] / weight_of(one))
        left.remove(chosen)
        running[caller_of(chosen)] += 1
        yield chosen


def engines_together(engines: Iterable[ServedEngine]) -> Mapping[str, ServedEngine]:
    """Merge the engines of several servers by name, with the devices and slots of all of them, and the first known
    costs.
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
    """Return the mean time in seconds that a server of an engine takes to start: the average of the last start and the
    mean before it.
    """
    return seconds if before_seconds is None else (before_seconds + seconds) / 2


def songs_bucket(songs_per_minute: float) -> tuple[float, float]:
    """Return the capacity of a caller's token bucket of songs, and the seconds in which it fills up.

    A rate of half a song per minute gives one song every two minutes.
    """
    return max(1.0, songs_per_minute), _MINUTE * max(1.0, 1 / songs_per_minute)


def quota_exceeded(quota: Quota, limit: str, wait_seconds: float) -> QuotaExceeded:
    """Return the error for a song refused by a limit, which is a field of the quota; `wait_seconds` is the time until a
    retry.

    With 0 seconds a retry succeeds only after another song of the caller has ended.
    """
    texts = {
        "concurrent_songs": f"{quota.concurrent_songs} songs at once",
        "songs_per_minute": f"{quota.songs_per_minute or 0:g} songs a minute",
        "audio_seconds_per_hour": f"{quota.audio_seconds_per_hour or 0:g} s of sound an hour",
    }
    return QuotaExceeded(limit, texts[limit], wait_seconds or _RETRY_SECONDS)
