"""Sends heartbeats for songs without events, so that proxies do not close idle connections."""

import asyncio
import logging

from server.generation.admission.eta import EtaEstimator
from server.generation.admission.queue_order import QueueOrder
from server.generation.admission.service_eta import queue_status_of
from server.generation.jobs.registry import Jobs

_log = logging.getLogger(__name__)


class Heartbeat:
    """Sends the queue position and ETA of every song that has sent no event for a while, at least every
    `interval_seconds`.
    """

    def __init__(self, jobs: Jobs, queue: QueueOrder, eta: EtaEstimator, interval_seconds: float) -> None:
        self._jobs = jobs
        self._queue = queue
        self._eta = eta
        self._half_seconds = interval_seconds / 2

    async def run(self) -> None:
        """Send heartbeats to the listeners of songs at intervals, until cancelled."""
        while True:
            await asyncio.sleep(self._half_seconds)
            try:
                self._send()
            except Exception:
                _log.exception(
                    "heartbeats could not be sent to the listeners of songs because of a bug of the server; the "
                    "server tries again soon: please report this traceback"
                )

    def _send(self) -> None:
        positions, estimates = self._queue.positions(), self._eta.remaining()
        for job in self._jobs:
            waiting = queue_status_of(positions.get(job.key, 0), estimates.get(job.key))
            job.heartbeat(waiting, self._half_seconds)
