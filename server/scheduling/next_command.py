"""Chooses the next command for a lane of a device: the policy's rank, turned into work."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from server.scheduling.batching import StepLoad, batch
from server.scheduling.device_progress import DeviceProgress
from server.scheduling.fair_share import Shares
from server.scheduling.policy import Policy, Standing
from server.scheduling.scheduled_song import ScheduledSong
from server.workers.messages import Command, Forget, Lane, Plan, Prepare, Render, Step

Candidate: TypeAlias = tuple[ScheduledSong, Standing]
"""A song that may be served, and what the policy knows of it at the moment of the decision."""


class CommandChooser:
    """Ranks the songs of a device and chooses what a lane does for them. It changes nothing but `device.forgotten`."""

    def __init__(self, policy: Policy, shares: Shares, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._shares = shares
        self._clock = clock

    def choose(self, device: DeviceProgress, lane: Lane) -> Command | None:
        """Returns the command that is due; `None` when there is nothing to do until something changes."""
        if device.forgotten:
            return Forget(device.forgotten.popleft())
        now = self._clock()
        candidates = self._ranked(device, now)
        if lane is Lane.RENDER:
            return self._side_command(candidates)
        return self._step_or_more(device, candidates, now, alone=lane is Lane.BOTH)

    def _ranked(self, device: DeviceProgress, now: float) -> list[Candidate]:
        leads = self._shares.leads()
        songs = [song for song in device.songs.values() if not song.outlet.full]
        standings = [song.standing(now, leads[song.spec.caller]) for song in songs]
        return [(device.songs[standing.song_id], standing) for standing in self._policy.ranked(standings, now)]

    def _side_command(self, candidates: Sequence[Candidate]) -> Command | None:
        """The work beside denoising: what somebody waits for in the order of rank, then what is prepared ahead."""
        for ahead in (0, 1):
            for song, _ in candidates:
                if command := side_command_of(song, ahead):
                    return command
        return None

    def _step_or_more(
        self, device: DeviceProgress, candidates: Sequence[Candidate], now: float, *, alone: bool
    ) -> Command | None:
        """The first song's next command; a step takes others along, which one lane `alone` prepares before."""
        for position, (song, _) in enumerate(candidates):
            if alone and (command := side_command_of(song, 0)):
                return command
            if song.attempt.can_denoise(ahead=0 if alone else 1) and _may_open(device, song):
                return self._shared_step(device, candidates[position:], now, alone=alone)
        return None

    def _shared_step(
        self, device: DeviceProgress, candidates: Sequence[Candidate], now: float, *, alone: bool
    ) -> Command:
        """A step of the first song, with those of the others that can join it; or what one needs before it can."""
        first, _ = candidates[0]
        if first.history.suspect:
            return Step((first.attempt.due_section(),))
        company = [
            (song, standing)
            for song, standing in candidates
            if song.spec.engine == first.spec.engine and not song.history.suspect
        ]
        if alone and (command := self._joining_command(company[: device.capacity.sections], now)):
            return command
        ahead = 0 if alone else 1
        members = [one for one in company if one[0].attempt.can_denoise(ahead=ahead)]
        limit = device.spec.memory_bytes
        chosen = batch(
            [self._load(song, standing, now) for song, standing in members],
            max_tokens=device.spec.batch_tokens,
            max_sections=device.capacity.sections,
            free_bytes=limit - device.held_bytes() if limit else math.inf,
            step_seconds=device.steps.seconds if device.steps.known else None,
        )
        return Step(tuple(members[position][0].attempt.due_section() for position in chosen))

    def _joining_command(self, company: Sequence[Candidate], now: float) -> Command | None:
        """What one of the songs needs before it can share a step with the first of them."""
        (_, first), *others = company
        hurried = not self._policy.comfortable(first, now)
        for song, standing in others:
            waits = hurried and self._policy.comfortable(standing, now)
            if not waits and (command := joining_command_of(song)):
                return command
        return None

    def _load(self, song: ScheduledSong, standing: Standing, now: float) -> StepLoad:
        attempt = song.attempt
        due = attempt.prepared[attempt.denoising]
        new_bytes = 0 if attempt.denoising in attempt.open else due.memory_bytes
        comfortable = self._policy.comfortable(standing, now)
        return StepLoad(due.cost, due.length, (song.spec.engine, due.group), comfortable, new_bytes)


def side_command_of(song: ScheduledSong, ahead: int) -> Command | None:
    """What the song needs besides a step: its plan, a window of sound, or a section prepared."""
    attempt = song.attempt
    if not attempt.planned:
        return None if ahead else _plan_of(song)
    if not ahead and attempt.can_render():
        return Render(attempt.section(attempt.rendering))
    index = attempt.to_prepare(ahead)
    return None if index is None else Prepare(attempt.section(index))


def joining_command_of(song: ScheduledSong) -> Command | None:
    """What a song needs before it can join a step."""
    command = side_command_of(song, ahead=0)
    return None if isinstance(command, Render) else command


def _plan_of(song: ScheduledSong) -> Plan:
    spec, resume_point = song.spec, song.attempt.resume_point
    return Plan(song.attempt.key, spec.engine, spec.params, resume_point.section, resume_point.saved, spec.trace)


def _may_open(device: DeviceProgress, song: ScheduledSong) -> bool:
    """Whether there is memory for the song's next section, or none is held but by songs that do not go on."""
    limit = device.spec.memory_bytes
    attempt = song.attempt
    if attempt.denoising in attempt.open or not limit:
        return True
    if device.held_bytes() + attempt.prepared[attempt.denoising].memory_bytes <= limit:
        return True
    return not any(other.attempt.open and not other.outlet.full for other in device.songs.values())
