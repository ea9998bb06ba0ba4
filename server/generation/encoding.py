"""Acts on what encoders tell: sends events of songs, and has songs made once more."""

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
    """The observer of the encoders: passes on what they tell to the songs that it is about."""

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
        """`wake` is called when there may be work for devices."""
        self._encoders = encoders
        self._jobs = jobs
        self._scheduler = scheduler
        self._metrics = metrics
        self._wake = wake
        self._readiness_changed = readiness_changed

    def encoded(self, message: Encoded | EncodingFailed) -> None:
        """Send what was encoded; a song that cannot be encoded fails alone, as one does whose events have a bug."""
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
                _log.exception("the song could not be encoded")
            job.fail(SongFailed("the song could not be encoded"))

    def encoder_lost(self, song_ids: Sequence[str]) -> None:
        """Have the songs made from their beginning, but for those that are encoded to the end or fail too often."""
        for song_id in song_ids:
            job = self._jobs.get(song_id)
            if job is None or job.complete():
                continue
            job.encoder_lost()
            match self._scheduler.restart_whole(song_id, job.sound_seconds):
                case RetryDecision.RETRY:
                    job.report.retried(_RETRY_CAUSE)
                case RetryDecision():
                    job.fail(WorkerLost("the encoders of the song died"))
        self._wake()

    def encoder_restarted(self) -> None:
        """Count the restart."""
        self._metrics.devices.encoder_restarted()

    def encoders_changed(self) -> None:
        """Wake the songs that have waited for an encoder; fail those for which none comes up."""
        if self._encoders.unavailable:
            for job in self._jobs:
                job.fail(WorkerLost("the encoder could not be started"))
        self._wake()
        self._readiness_changed()

    def _fail(self, job: Job, text: str) -> None:
        with bound(**job.names):
            _log.error("the song could not be encoded: %s", text)
        job.fail(SongFailed("the song could not be encoded"))
