"""Ends or retries the songs whose attempts have failed, and says why in log, metrics and errors."""

import logging
from collections.abc import Iterable

from server.errors import EngineNotReady, InvalidRequest, OutOfMemory, ServiceError, SongFailed, WorkerLost
from server.generation.admission.poisoned_requests import PoisonedRequests
from server.generation.jobs.job import Job
from server.generation.jobs.registry import Jobs
from server.logs import bound, without_words
from server.scheduling.retry import Lost, Verdict
from server.workers.messages import Fault

_RETRY_AFTER_MEMORY_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Failures:
    """Settles what the scheduler gives back after a failure."""

    def __init__(self, jobs: Jobs, poisoned: PoisonedRequests, *, log_requests: bool) -> None:
        """`log_requests` leaves the words of prompts and lyrics in logged failures."""
        self._jobs = jobs
        self._poisoned = poisoned
        self._log_requests = log_requests

    def settle(self, lost: Iterable[Lost]) -> None:
        """Log what failed, and end the jobs of songs that are not tried again."""
        for one in lost:
            job = self._jobs.get(one.song_id)
            self._log_failure(one, job)
            if job is not None and job.complete():
                continue
            if job is not None and one.verdict is Verdict.RETRY:
                job.report.retried(_cause_of(one))
            elif job is not None:
                job.fail(self._error_of(one, job))

    def _log_failure(self, lost: Lost, job: Job | None) -> None:
        failure = lost.failure.failure if lost.failure else None
        if failure is None or failure.fault not in (Fault.BUG, Fault.MEMORY):
            return
        text = failure.text
        if job is not None and not self._log_requests:
            text = without_words(text, job.request.params.lyrics, job.request.params.prompt)
        with bound(**job.names if job else {"song_id": lost.song_id}):
            _log.error("an attempt at a song failed in its worker: %s", text)

    def _error_of(self, lost: Lost, job: Job) -> ServiceError:
        if lost.verdict is not Verdict.POISONED:
            return error_of(lost)
        error = self._poisoned.add(job.request)
        with bound(**job.names):
            _log.error("a song ended two workers at the same point: request %s", error.fingerprint)
        return error


def error_of(lost: Lost) -> ServiceError:
    """The error that the song's caller gets."""
    if lost.failure is None:
        return WorkerLost("the workers that made the song died")
    failure = lost.failure.failure
    match failure.fault:
        case Fault.CALLER:
            return InvalidRequest(*failure.violations)
        case Fault.INSTALLATION:
            return EngineNotReady(failure.text)
        case Fault.MEMORY:
            return OutOfMemory("the song did not fit into the memory of a device", _RETRY_AFTER_MEMORY_SECONDS)
        case Fault.BUG:
            return SongFailed("the song could not be made")


def _cause_of(lost: Lost) -> str:
    """Cause of a failed attempt, as metrics name it: "worker_lost", "bug" or "memory"."""
    return "worker_lost" if lost.failure is None else lost.failure.failure.fault.value
