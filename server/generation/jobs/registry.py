"""The jobs of this server."""

import asyncio
from collections.abc import Iterator

from server.errors import ServiceError
from server.generation.jobs.job import Job


class Jobs:
    """The songs that are being made or wait, by song id, in the order of their admission."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def __iter__(self) -> Iterator[Job]:
        """All jobs of this moment; they may end meanwhile."""
        return iter(tuple(self._jobs.values()))

    def get(self, song_id: str) -> Job | None:
        """The job of a song; `None` when it has ended."""
        return self._jobs.get(song_id)

    def add(self, job: Job) -> None:
        """Take a job in."""
        self._jobs[job.song_id] = job
        self._idle.clear()

    def remove(self, job: Job) -> None:
        """Forget a job that has ended."""
        del self._jobs[job.song_id]
        if not self._jobs:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no song is being made."""
        await self._idle.wait()

    def fail_all(self, error: ServiceError) -> int:
        """Fail every job; returns their number."""
        failed = tuple(self)
        for job in failed:
            job.fail(error)
        return len(failed)
