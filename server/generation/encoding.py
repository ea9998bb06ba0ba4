"""Handles the messages of encoders: forwards encoded events to the jobs of songs, and repeats songs whose encoder was
lost.
"""

import logging
from collections.abc import Callable, Sequence

from server.encoders.base import EncoderPool
from server.encoders.messages import Encoded, EncodingFailed
from server.errors import SongFailed, WorkerLost
from server.generation.jobs.job import Job
from server.generation.jobs.registry import Jobs
from server.logs import bound
from server.scheduling.retry import RetryDecision
from server.scheduling.scheduler import Scheduler
from server.telemetry.metrics import Metrics

_log = logging.getLogger(__name__)

_RETRY_CAUSE = "encoder_lost"


class EncodedSound:
    """Observer of the encoder pool: passes encoded events to the jobs of the songs."""

    def __init__(
        self,
        encoders: EncoderPool,
        *,
        jobs: Jobs,
        scheduler: Scheduler,
        metrics: Metrics,
        wake: Callable[[], None],
        readiness_changed: Callable[[], None],
    ) -> None:
        """Set up the observer. `wake` is called when there may be new work for devices; `readiness_changed` when an
        encoder has started or ended.
        """
        self._encoders = encoders
        self._jobs = jobs
        self._scheduler = scheduler
        self._metrics = metrics
        self._wake = wake
        self._readiness_changed = readiness_changed

    def encoded(self, message: Encoded | EncodingFailed) -> None:
        """Pass encoded events to the job of their song. An error in encoding the song, or in handling its events, fails
        only this song.
        """
        job = self._jobs.get(message.song_id)
        if job is None:
            return
        if isinstance(message, EncodingFailed):
            self._fail(job, message.text)
            return
        self._scheduler.encoded(message.seconds, message.sound_seconds)
        try:
            job.encoded(message)
        except Exception:
            with bound(**job.names):
                _log.exception(
                    "song %s could not be encoded because of a bug of the server: please report this error", job.song_id
                )
            job.fail(SongFailed("the song could not be encoded because of a fault of the server: try again later"))

    def encoder_lost(self, song_ids: Sequence[str]) -> None:
        """Start the songs of a lost encoder again from their beginning, except those that are completely encoded or
        have failed too often.
        """
        for song_id in song_ids:
            job = self._jobs.get(song_id)
            if job is None or job.complete():
                continue
            job.encoder_lost()
            match self._scheduler.restart_whole(song_id, job.sound_seconds):
                case RetryDecision.RETRY:
                    job.report.retried(_RETRY_CAUSE)
                case RetryDecision():
                    job.fail(WorkerLost("the encoders of the song died, also after retries: ask for the song again"))
        self._wake()

    def encoder_restarted(self) -> None:
        """Count the restart of an encoder in the metrics."""
        self._metrics.devices.encoder_restarted()

    def encoders_changed(self) -> None:
        """Handle the start or end of an encoder: wake the command loops of devices, because waiting songs may now have
        an encoder. If no encoder can be started, fail all songs.
        """
        if self._encoders.unavailable:
            for job in self._jobs:
                job.fail(WorkerLost("no encoder could be started: ask for the song again later"))
        self._wake()
        self._readiness_changed()

    def _fail(self, job: Job, text: str) -> None:
        with bound(**job.names):
            _log.error("the encoder failed to encode song %s, so the song fails: %s", job.song_id, text)
        job.fail(SongFailed("the song could not be encoded because of a fault of the server: try again later"))
