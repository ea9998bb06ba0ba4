"""Who goes next, together with whom, on which device. Pure: no input or output, no torch, no tasks, a given clock.

Keeps a record of every song and turns the policy (policy.py) into commands, one at a time for every lane of a
device. A song is planned; then each of its sections is prepared, denoised and rendered in order. On a device that
renders beside denoising, the next section is prepared while one is denoised, and may be denoised while one is rendered,
but no more than that: sound that nobody waits for yet is not worth memory.

A song stays on its device until a failure: its state is there, and moving it would cost planning it again. When an
attempt fails, the song goes back to the waiting room with what was saved at its last section boundary.
"""

import math
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from model.song import SongParams
from server.scheduling.batching import StepLoad, batch
from server.scheduling.device_usage import Usage
from server.scheduling.fair_share import Shares
from server.scheduling.policy import Order, Policy
from server.scheduling.queue_depth import Depth
from server.scheduling.retry import Point, Verdict
from server.scheduling.song_progress import (
    DeviceProgress,
    Issued,
    Outlet,
    SongProgress,
    depth_of,
    joining_command_of,
    side_command_of,
)
from server.scheduling.waiting_queue import WaitingQueue
from server.workers.device_spec import DeviceSpec
from server.workers.messages import (
    Command,
    Failed,
    Forget,
    Lane,
    Ping,
    Plan,
    Planned,
    Prepare,
    Prepared,
    Render,
    Rendered,
    Reply,
    SongKey,
    Step,
    Stepped,
)

_PLACES_WHEN_CAPPED = 4
_STEPS_UNTIL_MORE_SECTIONS = 100
_UNKNOWN_WORK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Lost:
    """A song that was taken out because of a failure. `failure` is that of its engine, if it was one."""

    song_id: str
    verdict: Verdict
    failure: Failed | None = None


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
    ) -> None:
        """`weights` are those of callers' shares, 1 for the rest; an attempt at a song is repeated `retries` times."""
        self._devices = {spec.name: DeviceProgress(spec, fits=spec.batch_sections) for spec in devices}
        self._policy = policy
        self._clock = clock
        self._retries = retries
        self._shares = Shares(weights)
        self._waiting: WaitingQueue[SongProgress] = WaitingQueue(self._shares, by_arrival=policy.order is Order.ARRIVAL)
        self._songs: dict[str, SongProgress] = {}

    def open(self, device: str, engines: Collection[str]) -> None:
        """Give songs of `engines` to `device` from now on."""
        self._devices[device].engines = frozenset(engines)

    def close(self, device: str) -> tuple[Lost, ...]:
        """Give nothing to `device` any more; its songs wait for another place, but for those returned."""
        gone = self._devices[device]
        points = {song_id: point for issued in gone.busy.values() for song_id, point in issued[0].points.items()}
        self._devices[device] = DeviceProgress(gone.spec, fits=gone.spec.batch_sections, steps=gone.steps)
        lost = []
        for song in gone.songs.values():
            self._shares.reserve(song.caller, -song.left_seconds)
            song.device = None
            verdict = song.history.worker_lost(points.get(song.song_id), self._retries)
            if verdict is Verdict.RETRY:
                self._wait_again(song)
            else:
                self._forget(song)
            lost.append(Lost(song.song_id, verdict))
        return tuple(lost)

    def add(
        self,
        song_id: str,
        engine: str,
        params: SongParams,
        outlet: Outlet,
        *,
        caller: str = "",
        usage: Usage | None = None,
        work_seconds: float | None = None,
        trace: str = "",
    ) -> None:
        """Take in a song; it waits until a device that has its engine has a place. `trace` goes to its worker.

        It should take `work_seconds` of a device, `None` where nobody knows; what it takes is written into `usage`.
        """
        left_seconds = _UNKNOWN_WORK_SECONDS if work_seconds is None else work_seconds
        usage = usage or Usage()
        song = SongProgress(song_id, engine, params, outlet, caller, self._clock(), usage, left_seconds, trace)
        self._songs[song_id] = song
        self._shares.enter(caller)
        self._waiting.add(song)
        self._place()

    def drop(self, song_id: str) -> None:
        """Give no more work to a song; its device is told to forget it. Unknown songs are ignored."""
        song = self._songs.get(song_id)
        if song is None:
            return
        if not self._waiting.remove(song):
            self._leave_device(song)
        self._forget(song)

    def waiting(self, engine: str) -> tuple[str, ...]:
        """The songs of `engine` that have no place, about in the order in which they will get one."""
        return tuple(song.song_id for song in self._waiting if song.engine == engine)

    def device_of(self, song_id: str) -> str | None:
        """The device on which a song has a place; `None` while it waits, or when it is unknown."""
        song = self._songs.get(song_id)
        return None if song is None else song.device

    def depths(self) -> dict[str, Depth]:
        """How much there is of every engine that has songs."""
        songs: dict[str, list[SongProgress]] = {}
        for song in self._songs.values():
            songs.setdefault(song.engine, []).append(song)
        return {engine: depth_of(those) for engine, those in songs.items()}

    def is_current(self, key: SongKey) -> bool:
        """Whether this attempt at a song is the one that counts."""
        song = self._songs.get(key.song_id)
        return song is not None and song.attempt == key.attempt

    def next_command(self, name: str, lane: Lane = Lane.BOTH) -> Command | None:
        """What the lane should do next; `None` when there is nothing to do until something changes.

        It may be asked while an earlier command is on its way: that one is then taken for done.
        """
        device = self._devices[name]
        self._fill(device)
        command = self._choose(device, lane)
        if command is not None:
            device.busy.setdefault(lane, deque()).append(Issued(command, dict(self._points(command))))
        if isinstance(command, Step):
            for section in command.sections:
                self._songs[section.song.song_id].issue_step()
        return command

    def step_seconds(self, name: str, command: Command) -> float | None:
        """How long a step that was just given out should take; `None` for other commands and while it is unknown."""
        steps = self._devices[name].steps
        if not isinstance(command, Step) or not steps.known:
            return None
        songs = [(self._songs.get(section.song.song_id), section.index) for section in command.sections]
        return steps.seconds(sum(song.prepared[index].cost for song, index in songs if song and index in song.prepared))

    def done(self, name: str, reply: Reply, lane: Lane = Lane.BOTH) -> tuple[Lost, ...]:
        """Take note of what the lane's command led to, and return the songs that failed.

        What is said about songs that were dropped, or about former attempts, is ignored.
        """
        device = self._devices[name]
        issued = self._landed(device, lane)
        failures: list[Failed] = []
        match reply:
            case Planned():
                self._planned(device, reply)
            case Prepared():
                if song := self._find(device, reply.section.song):
                    song.prepared[reply.section.index] = reply
                    self._charge_alone(device, song, reply.seconds)
            case Stepped():
                self._stepped(device, reply)
                failures += reply.failures
            case Rendered():
                if song := self._find(device, reply.section.song):
                    self._rendered(device, song, reply)
            case Failed():
                failures.append(reply)
        points = issued.points if issued else {}
        return tuple(lost for failure in failures if (lost := self._failed(device, failure, points)) is not None)

    def _landed(self, device: DeviceProgress, lane: Lane) -> Issued | None:
        """The command that was given out first and is not answered yet."""
        waiting = device.busy.get(lane)
        if not waiting:
            return None
        issued = waiting.popleft()
        if not waiting:
            del device.busy[lane]
        return issued

    def _planned(self, device: DeviceProgress, reply: Planned) -> None:
        if song := self._find(device, reply.song):
            song.sections, song.planned = len(reply.plan.sections), True
            self._charge_alone(device, song, reply.seconds)

    def _stepped(self, device: DeviceProgress, reply: Stepped) -> None:
        stepped = [(song, step) for step in reply.sections if (song := self._find(device, step.section.song))]
        costs = [song.prepared[step.section.index].cost for song, step in stepped]
        for (song, step), cost in zip(stepped, costs, strict=True):
            share = reply.seconds * cost / sum(costs)
            song.usage.step_seconds += share
            song.usage.whole_step_seconds += reply.seconds
            self._charge(device, song, share)
            if step.step >= step.steps:
                song.denoised = step.section.index + 1
        if len(stepped) == len(reply.sections) and costs:
            device.steps.add(sum(costs), reply.seconds)
        self._learn_what_fits(device, reply)

    def _learn_what_fits(self, device: DeviceProgress, reply: Stepped) -> None:
        if reply.fits is not None:
            device.fits, device.steps_that_fit = max(1, reply.fits), 0
        elif len(reply.sections) >= device.fits:
            device.steps_that_fit += 1
        if device.steps_that_fit >= _STEPS_UNTIL_MORE_SECTIONS:
            device.fits, device.steps_that_fit = min(device.fits + 1, device.spec.batch_sections), 0

    def _rendered(self, device: DeviceProgress, song: SongProgress, reply: Rendered) -> None:
        self._charge_alone(device, song, reply.seconds)
        if reply.samples:
            song.usage.heard()
            song.hear(self._clock(), reply.sound_seconds)
        if reply.last:
            song.finish_section(reply.saved)
            if song.rendering == song.sections:
                self.drop(song.song_id)

    def _failed(self, device: DeviceProgress, failed: Failed, points: Mapping[str, Point]) -> Lost | None:
        song = self._find(device, failed.song)
        if song is None:
            return None
        point = points.get(song.song_id, ("", 0, 0))
        verdict = song.history.failed(failed.failure.fault, point, self._retries)
        self._leave_device(song)
        if verdict is Verdict.RETRY:
            self._wait_again(song)
        else:
            self._forget(song)
        return Lost(song.song_id, verdict, failed)

    def _choose(self, device: DeviceProgress, lane: Lane) -> Command | None:
        if device.forgotten:
            return Forget(device.forgotten.popleft())
        now = self._clock()
        songs = self._ranked(device, now)
        if lane is Lane.RENDER:
            return self._side_command(songs)
        return self._step_or_more(device, songs, now, alone=lane is Lane.BOTH)

    def _ranked(self, device: DeviceProgress, now: float) -> list[SongProgress]:
        leads = self._shares.leads()
        ready = [song for song in device.songs.values() if not song.outlet.full]
        standings = [song.standing(now, leads[song.caller]) for song in ready]
        return [device.songs[standing.song_id] for standing in self._policy.ranked(standings, now)]

    def _side_command(self, songs: Sequence[SongProgress]) -> Command | None:
        """The work beside denoising: what somebody waits for in the order of rank, then what is prepared ahead."""
        for ahead in (0, 1):
            for song in songs:
                if command := side_command_of(song, ahead):
                    return command
        return None

    def _step_or_more(
        self, device: DeviceProgress, songs: Sequence[SongProgress], now: float, *, alone: bool
    ) -> Command | None:
        """The first song's next command; a step takes others along, which one lane `alone` prepares before."""
        for position, song in enumerate(songs):
            if alone and (command := side_command_of(song, 0)):
                return command
            if song.can_denoise(ahead=0 if alone else 1) and self._may_open(device, song):
                return self._shared_step(device, songs[position:], now, alone=alone)
        return None

    def _shared_step(
        self, device: DeviceProgress, songs: Sequence[SongProgress], now: float, *, alone: bool
    ) -> Command:
        first = songs[0]
        if first.history.suspect:
            return Step((first.section(first.denoising),))
        company = [song for song in songs[1:] if song.engine == first.engine and not song.history.suspect]
        if alone and device.fits > 1:
            hurried = not self._comfortable(first, now)
            for song in company[: device.fits - 1]:
                if not (hurried and self._comfortable(song, now)) and (command := joining_command_of(song)):
                    return command
        able = [song for song in company if song.can_denoise(ahead=0 if alone else 1)]
        members = [first, *able]
        loads = [self._load(song, now) for song in members]
        limit = device.spec.memory_bytes
        chosen = batch(
            loads,
            max_tokens=device.spec.batch_tokens,
            max_sections=device.fits,
            free_bytes=limit - device.held_bytes() if limit else math.inf,
            step_seconds=device.steps.seconds if device.steps.known else None,
        )
        return Step(tuple(members[position].section(members[position].denoising) for position in chosen))

    def _load(self, song: SongProgress, now: float) -> StepLoad:
        due = song.prepared[song.denoising]
        new_bytes = 0 if song.denoising in song.open else due.memory_bytes
        return StepLoad(due.cost, due.length, (song.engine, due.group), self._comfortable(song, now), new_bytes)

    def _comfortable(self, song: SongProgress, now: float) -> bool:
        return self._policy.comfortable(song.standing(now, 0.0), now)

    def _may_open(self, device: DeviceProgress, song: SongProgress) -> bool:
        """Whether there is memory for the song's next section, or none is held but by songs that do not go on."""
        limit = device.spec.memory_bytes
        if song.denoising in song.open or not limit:
            return True
        if device.held_bytes() + song.prepared[song.denoising].memory_bytes <= limit:
            return True
        return not any(other.open and not other.outlet.full for other in device.songs.values())

    def _points(self, command: Command) -> Iterator[tuple[str, Point]]:
        """What the command does, song by song, as a failure would be remembered."""
        kind = type(command).__name__
        match command:
            case Plan(song):
                yield song.song_id, (kind, command.index, 0)
            case Prepare(section):
                yield section.song.song_id, (kind, section.index, 0)
            case Step(sections):
                for section in sections:
                    if song_ := self._songs.get(section.song.song_id):
                        yield song_.song_id, (kind, section.index, song_.step)
            case Render(section):
                if song_ := self._songs.get(section.song.song_id):
                    yield song_.song_id, (kind, section.index, song_.windows)
            case Forget() | Ping():
                return

    def _charge_alone(self, device: DeviceProgress, song: SongProgress, seconds: float) -> None:
        song.usage.other_seconds += seconds
        self._charge(device, song, seconds)

    def _charge(self, device: DeviceProgress, song: SongProgress, seconds: float) -> None:
        self._shares.charge(song.caller, seconds)
        done = min(seconds, song.left_seconds)
        song.left_seconds -= done
        device.left_seconds -= done
        self._shares.reserve(song.caller, -done)

    def _place(self) -> None:
        """Give places to songs that wait, each on the device that should be done with its songs first."""
        while len(self._waiting):
            free = [device for device in self._devices.values() if self._has_place(device)]
            for device in sorted(free, key=lambda device: (device.left_seconds, len(device.songs))):
                if (song := self._waiting.first(device.engines)) is not None:
                    self._enter_device(device, song)
                    break
            else:
                return

    def _fill(self, device: DeviceProgress) -> None:
        while len(self._waiting) and self._has_place(device):
            song = self._waiting.first(device.engines)
            if song is None:
                return
            self._enter_device(device, song)

    def _has_place(self, device: DeviceProgress) -> bool:
        """Whether one more song may be made: songs far ahead of their listeners do not count, within reason."""
        places = device.spec.running_songs
        if not device.engines or len(device.songs) >= _PLACES_WHEN_CAPPED * places:
            return False
        if len(device.songs) < places:
            return True
        now = self._clock()
        return sum(not self._policy.capped(song.standing(now, 0.0), now) for song in device.songs.values()) < places

    def _enter_device(self, device: DeviceProgress, song: SongProgress) -> None:
        self._waiting.remove(song)
        song.device = device.spec.name
        device.songs[song.song_id] = song
        device.left_seconds += song.left_seconds
        self._shares.reserve(song.caller, song.left_seconds)

    def _leave_device(self, song: SongProgress) -> None:
        if song.device is not None:
            device = self._devices[song.device]
            del device.songs[song.song_id]
            device.forgotten.append(song.key)
            device.left_seconds -= song.left_seconds
            self._shares.reserve(song.caller, -song.left_seconds)
            song.device = None

    def _wait_again(self, song: SongProgress) -> None:
        song.restart()
        self._waiting.add(song)
        self._place()

    def _forget(self, song: SongProgress) -> None:
        del self._songs[song.song_id]
        self._shares.leave(song.caller)

    def _find(self, device: DeviceProgress, key: SongKey) -> SongProgress | None:
        song = device.songs.get(key.song_id)
        return song if song is not None and song.attempt == key.attempt else None
