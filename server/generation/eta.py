"""What callers are told of the time ahead: puts together what songs cost, what they have used, and who goes first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.estimation.estimator import Estimator, Spent
from server.estimation.forecast import Estimate, Work, forecast
from server.generation.job import Job
from server.song import SongRequest
from server.telemetry.estimate_metrics import Estimated
from server.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a song should cost, when it should be heard and complete by the forecast alone, and by experience."""

    work: Work
    forecast: Estimate
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Pool:
    """The devices that a song may be made on, and how many songs they make at the same time."""

    devices: int
    places: int


class Fortune:
    """Foretells songs, and learns from what becomes of them. Jobs are given in the order in which they get places."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._estimator = Estimator()
        self._outlooks: dict[str, Outlook] = {}

    def foretell(self, request: SongRequest, jobs: Iterable[Job], pool: Pool) -> Outlook | None:
        """The outlook of a song that comes now; `None` until a song of its engine was measured."""
        params = request.params
        work = self._estimator.expected(request.engine, sound_seconds=params.duration_seconds, steps=params.steps)
        if work is None:
            return None
        ahead = [self._left(job) for job in self._known(jobs)]
        found = forecast([*ahead, work], devices=pool.devices, places=max(pool.places, 1))[-1]
        return Outlook(work, found, self._estimator.corrected(request.engine, found))

    def enter(self, job: Job, outlook: Outlook | None) -> None:
        """Note a song's outlook."""
        if outlook is not None:
            self._outlooks[job.song_id] = outlook

    def leave(self, job: Job, *, complete: bool) -> None:
        """Forget a song, and learn from one that is complete."""
        outlook = self._outlooks.pop(job.song_id, None)
        if complete and job.usage.first_seconds is not None:
            self._estimator.measured(job.request.engine, _spent(job))
            if outlook is not None:
                self._compare(job, outlook)

    def now(self, jobs: Sequence[Job], pool: Pool) -> dict[str, Estimate]:
        """What is left to wait for each song, by its name, as far as it can be told."""
        known = self._known(jobs)
        found = forecast([self._left(job) for job in known], devices=pool.devices, places=max(pool.places, 1))
        return {
            job.song_id: self._estimator.corrected(job.request.engine, one)
            for job, one in zip(known, found, strict=True)
        }

    def _known(self, jobs: Iterable[Job]) -> list[Job]:
        return [job for job in jobs if job.song_id in self._outlooks]

    def _left(self, job: Job) -> Work:
        usage = job.usage
        return self._outlooks[job.song_id].work.left(usage.total_seconds, heard=usage.first_seconds is not None)

    def _compare(self, job: Job, outlook: Outlook) -> None:
        engine, clocks = job.request.engine, job.clocks
        truth = Estimate(clocks.first_audio_seconds, clocks.elapsed_seconds)
        self._estimator.told(engine, outlook.forecast, truth)
        told = outlook.estimate
        if told.first_audio_seconds is not None and truth.first_audio_seconds is not None:
            first = (told.first_audio_seconds, truth.first_audio_seconds)
            self._metrics.estimates.compared(engine, Estimated.FIRST_AUDIO, estimated=first[0], actual=first[1])
        self._metrics.estimates.compared(
            engine, Estimated.FINISH, estimated=told.finish_seconds, actual=truth.finish_seconds
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
        steps=job.steps,
    )
