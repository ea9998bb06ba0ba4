"""Decides the next command of every lane (command queue) of every device. Pure: no input or output, no torch, no tasks,
an injected clock.

`Scheduler` combines four parts: placement.py gives songs slots on devices; next_command.py chooses commands by the
policy (policy.py, batching.py), one at a time for every lane, or several that do not depend on each other's replies;
replies.py handles the replies; failures.py retries failed attempts.

A song is planned; then its sections are prepared, denoised and rendered in order. On a device that renders beside
denoising, the next section is prepared while one is being denoised, and may be denoised while one is being rendered. No
further section is made ahead, to save memory.

A song stays on its device until a failure, because its state is there and another device would have to plan it again.
After a failure the song returns to the waiting queue with the saved state of its last section boundary and the denoised
sections after it.

A section occupies device memory from its preparation to its last step, and is prepared only if there is memory for it.
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
    """Tracks all songs and chooses the next command of each lane (command queue of a worker), which answers its
    commands in their order.
    """

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
        """Set up the scheduler; `clock` returns monotonic seconds. `weights` has the weights of callers in fair
        sharing, 1 for callers not named; a failed song is retried at most `retries` times.

        `encoders` is the number of encoder processes for all devices; `None` means no limit by encoders.
        """
        self._clock = clock
        self._shares = FairShare(weights)
        self._placement = Placement(devices, policy, self._shares, clock, encoders=encoders)
        self._failures = FailureHandler(self._placement, retries)
        self._commands = CommandChooser(policy, self._shares, clock)
        self._replies = ReplyHandler(self._placement, self._failures, clock)

    def open(self, device: str, engines: Collection[str]) -> None:
        """Start to serve songs of `engines` on `device`, whose worker is ready."""
        self._placement.device(device).engines = frozenset(engines)

    def close(self, device: str) -> tuple[FailedAttempt, ...]:
        """Stop serving `device`, whose worker has ended. Return the failed attempts of its songs; songs that are
        retried wait for another slot.
        """
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
        """Add a song; it waits until a device with its engine has a slot.

        `trace` (the W3C `traceparent` of the song's call, for spans) and `plan` (the pickled plan of the song, empty if
        not made yet) are sent to the song's worker.

        `work` is the expected device time, `None` if unknown; actual usage is added to `usage`. The song must be
        complete at the time `deadline`; `None`: no deadline.
        """
        left_seconds = _UNKNOWN_WORK_SECONDS if work is None else work.total_seconds
        account = SongAccount(caller, self._shares, usage or DeviceUsage(), left_seconds)
        spec = SongSpec(song_id, engine, params, caller, self._clock(), trace, work, deadline, plan)
        self._placement.add(ScheduledSong(spec, sink, account))

    def drop(self, song_id: str) -> None:
        """Stop working on a song; the worker of its device will get a command to release its data. Unknown songs are
        ignored.
        """
        self._placement.drop(song_id)

    def restart_whole(self, song_id: str, encoded_seconds: float) -> RetryDecision | None:
        """Start a song again from its beginning, because its encoder was lost after `encoded_seconds` of its sound.
        Return the decision: retry the song, or end it after too many losses.

        Returns `None` if the song has no sound yet. The song may already be rendered completely, as long as it is not
        dropped.
        """
        return self._failures.encoder_lost(song_id, encoded_seconds)

    def waiting(self, engine: str) -> tuple[str, ...]:
        """Return the ids of the songs of `engine` that wait for a slot on a device, approximately in the order in which
        they will get one.
        """
        return self._placement.waiting(engine)

    def device_of(self, song_id: str) -> str | None:
        """Return the device on which a song has a slot; `None` while the song waits, or if it is unknown."""
        song = self._placement.song(song_id)
        return None if song is None else song.device

    def length_share(self, song_id: str) -> float:
        """Return the length of a song divided by its planned length: less than 1 if it ends early, and 1 if the
        scheduler does not have the song.
        """
        song = self._placement.song(song_id)
        return 1.0 if song is None else song.length_share

    def depths(self) -> dict[str, QueueDepth]:
        """Return the queue depth of every engine that has songs, by engine."""
        return self._placement.depths()

    def is_current(self, key: SongKey) -> bool:
        """Return True if `key` is the key of the current attempt at its song."""
        song = self._placement.song(key.song_id)
        return song is not None and song.attempt.key == key

    def next_command(self, name: str, lane: Lane = Lane.BOTH) -> Command | None:
        """Return the next command for a lane (command queue) of device `name`; `None` if there is nothing to do until
        something changes.

        Earlier commands may still be unanswered. Their denoising steps count as done; a song with another unanswered
        command on the lane gets no further one.
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
        """Return the expected seconds of the denoising steps of a command that was just sent; `None` for other commands
        and while unknown.
        """
        steps = self._placement.device(name).steps
        if not isinstance(command, Step) or not steps.known:
            return None
        songs = [(self._placement.song(key.song_id), index) for key, index in command.sections]
        costs = [song.attempt.prepared[index].cost for song, index in songs if song and index in song.attempt.prepared]
        return command.steps * steps.seconds(sum(costs))

    def encoded(self, seconds: float, sound_seconds: float) -> None:
        """Record that an encoder took `seconds` for `sound_seconds` of sound."""
        self._placement.encoding.add(seconds, sound_seconds)

    def done(self, name: str, reply: Reply, lane: Lane = Lane.BOTH) -> tuple[FailedAttempt, ...]:
        """Handle the reply to the oldest unanswered command of a lane (command queue), and return the attempts at songs
        that the reply reports as failed.

        Replies for dropped songs and for earlier attempts at songs are ignored.
        """
        return self._replies.handle(self._placement.device(name), reply, lane)
