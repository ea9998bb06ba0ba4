"""Strategies for making songs with the real scheduler: step by step as in the server, or in batches of whole songs."""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from benchmarks.scheduling.pool import Pool, by_engine, engine_of
from benchmarks.scheduling.traffic import ArrivingSong
from model.song import SongParams
from server.estimation.estimator import Estimator, Spent
from server.estimation.forecast import Work
from server.scheduling.device_usage import DeviceUsage
from server.scheduling.policy import Policy
from server.scheduling.scheduled_song import Sink
from server.scheduling.scheduler import Scheduler
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Rendered, Reply


class Dispatcher(Protocol):
    """Protocol of a strategy that assigns songs to the schedulers."""

    def arrive(self, song_id: str, song: ArrivingSong, sink: Sink) -> Sequence[str]:
        """Accept a song and return the devices that may now have work."""

    def device_of(self, song_id: str) -> str | None:
        """Return the device that makes a song; see `Scheduler.device_of`."""

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """Return the next command for a lane (command queue) of a device, `None` if there is none; see
        `Scheduler.next_command`.
        """

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """Handle a device's reply to a command of a lane (command queue); see `Scheduler.done`."""

    def encoded(self, seconds: float, sound_seconds: float) -> None:
        """Record that encoding a window of `sound_seconds` took `seconds`; see `Scheduler.encoded`."""


def drop_whole(scheduler: Scheduler, reply: Rendered) -> bool:
    """Remove the song of `reply` from the scheduler if no device makes it any more, because its last section is
    rendered; return True if it was removed.
    """
    song_id = reply.section.song.song_id
    whole = scheduler.device_of(song_id) is None
    if whole:
        scheduler.drop(song_id)
    return whole


class Estimates:
    """Estimates of the device time that songs need, by the server's estimator, which learns from completed songs.

    Each estimate is multiplied by a random factor of the song, whose logarithm has the standard deviation `error`.
    """

    def __init__(self, pool: Pool, error: float, seed: int) -> None:
        self._estimator = Estimator()
        self._engines = pool.engines
        self._error = error
        self._seed = seed

    def expected(self, song_id: str, song: ArrivingSong) -> Work | None:
        """Return the estimated device time of a song; `None` until a song of its engine is complete."""
        steps = self._engines[song.engine].steps
        work = self._estimator.expected(song.engine, sound_seconds=song.seconds, steps=steps)
        if work is None:
            return None
        factor = random.Random(f"{self._seed} {song_id}").lognormvariate(0.0, self._error)
        return replace(
            work, first_seconds=factor * (work.first_seconds or 0.0), rest_seconds=factor * work.rest_seconds
        )

    def measured(self, song: ArrivingSong, usage: DeviceUsage) -> None:
        """Update the estimates with the device time `usage` that a complete song took."""
        spent = Spent(
            first_seconds=usage.first_seconds or 0.0,
            step_seconds=usage.step_seconds,
            whole_step_seconds=usage.whole_step_seconds,
            other_seconds=usage.other_seconds,
            lag_seconds=0.0,
            sound_seconds=song.seconds,
            steps=self._engines[song.engine].steps,
        )
        self._estimator.measured(song.engine, spent)


class Continuous:
    """Strategy of the server: one scheduler for the whole pool, in which songs join and leave batches at every step."""

    def __init__(
        self,
        specs: Sequence[DeviceSpec],
        policy: Policy,
        clock: Callable[[], float],
        estimates: Estimates,
        encoders: int | None,
    ) -> None:
        self._scheduler = Scheduler(specs, policy=policy, clock=clock, encoders=encoders)
        self._estimates = estimates
        self._songs: dict[str, tuple[ArrivingSong, DeviceUsage]] = {}
        for spec in specs:
            self._scheduler.open(spec.name, spec.engines)

    def arrive(self, song_id: str, song: ArrivingSong, sink: Sink) -> Sequence[str]:
        """Add a song to the scheduler; returns the devices that may now have work."""
        usage = DeviceUsage()
        self._songs[song_id] = (song, usage)
        work = self._estimates.expected(song_id, song)
        self._scheduler.add(song_id, song.engine, params_of(song), sink, usage=usage, work=work)
        device = self.device_of(song_id)
        return () if device is None else (device,)

    def device_of(self, song_id: str) -> str | None:
        """Return the device that makes a song, according to the scheduler."""
        return self._scheduler.device_of(song_id)

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """Return the scheduler's next command for a lane (command queue) of a device, `None` if there is none."""
        return self._scheduler.next_command(device, lane)

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """Pass the reply to the scheduler, and learn from a song that is complete."""
        self._scheduler.done(device, reply, lane)
        if isinstance(reply, Rendered) and reply.last and drop_whole(self._scheduler, reply):
            self._estimates.measured(*self._songs.pop(reply.section.song.song_id))

    def encoded(self, seconds: float, sound_seconds: float) -> None:
        """Report to the scheduler that encoding a window of `sound_seconds` took `seconds`."""
        self._scheduler.encoded(seconds, sound_seconds)


class WholeBatches:
    """Strategy of batching whole songs: a device gets songs only when it has none, and then as many as it can make."""

    def __init__(self, specs: Sequence[DeviceSpec], policy: Policy, clock: Callable[[], float], batch_songs: int):
        self._schedulers = {spec.name: Scheduler((spec,), policy=policy, clock=clock) for spec in specs}
        self._engines = {spec.name: engine_of(spec) for spec in specs}
        self._queues = {engine: deque[tuple[str, ArrivingSong, Sink]]() for engine in by_engine(specs)}
        self._running = {spec.name: set[str]() for spec in specs}
        self._batch_songs = batch_songs
        for spec in specs:
            self._schedulers[spec.name].open(spec.name, spec.engines)

    def arrive(self, song_id: str, song: ArrivingSong, sink: Sink) -> Sequence[str]:
        """Add the song to the queue of its engine; if a device of the engine has no songs, begin a batch there. Return
        the name of that device; the result is empty if the song has to wait.
        """
        self._queues[song.engine].append((song_id, song, sink))
        idle = (name for name, running in self._running.items() if not running and self._engines[name] == song.engine)
        if (name := next(idle, None)) is None:
            return ()
        self._begin(name)
        return (name,)

    def device_of(self, song_id: str) -> str | None:
        """Return the device that makes the song, `None` while the song waits."""
        return next((name for name, running in self._running.items() if song_id in running), None)

    def next_command(self, device: str, lane: Lane) -> Command | None:
        """Return the next command of the device's own scheduler for a lane (command queue), `None` if there is none."""
        return self._schedulers[device].next_command(device, lane)

    def done(self, device: str, reply: Reply, lane: Lane) -> None:
        """Pass the reply to the device's scheduler; if it completes the batch's last song, begin the next batch."""
        scheduler, running = self._schedulers[device], self._running[device]
        scheduler.done(device, reply, lane)
        if isinstance(reply, Rendered) and reply.last and drop_whole(scheduler, reply):
            running.discard(reply.section.song.song_id)
            if not running:
                self._begin(device)

    def encoded(self, seconds: float, sound_seconds: float) -> None:
        """Do nothing, because batches do not depend on the encoders."""

    def _begin(self, device: str) -> None:
        queue = self._queues[self._engines[device]]
        for _ in range(min(len(queue), self._batch_songs)):
            song_id, song, sink = queue.popleft()
            self._running[device].add(song_id)
            self._schedulers[device].add(song_id, song.engine, params_of(song), sink)


def params_of(song: ArrivingSong) -> SongParams:
    """Return the request parameters of a song."""
    return SongParams("", "", 0, duration_seconds=song.seconds)
