"""Sends signs of life of songs that told nothing for a while, so that no proxy takes their streams for dead."""

import asyncio
import itertools
import logging
from collections.abc import Mapping

from server.contract.events import queue_status_message
from server.song import QueueStatus, SongState
from server.songs.ports import SongRunner
from server.songs.recording import Recording
from server.songs.shared.making import SharedMaking
from server.songs.shared.mirrors import Mirrors
from server.songs.shared.survey import Survey
from server.store.base import StoreFailed

logger = logging.getLogger(__name__)


class Heartbeat:
    """Tells every listened song of this replica something at least every `interval_seconds`.

    A song that waits in the service tells its position and ETA, for which the directory is asked once in an interval
    for all songs together. One that is made on another replica tells no more than that it lives: progress of steps is
    not stored, and so does not leave its maker. One that is made here tells its progress itself, and is only spoken for
    where it is silent, such as while its sound cannot be stored.
    """

    def __init__(
        self,
        survey: Survey,
        runner: SongRunner,
        mirrors: Mirrors,
        making: SharedMaking,
        interval_seconds: float,
    ) -> None:
        self._survey = survey
        self._runner = runner
        self._mirrors = mirrors
        self._making = making
        self._half_seconds = interval_seconds / 2
        self._counts: dict[Recording, int] = {}
        self._waiting: Mapping[str, QueueStatus] = {}

    async def run(self) -> None:
        """Beat for ever, twice in an interval, whatever a beat takes."""
        loop = asyncio.get_running_loop()
        at = loop.time()
        for number in itertools.count():
            at = max(at + self._half_seconds, loop.time())
            await asyncio.sleep(at - loop.time())
            try:
                await self._send_heartbeats(ask=number % 2 == 0)
            except Exception:
                logger.exception("songs could not give a sign of life")

    async def _send_heartbeats(self, *, ask: bool) -> None:
        """Speak for the songs that told nothing since the last beat."""
        waiting = [recording for recording in self._mirrors.followed if recording.song.state is SongState.QUEUED]
        for recording in filter(self._silent, self._open() - set(waiting)):
            recording.append(queue_status_message(QueueStatus(0)))
        if waiting:
            if ask:
                await self._ask()
            for recording in filter(self._silent, waiting):
                recording.append(queue_status_message(self._waiting.get(recording.song.song_id, QueueStatus(0))))
        self._counts = {recording: recording.event_count for recording in self._open()}

    async def _ask(self) -> None:
        """Read the positions anew. While the directory is away, the last ones are told on."""
        try:
            async with asyncio.timeout(self._half_seconds / 2):
                self._waiting = self._runner.waiting(await self._survey.state(anew=True))
        except (StoreFailed, TimeoutError) as error:
            logger.warning("the queue of the service could not be read: %s", error)

    def _silent(self, recording: Recording) -> bool:
        """True for a song that told something before the last beat, and nothing since."""
        return not recording.ended and bool(recording.entries) and self._counts.get(recording) == recording.event_count

    def _open(self) -> set[Recording]:
        return {*self._mirrors.followed, *self._making.begun}
