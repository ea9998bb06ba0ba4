"""Counts the songs of all servers and their work in device seconds, for autoscalers."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.songs.ports import SongRunner
from server.songs.shared.survey import Survey
from server.store.base import StoreFailed
from server.store.directory import Directory
from server.store.whole_service import Queue

_INTERVAL_SECONDS = 2.0
_GOOD_SECONDS = 30.0
"""Seconds for which the published numbers of songs are valid. A rolling update of all servers interrupts the counting
for less time.
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """Work of the whole service: by engine, the number of songs that have not ended, and the device seconds of the
    waiting songs.

    `queue` has the waiting songs at the moment of the count; `None` if the count has failed.
    """

    songs: Mapping[str, int] = field(default_factory=dict)
    backlog_seconds: Mapping[str, float] = field(default_factory=dict)
    queue: Queue | None = None


class Demand:
    """Counts the songs and the work of the whole service every two seconds; every server gets the same numbers."""

    def __init__(self, directory: Directory, survey: Survey, runner: SongRunner, engines: Sequence[str]) -> None:
        """Set up the count; `engines` are the configured engines. An engine that no server has served yet counts as at
        least one song, so that an autoscaler starts a server for it.
        """
        self._directory = directory
        self._survey = survey
        self._runner = runner
        self._engines = engines
        self.work = Work()
        """Result of the latest count; empty while the song directory is unreachable."""

    async def run(self) -> None:
        """Count the songs and their work every two seconds, until cancelled."""
        while True:
            try:
                self.work = await self._count()
            except StoreFailed as error:
                self.work = Work()
                logger.warning(
                    "the waiting and running songs of all servers could not be counted; the metrics of demand are "
                    "absent until the next count: %s",
                    error,
                )
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def _count(self) -> Work:
        service = await self._survey.state()
        missing = [name for name in self._engines if name not in service.known and name not in service.engines]
        songs = await self._directory.demand(missing, _GOOD_SECONDS)
        return Work(songs, self._runner.backlog_seconds(service), service.queue)
