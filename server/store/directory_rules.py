"""Rules that every kind of directory follows."""

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
    """A readable name that no other process has, nor an earlier one in the same container."""
    return f"{socket.gethostname()}-{secrets.token_hex(4)}"


def claim_order(
    waiting: Iterable[T], running: Counter[str], caller_of: Callable[[T], str], weight_of: Callable[[T], float]
) -> Iterator[T]:
    """The waiting songs in the order of their claims if no song ends meanwhile; given in the order of admission.

    The next one is of the caller with the fewest running songs for its weight; `running` counts those, and is updated.
    """
    left = list(waiting)
    while left:
        chosen = min(left, key=lambda one: running[caller_of(one)] / weight_of(one))
        left.remove(chosen)
        running[caller_of(chosen)] += 1
        yield chosen


def engines_together(engines: Iterable[ServedEngine]) -> Mapping[str, ServedEngine]:
    """The engines of several replicas by name, with the devices and slots of all of them, and the first known costs."""
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
    """The mean time of a start: the last one and the mean of those before, each with half the weight."""
    return seconds if before_seconds is None else (before_seconds + seconds) / 2


def songs_bucket(songs_per_minute: float) -> tuple[float, float]:
    """Capacity of a caller's bucket of songs, and the seconds that fill it: half a song per minute is one every two."""
    return max(1.0, songs_per_minute), _MINUTE * max(1.0, 1 / songs_per_minute)


def quota_exceeded(quota: Quota, limit: str, wait_seconds: float) -> QuotaExceeded:
    """The error for a song refused by a limit, a field of the quota; 0 seconds: only the end of another song helps."""
    texts = {
        "concurrent_songs": f"{quota.concurrent_songs} songs at once",
        "songs_per_minute": f"{quota.songs_per_minute or 0:g} songs a minute",
        "audio_seconds_per_hour": f"{quota.audio_seconds_per_hour or 0:g} s of sound an hour",
    }
    return QuotaExceeded(limit, texts[limit], wait_seconds or _RETRY_SECONDS)
