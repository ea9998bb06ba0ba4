"""Ways to serve songs with the real scheduler: as the server does, and by batches of whole songs."""

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from benchmarks.scheduling.simulated_worker import ENGINE
from model.song import SongParams
from server.scheduling.policy import Policy
from server.scheduling.scheduler import Scheduler
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Rendered, Reply


class Outlet:
    """A listener who takes everything at once."""

    full = False
    unsent_seconds = 0.0


class Dispatcher(Protocol):
    """What decides in front of the scheduler."""

    def arrive(self, song_id: str, params: SongParams) -> Sequence[str]:
        """Take a song in; the devices that may have got something to do."""

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """As `Scheduler.next_command`."""

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """As `Scheduler.done`."""


def drop_whole(scheduler: Scheduler, reply: Rendered) -> bool:
    """Drop the song of which a section has just ended, if that was the last one; returns whether it was."""
    song_id = reply.section.song.song_id
    whole = scheduler.device_of(song_id) is None
    if whole:
        scheduler.drop(song_id)
    return whole


class Continuous:
    """One scheduler for the pool: songs join and leave at every step."""

    def __init__(self, specs: Sequence[DeviceSpec], policy: Policy, clock: Callable[[], float], work_seconds: float):
        self._scheduler = Scheduler(specs, policy=policy, clock=clock)
        self._work_seconds = work_seconds
        for spec in specs:
            self._scheduler.open(spec.name, (ENGINE,))

    def arrive(self, song_id: str, params: SongParams) -> Sequence[str]:
        """Hand the song on."""
        work_seconds = self._work_seconds * (params.duration_seconds or 0.0)
        self._scheduler.add(song_id, ENGINE, params, Outlet(), work_seconds=work_seconds)
        device = self._scheduler.device_of(song_id)
        return () if device is None else (device,)

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """Ask the scheduler."""
        return self._scheduler.next_command(device, lane)

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """Tell the scheduler."""
        self._scheduler.done(device, reply, lane)
        if isinstance(reply, Rendered) and reply.last:
            drop_whole(self._scheduler, reply)


class WholeBatches:
    """Batching by requests: a device takes songs only when it has none, and then as many as it may."""

    def __init__(self, specs: Sequence[DeviceSpec], policy: Policy, clock: Callable[[], float], batch_songs: int):
        self._schedulers = {spec.name: Scheduler((spec,), policy=policy, clock=clock) for spec in specs}
        self._queue: deque[tuple[str, SongParams]] = deque()
        self._running = {spec.name: set[str]() for spec in specs}
        self._batch_songs = batch_songs
        for name, scheduler in self._schedulers.items():
            scheduler.open(name, (ENGINE,))

    def arrive(self, song_id: str, params: SongParams) -> Sequence[str]:
        """Queue the song, and begin a batch on a device that has none."""
        self._queue.append((song_id, params))
        idle = next((name for name, running in self._running.items() if not running), None)
        if idle is None:
            return ()
        self._begin(idle)
        return (idle,)

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """Ask the device's own scheduler."""
        return self._schedulers[device].next_command(device, lane)

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """Tell it, and begin the next batch after the last song of this one."""
        scheduler, running = self._schedulers[device], self._running[device]
        scheduler.done(device, reply, lane)
        if isinstance(reply, Rendered) and reply.last and drop_whole(scheduler, reply):
            running.discard(reply.section.song.song_id)
            if not running:
                self._begin(device)

    def _begin(self, device: str) -> None:
        for song_id, params in itertools.islice(iter(self._take, None), self._batch_songs):
            self._running[device].add(song_id)
            self._schedulers[device].add(song_id, ENGINE, params, Outlet())

    def _take(self) -> tuple[str, SongParams] | None:
        return self._queue.popleft() if self._queue else None
