"""Estimates when songs will start and finish (ETA) in a service of several servers. The estimates use the costs and the
queue in the song directory (the registry of all songs).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from server.costs import Costs
from server.estimation.estimator import corrected, expected_work
from server.estimation.forecast import Estimate, Work, forecast
from server.generation.admission.queue_order import Capacity
from server.song import QueueStatus
from server.songs.ports import ServiceState
from server.store.whole_service import ServedEngine, WaitingSong

_UNMEASURED_PACE = 1.0
"""Assumed device seconds per second of sound, for an engine of which no song was measured."""
_UNMEASURED_SONG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Here:
    """The songs that this server makes: their number, and the remaining work, in device seconds, of those with a known
    cost.
    """

    left: Sequence[Work] = ()
    songs: int = 0


@dataclass(frozen=True, slots=True)
class SongEta:
    """The ETA of a song: its expected cost (`work`), the estimate of the queue model (`forecast`), and the estimate
    corrected by the errors of earlier estimates.

    `alone_seconds` is the corrected time, in seconds, to the song's end on a ready device without other songs.
    """

    work: Work
    forecast: Estimate
    estimate: Estimate
    alone_seconds: float


class ServiceEta:
    """Estimates when songs that wait for any server of a service will start and finish.

    If no server serves the engine, the time of a cold start (of a server for the engine) is added: the mean of measured
    starts, otherwise `cold_start_seconds`, counted from the moment when the first song began to wait. A start that is
    overdue is assumed to need as much more time as it is overdue already.
    """

    def __init__(
        self,
        costs_here: Callable[[str], Costs | None],
        capacity_here: Callable[[str], Capacity | None],
        cold_start_seconds: float = 0.0,
    ) -> None:
        """Set up the ETA estimator. `costs_here` returns the mean costs of an engine's songs on this server, and
        `capacity_here` this server's capacity for the engine; `None` if it has none.
        """
        self._costs_here = costs_here
        self._capacity_here = capacity_here
        self._cold_start_seconds = cold_start_seconds

    def estimate(
        self, engine: str, service: ServiceState, here: Here, *, sound_seconds: float | None, steps: int | None
    ) -> SongEta | None:
        """Return the ETA of a song of `engine` that joins the queue now; `None` until a song of the engine was measured
        on any server.
        """
        costs = self._costs(engine, service)
        if costs is None:
            return None
        work, serving = expected_work(costs, sound_seconds=sound_seconds, steps=steps), self._serving(engine, service)
        found = serving.forecasts([*self._ahead(engine, service, here), work])[-1]
        return SongEta(
            work, found, serving.delayed(corrected(costs, found)), corrected(costs, lone(work)).finish_seconds
        )

    def waiting(self, service: ServiceState, here: Here) -> Mapping[str, QueueStatus]:
        """Return queue position and ETA of the service's waiting songs, by song id."""
        songs, estimates = service.queue.waiting, dict[str, Estimate]()
        for engine in {song.engine for song in songs}:
            estimates |= self._waiting_of(engine, service, here)
        return {
            song.song_id: queue_status_of(position, estimates.get(song.song_id))
            for position, song in enumerate(songs, start=1)
        }

    def backlog_seconds(self, service: ServiceState) -> Mapping[str, float]:
        """Return the device seconds that the waiting songs need, by engine; 0 for a known engine without waiting songs.

        Without measured costs a second of sound counts as one device second, and a song of unknown length as one minute
        of sound.
        """
        seconds = dict.fromkeys((*service.known, *service.engines), 0.0)
        for song in service.queue.waiting:
            work = self._expected(song, service)
            unmeasured = _UNMEASURED_PACE * (song.sound_seconds or _UNMEASURED_SONG_SECONDS)
            seconds[song.engine] = seconds.get(song.engine, 0.0) + (work.total_seconds if work else unmeasured)
        return seconds

    def start_seconds(self, engine: str, service: ServiceState) -> float:
        """Return the estimated seconds until a server serves the engine; 0 if a server serves it now."""
        known = service.known.get(engine)
        # `service.known` was read after `service.engines`, so it wins: a server may have started or ended in between.
        if not known.away_seconds if known else engine in service.engines:
            return 0.0
        usual = (known.start_seconds if known else None) or self._cold_start_seconds
        waited = max((song.waited_seconds for song in service.queue.waiting if song.engine == engine), default=0.0)
        passed = min(waited, known.away_seconds) if known else waited
        return abs(usual - passed)

    def _costs(self, engine: str, service: ServiceState) -> Costs | None:
        served = _last_announced(engine, service)
        return self._costs_here(engine) or (served.costs if served else None)

    def _expected(self, song: WaitingSong, service: ServiceState) -> Work | None:
        costs = self._costs(song.engine, service)
        return expected_work(costs, sound_seconds=song.sound_seconds or None, steps=song.steps) if costs else None

    def _waiting_of(self, engine: str, service: ServiceState, here: Here) -> dict[str, Estimate]:
        """Return the estimates of start and end for an engine's waiting songs, by song id; all songs before them in the
        queue are counted.
        """
        costs = self._costs(engine, service)
        if costs is None:
            return {}
        serving = self._serving(engine, service)
        known = [song for song in service.queue.waiting if self._expected(song, service)]
        estimates = serving.forecasts(self._ahead(engine, service, here))[-len(known) :]
        estimated = zip(known, estimates, strict=True)
        return {
            song.song_id: serving.delayed(corrected(costs, one)) for song, one in estimated if song.engine == engine
        }

    def _ahead(self, engine: str, service: ServiceState, here: Here) -> list[Work]:
        """Return the remaining work of all songs that come before a new one: the running songs, then the waiting ones.

        Of songs that other servers make only the number is known; each counts as half a mean song of `engine`.
        """
        costs = self._costs(engine, service)
        usual = expected_work(costs) if costs else None
        elsewhere = max(0, service.queue.running - here.songs)
        halves = [usual.left(usual.total_seconds / 2, heard=True)] * elsewhere if usual else []
        waiting = (self._expected(song, service) for song in service.queue.waiting)
        return [*here.left, *halves, *(work for work in waiting if work)]

    def _serving(self, engine: str, service: ServiceState) -> "_Serving":
        here = None if engine in service.engines else self._capacity_here(engine)
        if here:
            return _Serving(here)
        last = _last_announced(engine, service)
        return _Serving(_capacity_of(last) if last else Capacity(1, 1), self.start_seconds(engine, service))


@dataclass(frozen=True, slots=True)
class _Serving:
    """The capacity of the servers that serve an engine, and the seconds until they have started (0 if they run)."""

    capacity: Capacity
    start_seconds: float = 0.0

    def forecasts(self, works: Sequence[Work]) -> list[Estimate]:
        return forecast(works, devices=self.capacity.devices, slots=self.capacity.slots)

    def delayed(self, estimate: Estimate) -> Estimate:
        first = estimate.first_audio_seconds
        later = None if first is None else first + self.start_seconds
        return Estimate(later, estimate.finish_seconds + self.start_seconds)


def queue_status_of(position: int, estimate: Estimate | None) -> QueueStatus:
    """Return the event with the queue position and, if known, the ETA of a song."""
    if estimate is None:
        return QueueStatus(position)
    return QueueStatus(position, estimate.first_audio_seconds, estimate.finish_seconds)


def lone(work: Work) -> Estimate:
    """Return the estimate of a song's start and end on one device without other songs."""
    return forecast([work], devices=1, slots=1)[0]


def _last_announced(engine: str, service: ServiceState) -> ServedEngine | None:
    known = service.known.get(engine)
    return service.engines.get(engine) or (known.engine if known else None)


def _capacity_of(served: ServedEngine) -> Capacity:
    return Capacity(max(1, len(served.devices)), max(1, served.slots))
