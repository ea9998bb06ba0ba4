"""Sends heartbeat events to listeners of songs without other events, so that proxies do not close the connections as
idle.
"""

import asyncio
import itertools
import logging
from collections.abc import Mapping

from server.contract.events import queue_status_message
from server.song import QueueStatus, SongState
from server.songs.ports import SongRunner
from server.songs.recordings.recording import Recording
from server.songs.shared.making import SharedMaking
from server.songs.shared.mirrors import Mirrors
from server.songs.shared.survey import Survey
from server.store.base import StoreFailed

logger = logging.getLogger(__name__)


class Heartbeat:
    """Sends an event to the listeners of every unfinished song on this server at least every `interval_seconds`.

    The heartbeat of a waiting song has the song's queue position and ETA (estimated times until its first sound and its
    end); the queue is read once per interval for all songs together. The heartbeat of a song that another server makes
    is empty, because the progress of steps is not stored. A song made here reports its own progress, and gets
    heartbeats only while it has no events, for example while its sound cannot be stored.
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
        """Send heartbeats twice per interval until cancelled; the time for sending does not make the interval
        longer.
        """
        loop = asyncio.get_running_loop()
        at = loop.time()
        for number in itertools.count():
            at = max(at + self._half_seconds, loop.time())
            await asyncio.sleep(at - loop.time())
            try:
                await self._send_heartbeats(ask=number % 2 == 0)
            except Exception:
                logger.exception(
                    "heartbeats could not be sent to the listeners of songs because of a bug of the server; the "
                    "server tries again soon: please report this traceback"
                )

    async def _send_heartbeats(self, *, ask: bool) -> None:
        """Send a heartbeat to the listeners of each song that had no event since the last call; with `ask` queue
        positions are read first.
        """
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
        """Read the queue positions of waiting songs from the song directory; if that fails, the last known positions
        stay.
        """
        try:
            async with asyncio.timeout(self._half_seconds / 2):
                self._waiting = self._runner.waiting(await self._survey.state(anew=True))
        except (StoreFailed, TimeoutError) as error:
            logger.warning(
                "the queue of all servers could not be read, so listeners get their last known queue position: %s",
                error,
            )

    def _silent(self, recording: Recording) -> bool:
        """Return True for a running or waiting song that has logged events, but no new event since the last
        heartbeats.
        """
        return not recording.ended and bool(recording.entries) and self._counts.get(recording) == recording.event_count

    def _open(self) -> set[Recording]:
        return {*self._mirrors.followed, *self._making.begun}
