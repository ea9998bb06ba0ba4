"""Reads the order of songs from the scheduler: of those that have a slot on a device, and of those that wait for
one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.generation.jobs.job import Job
from server.generation.jobs.registry import Jobs
from server.scheduling.scheduler import Scheduler
from server.workers.base import WorkerPool


@dataclass(frozen=True, slots=True)
class Capacity:
    """The number of devices that serve an engine, and the total number of songs that these devices make at the same
    time.
    """

    devices: int
    slots: int


class QueueOrder:
    """Reads positions and order of songs from the scheduler, and the capacity of the devices that serve an engine."""

    def __init__(self, scheduler: Scheduler, jobs: Jobs, pool: WorkerPool) -> None:
        self._scheduler = scheduler
        self._jobs = jobs
        self._pool = pool
        self._slots = {spec.name: spec.running_songs for spec in pool.devices}

    def positions(self) -> dict[str, int]:
        """Return the queue position of each waiting song, from 1, by song id."""
        waiting = (song_id for engine in self._pool.engine_names for song_id in self._scheduler.waiting(engine))
        return {song_id: position for position, song_id in enumerate(waiting, start=1)}

    def jobs(self) -> Sequence[Job]:
        """Return all jobs: first those of songs with a slot on a device, then those of waiting songs in queue order."""
        waiting = [job for song_id in self.positions() if (job := self._jobs.get(song_id))]
        placed = [job for job in self._jobs if self._scheduler.device_of(job.key) is not None]
        return placed + waiting

    def length_share(self, job: Job) -> float:
        """Return the length of a song divided by its planned length: less than 1 if the song ends early."""
        return self._scheduler.length_share(job.key)

    def capacity(self, engine: str) -> Capacity:
        """Return the capacity of this server for songs of `engine`, at least one device and one slot."""
        devices = self._pool.devices_of(engine)
        return Capacity(max(1, len(devices)), max(1, sum(self._slots[device] for device in devices)))
