"""Handles failed attempts at songs: logs errors of engines, reports retries to the metrics, and ends songs that are not
retried.
"""

import logging
from collections.abc import Iterable

from server.errors import EngineNotReady, InvalidRequest, OutOfMemory, ServiceError, SongFailed, WorkerLost
from server.generation.admission.poisoned_requests import PoisonedRequests
from server.generation.jobs.job import Job
from server.generation.jobs.registry import Jobs
from server.logs import bound, without_words
from server.scheduling.retry import FailedAttempt, RetryDecision
from server.workers.messages import Fault

_RETRY_AFTER_MEMORY_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Failures:
    """Handles the failed attempts at songs that the scheduler reports."""

    def __init__(self, jobs: Jobs, poisoned: PoisonedRequests, *, log_requests: bool) -> None:
        """Set up the handling of failures. With `log_requests` logged failures contain the text of prompts and
        lyrics.
        """
        self._jobs = jobs
        self._poisoned = poisoned
        self._log_requests = log_requests

    def settle(self, failed_attempt: Iterable[FailedAttempt]) -> None:
        """Log the errors of failed attempts at songs, report retries to the metrics, and end the jobs of songs that are
        not retried. `failed_attempt` has one item for each attempt.
        """
        for one in failed_attempt:
            job = self._jobs.get(one.song_id)
            self._log_failure(one, job)
            if job is not None and job.complete():
                continue
            if job is not None and one.decision is RetryDecision.RETRY:
                job.report.retried(_cause_of(one))
            elif job is not None:
                job.fail(self._error_of(one, job))

    def _log_failure(self, failed_attempt: FailedAttempt, job: Job | None) -> None:
        failure = failed_attempt.failure.failure if failed_attempt.failure else None
        if failure is None or failure.fault not in (Fault.BUG, Fault.MEMORY):
            return
        text = failure.text
        if job is not None and not self._log_requests:
            text = without_words(text, job.request.params.lyrics, job.request.params.prompt)
        with bound(**job.names if job else {"song_id": failed_attempt.song_id}):
            _log.error(
                "the worker failed to make a section of song %s; the section is made again, or the song fails: %s",
                failed_attempt.song_id,
                text,
            )

    def _error_of(self, failed_attempt: FailedAttempt, job: Job) -> ServiceError:
        if failed_attempt.decision is not RetryDecision.POISONED:
            return error_of(failed_attempt)
        error = self._poisoned.add(job.request)
        with bound(**job.names):
            _log.error(
                "song %s killed two workers at the same point, so its request %s is refused from now on",
                job.song_id,
                error.fingerprint,
            )
        return error


def error_of(failed_attempt: FailedAttempt) -> ServiceError:
    """Return the error that a song's caller gets when an attempt at the song has failed and the song is not retried."""
    if failed_attempt.failure is None:
        return WorkerLost("the worker that made the song died, also after retries: ask for the song again")
    failure = failed_attempt.failure.failure
    match failure.fault:
        case Fault.CALLER:
            return InvalidRequest(*failure.violations)
        case Fault.INSTALLATION:
            return EngineNotReady(failure.text)
        case Fault.MEMORY:
            return OutOfMemory(
                "the song did not fit into the memory of any device: try again later, or ask for a shorter song",
                _RETRY_AFTER_MEMORY_SECONDS,
            )
        case Fault.BUG:
            return SongFailed("the engine could not make the song because of a fault of the server: try again later")


def _cause_of(failed_attempt: FailedAttempt) -> str:
    """Return the label in the metrics for the cause of a failed attempt at a song: "worker_lost", "bug" or "memory"."""
    return "worker_lost" if failed_attempt.failure is None else failed_attempt.failure.failure.fault.value
