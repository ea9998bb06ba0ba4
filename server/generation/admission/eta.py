"""Estimates when a song will start and finish (ETA), from measured cost, work already done and queue order."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.estimation.estimator import Estimator, Spent
from server.estimation.forecast import Estimate, Work, forecast
from server.generation.admission.queue_order import Capacity, QueueOrder
from server.generation.jobs.job import Job
from server.song import SongRequest, Waiting
from server.songs.ports import ServiceState
from server.store.directory import WaitingSong
from server.telemetry.estimate_metrics import Estimated
from server.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class SongEta:
    """A song's expected cost, its estimate by the forecast alone, and the estimate corrected by experience."""

    work: Work
    forecast: Estimate
    estimate: Estimate


class EtaEstimator:
    """Estimates songs, and learns from those that are complete."""

    def __init__(self, queue: QueueOrder, metrics: Metrics) -> None:
        self._queue = queue
        self._metrics = metrics
        self._estimator = Estimator()
        self._etas: dict[str, SongEta] = {}

    def estimate(self, request: SongRequest, service: ServiceState | None = None) -> SongEta | None:
        """The ETA of a song that is submitted now, here or to a `service`.

        `None` until a song of its engine was measured here.
        """
        params = request.params
        work = self._estimator.expected(request.engine, sound_seconds=params.duration_seconds, steps=params.steps)
        if work is None:
            return None
        ahead = self._left_here() if service is None else self._left_in(service, request.engine)
        capacity = self._capacity(request.engine, service)
        found = forecast([*ahead, work], devices=capacity.devices, places=capacity.slots)[-1]
        return SongEta(work, found, self._estimator.corrected(request.engine, found))

    def enter(self, job: Job, eta: SongEta | None) -> None:
        """Note a song's ETA."""
        if eta is not None:
            self._etas[job.song_id] = eta

    def leave(self, job: Job, *, complete: bool) -> None:
        """Forget a song, and learn from one that is complete."""
        eta = self._etas.pop(job.song_id, None)
        if complete and job.usage.first_seconds is not None:
            self._estimator.measured(job.request.engine, _spent(job))
            if eta is not None:
                self._compare(job, eta)

    def remaining(self) -> dict[str, Estimate]:
        """The time that each song still has to wait, by song id, as far as it can be estimated."""
        jobs = self._queue.jobs()
        found: dict[str, Estimate] = {}
        for engine in {job.request.engine for job in jobs}:
            found |= self._remaining_of(engine, [job for job in jobs if job.request.engine == engine])
        return found

    def waiting(self, service: ServiceState) -> dict[str, Waiting]:
        """Queue position and ETA of the songs that wait in a service, by song id."""
        songs, estimates = service.queue.waiting, dict[str, Estimate]()
        for engine in {song.engine for song in songs if self._expected(song)}:
            estimates |= self._waiting_of(engine, service)
        return {
            song.song_id: waiting_of(position, estimates.get(song.song_id))
            for position, song in enumerate(songs, start=1)
        }

    def _waiting_of(self, engine: str, service: ServiceState) -> dict[str, Estimate]:
        """The estimates of the songs of an engine, behind all others before them."""
        works, capacity = self._left_in(service, engine), self._capacity(engine, service)
        known = [song for song in service.queue.waiting if self._expected(song)]
        estimates = forecast(works, devices=capacity.devices, places=capacity.slots)[len(works) - len(known) :]
        told = zip(known, estimates, strict=True)
        return {song.song_id: self._estimator.corrected(engine, one) for song, one in told if song.engine == engine}

    def _left_here(self) -> list[Work]:
        return [self._left(job) for job in self._known(self._queue.jobs())]

    def _left_in(self, service: ServiceState, engine: str) -> list[Work]:
        """What is left of the songs of a service, running ones first.

        Of songs that other replicas make, only the number is known: each is taken for half of a usual one of `engine`.
        """
        usual = self._estimator.expected(engine)
        elsewhere = max(0, service.queue.running - len(self._queue.jobs()))
        halves = [usual.left(usual.total_seconds / 2, heard=True)] * elsewhere if usual else []
        waiting = (self._expected(song) for song in service.queue.waiting)
        return [*self._left_here(), *halves, *(work for work in waiting if work)]

    def _expected(self, song: WaitingSong) -> Work | None:
        return self._estimator.expected(song.engine, sound_seconds=song.sound_seconds or None, steps=song.steps)

    def _capacity(self, engine: str, service: ServiceState | None) -> Capacity:
        served = service.engines.get(engine) if service else None
        if served is None:
            return self._queue.capacity(engine)
        return Capacity(max(1, len(served.devices)), max(1, served.slots))

    def _remaining_of(self, engine: str, jobs: Iterable[Job]) -> dict[str, Estimate]:
        known, capacity = self._known(jobs), self._queue.capacity(engine)
        estimates = forecast([self._left(job) for job in known], devices=capacity.devices, places=capacity.slots)
        corrected = (self._estimator.corrected(engine, one) for one in estimates)
        return {job.song_id: one for job, one in zip(known, corrected, strict=True)}

    def _known(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if job.song_id in self._etas]

    def _left(self, job: Job) -> Work:
        usage = job.usage
        return self._etas[job.song_id].work.left(usage.total_seconds, heard=usage.first_seconds is not None)

    def _compare(self, job: Job, eta: SongEta) -> None:
        engine, clocks = job.request.engine, job.clocks
        truth = Estimate(clocks.first_audio_seconds, clocks.elapsed_seconds)
        self._estimator.told(engine, eta.forecast, truth)
        told = eta.estimate
        if told.first_audio_seconds is not None and truth.first_audio_seconds is not None:
            first = (told.first_audio_seconds, truth.first_audio_seconds)
            self._metrics.estimates.compared(engine, Estimated.FIRST_AUDIO, estimated=first[0], actual=first[1])
        self._metrics.estimates.compared(
            engine, Estimated.FINISH, estimated=told.finish_seconds, actual=truth.finish_seconds
        )


def waiting_of(position: int, estimate: Estimate | None) -> Waiting:
    """The event that tells a song's position and estimate."""
    if estimate is None:
        return Waiting(position)
    return Waiting(position, estimate.first_audio_seconds, estimate.finish_seconds)


def _spent(job: Job) -> Spent:
    usage = job.usage
    return Spent(
        first_seconds=usage.first_seconds or 0.0,
        step_seconds=usage.step_seconds,
        whole_step_seconds=usage.whole_step_seconds,
        other_seconds=usage.other_seconds,
        lag_seconds=job.clocks.lag_seconds,
        sound_seconds=job.sound_seconds,
        steps=job.steps,
    )
