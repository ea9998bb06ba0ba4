"""Decides what every lane of a device does next. Pure: no input or output, no torch, no tasks, an injected clock.

`Scheduler` is the front of four parts. placement.py gives songs slots on devices. next_command.py turns the policy
(policy.py, batching.py) into commands, one at a time for every lane. replies.py takes in what commands led to.
failures.py repeats failed attempts.

A song is planned; then each of its sections is prepared, denoised and rendered in order. On a device that renders
beside denoising, the next section is prepared while one is denoised, and may be denoised while one is rendered, but no
more than that: sound that nobody waits for yet is not worth memory.

A song stays on its device until a failure: its state is there, and moving it would cost planning it again. When an
attempt fails, the song goes back to the waiting queue with what was saved at its last section boundary, and with the
sections behind it that are denoised.

A section takes memory of its device from its preparation to its last step. Nothing is prepared for which there is none.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from model.song import SongParams
from server.estimation.forecast import Work
from server.scheduling.device_usage import DeviceUsage, SongAccount
from server.scheduling.failures import FailureHandler
from server.scheduling.fair_share import FairShare
from server.scheduling.next_command import CommandChooser
from server.scheduling.placement import Placement
from server.scheduling.policy import Policy
from server.scheduling.queue_depth import QueueDepth
from server.scheduling.replies import ReplyHandler
from server.scheduling.retry import FailedAttempt, RetryDecision
from server.scheduling.scheduled_song import ScheduledSong, Sink, SongSpec
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Reply, SongKey, Step

_UNKNOWN_WORK_SECONDS = 1.0


class Scheduler:
    """Keeps a record of every song and answers what a lane of a device should do next; one command each at a time."""

    def __init__(
        self,
        devices: Sequence[DeviceSpec],
        *,
        policy: Policy,
        clock: Callable[[], float],
        weights: Mapping[str, float] = MappingProxyType({}),
        retries: int = 3,
        encoders: int | None = None,
    ) -> None:
        """`weights` are those of callers' shares, 1 for the rest; an attempt at a song is repeated `retries` times.

        `encoders` processes encode for all devices; `None` is no bound.
        """
        self._clock = clock
        self._shares = FairShare(weights)
        self._placement = Placement(devices, policy, self._shares, clock, encoders=encoders)
        self._failures = FailureHandler(self._placement, retries)
        self._commands = CommandChooser(policy, self._shares, clock)
        self._replies = ReplyHandler(self._placement, self._failures, clock)

    def open(self, device: str, engines: Collection[str]) -> None:
        """Give songs of `engines` to `device` from now on."""
        self._placement.device(device).engines = frozenset(engines)

    def close(self, device: str) -> tuple[FailedAttempt, ...]:
        """Give nothing to `device` any more; its songs wait for another slot, but for those returned."""
        return self._failures.worker_lost(device)

    def add(
        self,
        song_id: str,
        engine: str,
        params: SongParams,
        sink: Sink,
        *,
        caller: str = "",
        usage: DeviceUsage | None = None,
        work: Work | None = None,
        deadline: float | None = None,
        trace: str = "",
        plan: bytes = b"",
    ) -> None:
        """Take in a song; it waits until a device that has its engine has a slot.

        `trace` goes to its worker, and `plan`, where it was made already.

        It should take `work` of a device, `None` where nobody knows; what it takes is written into `usage`. It has to
        be complete at `deadline` on the clock, `None`: it may take its time.
        """
        left_seconds = _UNKNOWN_WORK_SECONDS if work is None else work.total_seconds
        account = SongAccount(caller, self._shares, usage or DeviceUsage(), left_seconds)
        spec = SongSpec(song_id, engine, params, caller, self._clock(), trace, work, deadline, plan)
        self._placement.add(ScheduledSong(spec, sink, account))

    def drop(self, song_id: str) -> None:
        """Give no more work to a song; its device is told to release it. Unknown songs are ignored."""
        self._placement.drop(song_id)

    def restart_whole(self, song_id: str, encoded_seconds: float) -> RetryDecision | None:
        """Have all of a song made once more, because its encoder was lost after so much sound; what becomes of it.

        `None` where nothing of it was made. Its sound may have been rendered to the end, until it is dropped.
        """
        return self._failures.encoder_lost(song_id, encoded_seconds)

    def waiting(self, engine: str) -> tuple[str, ...]:
        """The songs of `engine` that have no slot, about in the order in which they will get one."""
        return self._placement.waiting(engine)

    def device_of(self, song_id: str) -> str | None:
        """The device on which a song has a slot; `None` while it waits, or when it is unknown."""
        song = self._placement.song(song_id)
        return None if song is None else song.device

    def depths(self) -> dict[str, QueueDepth]:
        """Queue depth of every engine that has songs."""
        return self._placement.depths()

    def is_current(self, key: SongKey) -> bool:
        """True if this is the current attempt at the song."""
        song = self._placement.song(key.song_id)
        return song is not None and song.attempt.key == key

    def next_command(self, name: str, lane: Lane = Lane.BOTH) -> Command | None:
        """The next command of the lane; `None` when there is nothing to do until something changes.

        It may be asked while an earlier command is on its way: that one is then taken for done.
        """
        device = self._placement.device(name)
        self._placement.fill_slots(device)
        command = self._commands.choose(device, lane)
        if command is not None:
            device.worked.has_work(self._clock())
            device.issue(command, lane)
        elif not device.in_flight:
            device.worked.has_none()
        return command

    def step_seconds(self, name: str, command: Command) -> float | None:
        """The seconds that steps just given out should take; `None` for other commands and while it is unknown."""
        steps = self._placement.device(name).steps
        if not isinstance(command, Step) or not steps.known:
            return None
        songs = [(self._placement.song(key.song_id), index) for key, index in command.sections]
        costs = [song.attempt.prepared[index].cost for song, index in songs if song and index in song.attempt.prepared]
        return command.steps * steps.seconds(sum(costs))

    def encoded(self, seconds: float, sound_seconds: float) -> None:
        """Take note that an encoder took `seconds` for `sound_seconds` of sound."""
        self._placement.encoding.add(seconds, sound_seconds)

    def done(self, name: str, reply: Reply, lane: Lane = Lane.BOTH) -> tuple[FailedAttempt, ...]:
        """Take note of what the lane's command led to, and return the songs that failed.

        What is said about songs that were dropped, or about former attempts, is ignored.
        """
        return self._replies.handle(self._placement.device(name), reply, lane)
