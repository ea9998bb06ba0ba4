"""The order in which songs get slots on devices."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.generation.jobs.job import Job
from server.generation.jobs.registry import Jobs
from server.scheduling.scheduler import Scheduler
from server.workers.base import WorkerPool


@dataclass(frozen=True, slots=True)
class Capacity:
    """The number of devices that can make an engine's songs, and the number of songs that they make at the same
    time.
    """

    devices: int
    slots: int


class QueueOrder:
    """Reads the scheduler's queue: positions, order, and the capacity that serves the queue."""

    def __init__(self, scheduler: Scheduler, jobs: Jobs, pool: WorkerPool) -> None:
        self._scheduler = scheduler
        self._jobs = jobs
        self._pool = pool
        self._slots = {spec.name: spec.running_songs for spec in pool.devices}

    def positions(self) -> dict[str, int]:
        """Return the position of each waiting song, from 1, counting songs that have a slot before it."""
        waiting = (song_id for engine in self._pool.engine_names for song_id in self._scheduler.waiting(engine))
        return {song_id: position for position, song_id in enumerate(waiting, start=1)}

    def jobs(self) -> Sequence[Job]:
        """Return all jobs: first those with a slot, then the waiting ones, each in their order."""
        waiting = [job for song_id in self.positions() if (job := self._jobs.get(song_id))]
        placed = [job for job in self._jobs if self._scheduler.device_of(job.key) is not None]
        return placed + waiting

    def length_share(self, job: Job) -> float:
        """Return the length of a song as a share of its planned length, less than 1 if it ends early."""
        return self._scheduler.length_share(job.key)

    def capacity(self, engine: str) -> Capacity:
        """Return the capacity for songs of `engine`, at least one device and one slot."""
        devices = self._pool.devices_of(engine)
        return Capacity(max(1, len(devices)), max(1, sum(self._slots[device] for device in devices)))
