"""Who goes next, together with whom, on which device. Pure: no input or output, no torch, no tasks, a given clock.

Policy. Songs are served by earliest playback deadline: the moment at which a listener who started with the first window
runs out of sound. A song that nobody hears yet has run out when it arrived. Deadlines of songs that are not served stay
where they are while those of served songs move on, so nobody starves.

Within a song everything is sequential: plan, then for each section begin, all steps, all windows. When a step is due,
it takes along the sections of other songs, in the order of their deadlines and within a budget of tokens; songs that
could join, but have no open section yet, open one first. Songs far ahead of their listener stay out of a step that is
due for one who is about to run out: the fuller the batch, the longer it takes.

A song lives on one device; it gets no work while its listener takes nothing. Songs beyond the number that may run on a
device wait in the order of arrival.
"""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from model.engine import SongParams
from server.messages import (
    Begin,
    Begun,
    Command,
    Failed,
    Forget,
    Plan,
    Planned,
    Render,
    Rendered,
    Reply,
    SectionKey,
    Step,
    Stepped,
)


class Outlet(Protocol):
    """Where a song's sound goes, as far as scheduling cares."""

    @property
    def full(self) -> bool:
        """Whether making more would be pointless for now."""

    @property
    def unsent_seconds(self) -> float:
        """Sound that the listener cannot have played yet, in seconds."""


class Phase(Enum):
    """What a song needs next."""

    PLAN = "plan"
    BEGIN = "begin"
    DENOISE = "denoise"
    RENDER = "render"


@dataclass(slots=True)
class _Song:
    song_id: str
    engine: str
    params: SongParams
    outlet: Outlet
    arrived_at: float
    phase: Phase = Phase.PLAN
    sections: int = 0
    index: int = 0
    cost: int = 0
    heard_from: float | None = None
    rendered_seconds: float = 0.0

    @property
    def section(self) -> SectionKey:
        return SectionKey(self.song_id, self.index)

    def runs_out_at(self, now: float) -> float:
        if self.heard_from is None:
            return self.arrived_at
        return max(self.heard_from + self.rendered_seconds, now + self.outlet.unsent_seconds)


@dataclass(slots=True)
class _Device:
    engines: frozenset[str] = frozenset()
    songs: dict[str, _Song] = field(default_factory=dict)
    forgotten: deque[str] = field(default_factory=deque)


class Scheduler:
    """Keeps a record of every song and answers what a device should do next; one command per device at a time."""

    def __init__(
        self,
        devices: Sequence[str],
        *,
        max_running_songs: int,
        max_batch_tokens: int,
        comfort_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        """`max_running_songs` holds for each device; `comfort_seconds` ahead of its listener a song can wait."""
        self._devices = {device: _Device() for device in devices}
        self._waiting: dict[str, _Song] = {}
        self._max_running_songs = max_running_songs
        self._max_batch_tokens = max_batch_tokens
        self._comfort_seconds = comfort_seconds
        self._clock = clock

    def open(self, device: str, engines: Collection[str]) -> None:
        """Give songs of `engines` to `device` from now on."""
        self._devices[device].engines = frozenset(engines)
        self._place()

    def close(self, device: str) -> tuple[str, ...]:
        """Give nothing to `device` any more; its songs are dropped and returned."""
        lost = tuple(self._devices[device].songs)
        self._devices[device] = _Device()
        return lost

    def add(self, song_id: str, engine: str, params: SongParams, outlet: Outlet) -> None:
        """Take in a song; it waits until a device that has its engine has room."""
        self._waiting[song_id] = _Song(song_id, engine, params, outlet, self._clock())
        self._place()

    def drop(self, song_id: str) -> None:
        """Give no more work to a song; its device is told to forget it. Unknown songs are ignored."""
        self._waiting.pop(song_id, None)
        for device in self._devices.values():
            if device.songs.pop(song_id, None) is not None:
                device.forgotten.append(song_id)
                self._place()

    def waiting(self, engine: str) -> tuple[str, ...]:
        """The songs of `engine` that are on no device yet, in the order of arrival."""
        return tuple(song.song_id for song in self._waiting.values() if song.engine == engine)

    def next_command(self, name: str) -> Command | None:
        """What the device should do now; `None` when there is nothing to do until something changes."""
        device = self._devices[name]
        if device.forgotten:
            return Forget(device.forgotten.popleft())
        now = self._clock()
        songs = [song for song in device.songs.values() if not song.outlet.full]
        songs.sort(key=lambda song: (song.runs_out_at(now), song.arrived_at))
        if not songs:
            return None
        if songs[0].phase is not Phase.DENOISE:
            return _command_of(songs[0])
        return self._shared_step(songs, now)

    def done(self, name: str, reply: Reply) -> None:
        """Take note of what a command led to; replies about dropped songs are ignored."""
        match reply:
            case Planned(song_id, plan, _):
                if song := self._find(name, song_id):
                    song.sections, song.phase = len(plan.sections), Phase.BEGIN
            case Begun(section, cost, _):
                if song := self._find(name, section.song_id):
                    song.cost, song.phase = cost, Phase.DENOISE
            case Stepped():
                self._stepped(name, reply)
            case Rendered():
                if song := self._find(name, reply.section.song_id):
                    self._rendered(song, reply)
            case Failed(failure):
                self.drop(failure.name)

    def _stepped(self, name: str, reply: Stepped) -> None:
        for step in reply.sections:
            song = self._find(name, step.section.song_id)
            if song is not None and step.score is not None:
                song.phase = Phase.RENDER
        for failure in reply.failures:
            self.drop(failure.name)

    def _rendered(self, song: _Song, reply: Rendered) -> None:
        if song.heard_from is None and reply.samples:
            song.heard_from = self._clock()
        song.rendered_seconds += reply.sound_seconds
        if reply.last:
            song.index, song.phase = song.index + 1, Phase.BEGIN
            if song.index == song.sections:
                self.drop(song.song_id)

    def _shared_step(self, songs: Sequence[_Song], now: float) -> Command:
        leader = songs[0]
        comfortable_from = now + self._comfort_seconds
        hurried = leader.runs_out_at(now) < comfortable_from
        company = [
            song
            for song in songs
            if song.engine == leader.engine and not (hurried and song.runs_out_at(now) >= comfortable_from)
        ]
        batch, left = [leader.section], self._max_batch_tokens - leader.cost
        for song in company[1:]:
            if left <= 0:
                break
            if song.phase in (Phase.PLAN, Phase.BEGIN):
                return _command_of(song)
            if song.phase is Phase.DENOISE and song.cost <= left:
                batch.append(song.section)
                left -= song.cost
        return Step(tuple(batch))

    def _place(self) -> None:
        for song in list(self._waiting.values()):
            able = [device for device in self._devices.values() if song.engine in device.engines]
            device = min(able, key=lambda device: len(device.songs), default=None)
            if device is not None and len(device.songs) < self._max_running_songs:
                device.songs[song.song_id] = self._waiting.pop(song.song_id)

    def _find(self, name: str, song_id: str) -> _Song | None:
        return self._devices[name].songs.get(song_id)


def _command_of(song: _Song) -> Command:
    match song.phase:
        case Phase.PLAN:
            return Plan(song.song_id, song.engine, song.params)
        case Phase.BEGIN:
            return Begin(song.section)
        case Phase.DENOISE:
            return Step((song.section,))
        case Phase.RENDER:
            return Render(song.section)
