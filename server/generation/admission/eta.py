"""Estimates when songs will start and finish (ETA), from measured costs, work already done and queue order."""

from collections.abc import Iterable, Mapping

from server.costs import Costs
from server.estimation.estimator import Estimator, Spent
from server.estimation.forecast import Estimate, Work, forecast
from server.generation.admission.queue_order import QueueOrder
from server.generation.admission.service_eta import Here, ServiceEta, SongEta, lone
from server.generation.jobs.job import Job
from server.song import QueueStatus, SongRequest
from server.songs.ports import ServiceState
from server.telemetry.estimate_metrics import Estimated
from server.telemetry.metrics import Metrics


class EtaEstimator:
    """Estimates when songs will start and finish, and learns from complete songs."""

    def __init__(self, queue: QueueOrder, metrics: Metrics) -> None:
        self._queue = queue
        self._metrics = metrics
        self._estimator = Estimator()
        self._service = ServiceEta(self._estimator.costs, queue.capacity)
        self._etas: dict[str, SongEta] = {}

    def estimate(self, request: SongRequest, service: ServiceState | None = None) -> SongEta | None:
        """Return the ETA of a song that is submitted now, to this server or to a `service` of several servers.

        Returns `None` until a song of the engine was measured, on this server or, for a service, on any server.
        """
        engine, asked = request.engine, request.params
        if service is not None:
            here, sound_seconds = self._here(), asked.duration_seconds
            return self._service.estimate(engine, service, here, sound_seconds=sound_seconds, steps=asked.steps)
        work = self._estimator.expected(engine, sound_seconds=asked.duration_seconds, steps=asked.steps)
        if work is None:
            return None
        capacity = self._queue.capacity(engine)
        found = forecast([*self._left_here(), work], devices=capacity.devices, slots=capacity.slots)[-1]
        alone = self._estimator.corrected(engine, lone(work))
        return SongEta(work, found, self._estimator.corrected(engine, found), alone.finish_seconds)

    def costs(self, engine: str) -> Costs | None:
        """Return the mean costs (device time) of an engine's songs, as measured on this server; `None` before the first
        one.
        """
        return self._estimator.costs(engine)

    def backlog_seconds(self, service: ServiceState) -> Mapping[str, float]:
        """Return the device seconds that the waiting songs of a service need, by engine."""
        return self._service.backlog_seconds(service)

    def enter(self, job: Job, eta: SongEta | None) -> None:
        """Store the ETA of an admitted song, for a later comparison with the actual times."""
        if eta is not None:
            self._etas[job.key] = eta

    def leave(self, job: Job, *, complete: bool) -> None:
        """Remove a song; if it is complete, its actual times correct later estimates."""
        eta = self._etas.pop(job.key, None)
        if complete and job.usage.first_seconds is not None:
            self._estimator.measured(job.request.engine, _spent(job))
            if eta is not None:
                self._compare(job, eta)

    def remaining(self) -> dict[str, Estimate]:
        """Return the estimated seconds until first audio and end of each song on this server, by song id; songs without
        an estimate are left out.
        """
        jobs = self._queue.jobs()
        found: dict[str, Estimate] = {}
        for engine in {job.request.engine for job in jobs}:
            found |= self._remaining_of(engine, [job for job in jobs if job.request.engine == engine])
        return found

    def waiting(self, service: ServiceState) -> Mapping[str, QueueStatus]:
        """Return queue position and ETA of the waiting songs of a service, by song id."""
        return self._service.waiting(service, self._here())

    def _here(self) -> Here:
        return Here(self._left_here(), len(self._queue.jobs()))

    def _left_here(self) -> list[Work]:
        return [self._left(job) for job in self._known(self._queue.jobs())]

    def _remaining_of(self, engine: str, jobs: Iterable[Job]) -> dict[str, Estimate]:
        known, capacity = self._known(jobs), self._queue.capacity(engine)
        estimates = forecast([self._left(job) for job in known], devices=capacity.devices, slots=capacity.slots)
        corrected = (self._estimator.corrected(engine, one) for one in estimates)
        return {job.key: one for job, one in zip(known, corrected, strict=True)}

    def _known(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if job.key in self._etas]

    def _left(self, job: Job) -> Work:
        usage, work = job.usage, self._etas[job.key].work.cut(self._queue.length_share(job))
        return work.left(usage.total_seconds, heard=usage.first_seconds is not None)

    def _compare(self, job: Job, eta: SongEta) -> None:
        engine, clocks = job.request.engine, job.clocks
        truth = Estimate(clocks.first_audio_seconds, clocks.latency_seconds)
        self._estimator.learn_from_end(engine, eta.forecast, truth)
        estimate = eta.estimate
        if estimate.first_audio_seconds is not None and truth.first_audio_seconds is not None:
            first = (estimate.first_audio_seconds, truth.first_audio_seconds)
            self._metrics.estimates.compared(engine, Estimated.FIRST_AUDIO, estimated=first[0], actual=first[1])
        self._metrics.estimates.compared(
            engine, Estimated.FINISH, estimated=estimate.finish_seconds, actual=truth.finish_seconds
        )


def _spent(job: Job) -> Spent:
    usage = job.usage
    return Spent(
        first_seconds=usage.first_seconds or 0.0,
        step_seconds=usage.step_seconds,
        whole_step_seconds=usage.whole_step_seconds,
        other_seconds=usage.other_seconds,
        lag_seconds=job.clocks.lag_seconds,
        sound_seconds=job.sound_seconds,
        steps=job.steps or 1,
    )
