"""Decides if a device can make one more song with a listener without playback stalls."""

import functools
from collections.abc import Callable, Sequence

from server.scheduling.capacity.feasibility import Demand, stall_free
from server.scheduling.capacity.song_cost import MEASURED_SECONDS, SongCost, expected_seconds, used_seconds
from server.scheduling.device_progress import DeviceProgress
from server.scheduling.policy import Policy
from server.scheduling.scheduled_song import ScheduledSong

_LOOK_AGAIN_SECONDS = 0.1
_MAX_SLOWDOWN = 2.0


class ListenerCapacity:
    """Forecasts if a device can serve one more listener without stalls, from the expected and the measured costs of its
    songs.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def fits(self, device: DeviceProgress, song: ScheduledSong, now: float) -> bool:
        """Return True if no listener would stall with `song` on the device in addition to its present songs, or if too
        little is known for a forecast.
        """
        if not self._policy.stall_free:
            return True
        if now < device.full_until:
            return False
        demands = self._demands([*(one for one in device.songs.values() if one.has_listener), song], device, now)
        fits = len(demands) <= 1 or stall_free(demands, self._share(device))
        device.full_until = 0.0 if fits else now + _LOOK_AGAIN_SECONDS
        return fits

    def _share(self, device: DeviceProgress) -> float:
        """Return the share of the device's time, at most 1, that is available for songs with listeners."""
        detached = self._policy.detached_share if device.detached else 0.0
        return device.worked.value - self._policy.headroom - detached

    def _demands(self, songs: Sequence[ScheduledSong], device: DeviceProgress, now: float) -> list[Demand]:
        """Return the demands (remaining work, and times at which its sound is needed) of those of `songs` whose costs
        are known. The last of `songs` is not on the device yet.
        """
        count = max(len(device.songs), len(songs))
        measured = functools.cache(lambda engine: _measured_pace(engine, songs, device, count))
        costs = [(song, _cost(song, device, count, measured)) for song in songs]
        known = [(song, cost) for song, cost in costs if cost is not None]
        slowdown = _slowdown([cost for _, cost in known])
        return [self._demand(song, cost, slowdown, now) for song, cost in known]

    def _demand(self, song: ScheduledSong, cost: SongCost, slowdown: float, now: float) -> Demand:
        """Return the demand of a song (remaining work, and times at which its listener needs the sound), with all sound
        due earlier by the safety margin of the policy. `slowdown` is the ratio of actual to expected device time.
        """
        left, pace = cost.left_sound_seconds, cost.pace(slowdown)
        runs_out_at = song.playback.runs_out_at(now)
        if runs_out_at is None:
            first = max(0.0, slowdown * cost.first_seconds - cost.used_seconds)
            demand = Demand(0.0, left, pace, first)
        else:
            demand = Demand(self._spare_seconds(runs_out_at - now), left, pace)
        deadline = song.spec.deadline
        return demand if deadline is None else demand.by(deadline - now - self._policy.margin_seconds)

    def _spare_seconds(self, buffered_seconds: float) -> float:
        """Return the buffered sound less the safety margin of the policy, in seconds and not below 0. A negative value
        (the listener has stalled) is returned unchanged.
        """
        return max(min(buffered_seconds, 0.0), buffered_seconds - self._policy.margin_seconds)


def _cost(
    song: ScheduledSong, device: DeviceProgress, count: int, measured_pace: Callable[[str], float | None]
) -> SongCost | None:
    """Return the cost of a song that shares the device with `count` songs in total: from the estimate made at the
    song's arrival, otherwise from measurements.

    `measured_pace` returns the device seconds per second of sound of an engine. Returns `None` if the cost is unknown.
    """
    made, used = song.playback.sound_seconds, used_seconds(song.account.usage, device.sharing, count)
    work = song.spec.work
    if work is None:
        pace = measured_pace(song.engine)
        length = song.length_seconds or song.spec.params.duration_seconds
        return SongCost(pace * length, 0.0, used, made, length) if pace and length else None
    if not work.sound_seconds:
        return None
    total = expected_seconds(work, device.sharing, count)
    first = total * (work.first_seconds or 0.0) / work.total_seconds if work.total_seconds else 0.0
    length = song.length_seconds or work.sound_seconds
    return SongCost(first + (total - first) * length / work.sound_seconds, first, used, made, length)


def _measured_pace(engine: str, songs: Sequence[ScheduledSong], device: DeviceProgress, count: int) -> float | None:
    """Return the measured device seconds per second of sound of an engine's songs, as if `count` songs in total shared
    the denoising steps; `None` before 10 s of sound were made.
    """
    alike = [song for song in songs if song.engine == engine]
    made = sum(song.playback.sound_seconds for song in alike)
    if made < MEASURED_SECONDS:
        return None
    return sum(used_seconds(song.account.usage, device.sharing, count) for song in alike) / made


def _slowdown(costs: Sequence[SongCost]) -> float:
    """Return the ratio of actual to expected device time of the songs that have sound, limited to [1, 2]."""
    with_sound = [cost for cost in costs if cost.made_seconds]
    expected = sum(cost.expected_seconds for cost in with_sound)
    used = sum(cost.used_seconds for cost in with_sound)
    return min(_MAX_SLOWDOWN, max(1.0, used / expected)) if expected else 1.0
