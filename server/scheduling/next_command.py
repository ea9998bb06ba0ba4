"""Chooses the next command for a lane (command queue) of a device, by the rank (priority) of the songs."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeAlias

from server.scheduling.batching import StepLoad, batch
from server.scheduling.device_progress import DeviceProgress
from server.scheduling.fair_share import FairShare
from server.scheduling.policy import Policy, Urgency
from server.scheduling.scheduled_song import ScheduledSong
from server.workers.messages import Command, Lane, Plan, Prepare, Release, Render, Step

_COMMAND_SECONDS = 0.02
"""Longest expected time, in seconds, of a command with several denoising steps: new songs wait that long before they
can join a step.
"""

Candidate: TypeAlias = tuple[ScheduledSong, Urgency]
"""A song that may get the next command, and the values by which it is ranked at this moment."""


class CommandChooser:
    """Ranks the songs of a device and chooses the next command of a lane (command queue). Candidates are the songs that
    may get a command, in the order of rank, each with the values by which it is ranked. The chooser's only side effect:
    an attempt at a song is removed from `device.to_release` when the command to release its data is chosen.
    """

    def __init__(self, policy: Policy, shares: FairShare, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._shares = shares
        self._clock = clock

    def choose(self, device: DeviceProgress, lane: Lane) -> Command | None:
        """Return the next command for a lane (command queue) of the device; `None` if there is nothing to do until a
        reply, song or listener changes the state.
        """
        if (releasable := device.releasable()) is not None:
            return Release(releasable)
        beside = device.in_flight.songs()
        command = self._due(device, lane, beside)
        if command is not None and beside and _waits_to_be_alone(device, command, beside):
            return None
        return command

    def _due(self, device: DeviceProgress, lane: Lane, beside: Collection[str]) -> Command | None:
        now = self._clock()
        candidates = self._ranked(device, now)
        if isolated := [one for one in candidates if one[0].song_id in beside and one[0].history.isolated]:
            candidates = isolated
        room = _Room(device, candidates)
        awaited = device.in_flight.awaited(lane)
        candidates = [one for one in candidates if one[0].song_id not in awaited]
        if lane is Lane.RENDER:
            return self._side_command(room, candidates)
        command = self._step_or_more(device, candidates, now, room if lane is Lane.BOTH else None)
        # A step waits until the songs that are being prepared for it can share it.
        return None if awaited and isinstance(command, Step) else command

    def _ranked(self, device: DeviceProgress, now: float) -> list[Candidate]:
        leads = self._shares.leads()
        songs = [song for song in device.songs.values() if not song.sink.full]
        urgencies = [song.urgency(now, leads[song.spec.caller]) for song in songs]
        ranked = self._policy.ranked(urgencies, now, detached_owed_seconds=device.detached_owed_seconds)
        return [(device.songs[urgency.song_id], urgency) for urgency in ranked]

    def _side_command(self, room: "_Room", candidates: Sequence[Candidate]) -> Command | None:
        """Return the next command for the lane (command queue) that works beside denoising. In the order of rank, songs
        are planned, rendered and their due sections prepared; then sections are prepared ahead. `room` is the device
        memory for prepared sections; `None` is returned if there is nothing to do.
        """
        for ahead in (0, 1):
            for song, _ in candidates:
                command = side_command_of(song, ahead)
                if command is not None and room.allows(command, song):
                    return command
        return None

    def _step_or_more(
        self, device: DeviceProgress, candidates: Sequence[Candidate], now: float, room: "_Room | None"
    ) -> Command | None:
        """Return the next command for a lane (command queue) that denoises: that of the first song in rank with
        something to do; `None` if there is none.

        A denoising step is shared with other songs. With `room` (a device with one lane), planning, rendering and
        preparing are done on the same lane, too.
        """
        for position, (song, _) in enumerate(candidates):
            command = side_command_of(song, 0) if room else None
            if command is not None and room and room.allows(command, song):
                return command
            if song.attempt.can_denoise(ahead=0 if room else 1):
                return self._shared_step(device, candidates[position:], now, room)
        return None

    def _shared_step(
        self, device: DeviceProgress, candidates: Sequence[Candidate], now: float, room: "_Room | None"
    ) -> Command:
        """Return a denoising step of the first song in `candidates`, shared with the songs that can join it.

        With `room` (the free memory of a device with one lane (command queue)), a command that another song needs
        before it can join is returned first, if memory allows.
        """
        first, _ = candidates[0]
        if first.history.isolated:
            return Step((first.attempt.due_section(),))
        company = [
            (song, urgency)
            for song, urgency in candidates
            if song.spec.engine == first.spec.engine and not song.history.isolated
        ]
        joining = self._joining_commands(company[: device.capacity.sections], now)
        if room and (command := next((one for one, song in joining if room.allows(one, song)), None)):
            return command
        ahead = 0 if room else 1
        members = [one for one in company if one[0].attempt.can_denoise(ahead=ahead)]
        chosen = batch(
            [self._load(song, urgency, now) for song, urgency in members],
            max_tokens=device.spec.batch_tokens,
            max_sections=device.capacity.sections,
            step_seconds=device.steps.seconds if device.steps.known else None,
        )
        return _steps_of([members[position][0] for position in chosen], device)

    def _joining_commands(self, company: Sequence[Candidate], now: float) -> Iterator[tuple[Command, ScheduledSong]]:
        """Yield the commands that songs need before they can share a denoising step with the first song of `company`,
        each with the song that needs it. `company` has the songs of one engine in the order of rank. If the first song
        is urgent, songs that can wait are left out.
        """
        (_, first), *others = company
        urgent = not self._policy.has_slack(first, now)
        for song, urgency in others:
            waits = urgent and self._policy.has_slack(urgency, now)
            if not waits and (command := joining_command_of(song)):
                yield command, song

    def _load(self, song: ScheduledSong, urgency: Urgency, now: float) -> StepLoad:
        attempt = song.attempt
        due = attempt.prepared[attempt.denoising]
        has_slack = self._policy.has_slack(urgency, now)
        return StepLoad(due.cost, due.length, (song.spec.engine, due.group), has_slack)


def _waits_to_be_alone(device: DeviceProgress, command: Command, beside: Collection[str]) -> bool:
    """Return True if a command must wait because its song is isolated (it may crash the worker) and the worker has
    unanswered commands for other songs, which a crash would affect. `beside` has the ids of all songs with unanswered
    commands.
    """
    songs = {key.song_id for key, _ in device.positions(command)}
    isolated = any(device.songs[song_id].history.isolated for song_id in songs if song_id in device.songs)
    return isolated and bool(set(beside) - songs)


def _steps_of(songs: Sequence[ScheduledSong], device: DeviceProgress) -> Step:
    """Return a command for the next denoising step of all songs, or for several steps if steps are short. Each command
    costs about a millisecond of overhead.
    """
    steps = 1
    if device.steps.known:
        seconds = device.steps.seconds(sum(song.attempt.step_cost for song in songs))
        steps = max(1, int(_COMMAND_SECONDS / max(seconds, 1e-3)))
    left = min(song.attempt.steps_left for song in songs)
    return Step(tuple(song.attempt.due_section() for song in songs), min(steps, left))


def side_command_of(song: ScheduledSong, ahead: int) -> Command | None:
    """Return the next command of a song other than a denoising step (plan, render or prepare); `None` if there is none.

    With `ahead` 1 the command prepares the section after the one being denoised.
    """
    attempt = song.attempt
    if not attempt.planned:
        return None if ahead else _plan_of(song)
    if not ahead and attempt.can_render():
        return Render(attempt.section(attempt.rendering), song.windows_due)
    index = attempt.to_prepare(ahead)
    return None if index is None else Prepare(attempt.section(index))


def joining_command_of(song: ScheduledSong) -> Command | None:
    """Return the command (plan or prepare) that a song needs before it can join a denoising step; `None` if it needs
    none.
    """
    command = side_command_of(song, ahead=0)
    return None if isinstance(command, Render) else command


def _plan_of(song: ScheduledSong) -> Plan:
    spec, attempt, resume_point = song.spec, song.attempt, song.attempt.resume_point
    start, saved = resume_point.section, resume_point.saved
    return Plan(attempt.key, spec.engine, spec.params, start, saved, attempt.finished, spec.trace, plan=spec.plan)


class _Room:
    """The free memory for prepared sections during one decision. If a song has to wait for memory, no later song may
    prepare a section either.
    """

    def __init__(self, device: DeviceProgress, candidates: Sequence[Candidate]) -> None:
        self._device = device
        self._candidates = candidates
        self._full = False

    def allows(self, command: Command, song: ScheduledSong) -> bool:
        """Return True if the device has memory for the section that a command prepares; always True for other commands.

        It is also True if all memory is occupied by songs that are not candidates, such as songs with full buffers. So
        at least one song continues.
        """
        if not isinstance(command, Prepare):
            return True
        if not self._full and not self._device.has_memory_for(song):
            served = any(other.attempt.held_bytes for other, _ in self._candidates)
            self._full = served or bool(self._device.in_flight.preparing())
        return not self._full
