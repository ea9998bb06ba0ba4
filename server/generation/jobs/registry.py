"""Table of the jobs of this server: the songs that wait or are being made."""

import asyncio
from collections.abc import Iterator
from typing import Final

from server.errors import ServiceError
from server.generation.jobs.job import Job

_MOST_KNOWN: Final = 20_000
"""Number of keys of ended jobs to remember; it is larger than the number of closed songs that encoders remember."""


class Jobs:
    """The jobs of songs that wait or are being made on this server, by key, in the order of their admission."""

    def __init__(self) -> None:
        self._begun: dict[str, int] = {}
        self._jobs: dict[str, Job] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def __iter__(self) -> Iterator[Job]:
        """Iterate over a snapshot of all jobs; jobs may end meanwhile."""
        return iter(tuple(self._jobs.values()))

    def new_key(self, song_id: str) -> str:
        """Return a key for a new job: the song's id, or another text if the song had a job on this server before.

        Late messages of devices and encoders for the earlier job carry its key, so they do not reach the new job.
        """
        times = self._begun[song_id] = self._begun.pop(song_id, 0) + 1
        if len(self._begun) > _MOST_KNOWN:
            del self._begun[next(iter(self._begun))]
        return song_id if times == 1 else f"{song_id}.{times}"

    def get(self, key: str) -> Job | None:
        """Return the job with this key; `None` if it has ended or the key is unknown."""
        return self._jobs.get(key)

    def add(self, job: Job) -> None:
        """Add the job of a new song under its key."""
        self._jobs[job.key] = job
        self._idle.clear()

    def remove(self, job: Job) -> None:
        """Remove a job that has ended."""
        del self._jobs[job.key]
        if not self._jobs:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no song is being made."""
        await self._idle.wait()

    def fail_all(self, error: ServiceError) -> int:
        """End every job with an error, and return the number of jobs."""
        failed = tuple(self)
        for job in failed:
            job.fail(error)
        return len(failed)
