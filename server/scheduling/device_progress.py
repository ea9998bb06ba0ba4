"""State of one device in the scheduler: its songs, the unanswered commands, and learnt costs and limits."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from server.scheduling.batching import BatchCapacity
from server.scheduling.capacity.step_sharing import StepSharing
from server.scheduling.capacity.step_time import StepModel
from server.scheduling.capacity.window_pace import WindowPace
from server.scheduling.capacity.worked_share import WorkedShare
from server.scheduling.retry import WorkPosition
from server.scheduling.scheduled_song import ScheduledSong
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Lane, Ping, Plan, Prepare, Release, Render, SongKey, Step

_MAX_OWED_SECONDS = 2.0


class CommandsInFlight:
    """The unanswered commands of each lane (command queue) of a device. A command is stored as the attempts at songs
    that it works on, each with the position of that work: kind of command, section, step or window.
    """

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[Mapping[SongKey, WorkPosition]]] = {}

    def __bool__(self) -> bool:
        """Return True if any lane (command queue) has an unanswered command."""
        return bool(self._lanes)

    def __contains__(self, key: SongKey) -> bool:
        """Return True if any lane (command queue) has an unanswered command for the attempt at a song with the key
        `key`.
        """
        return any(key in positions for waiting in self._lanes.values() for positions in waiting)

    def add(self, lane: Lane, positions: Mapping[SongKey, WorkPosition]) -> None:
        """Record a command sent to a lane (command queue): the attempts at songs that it works on, each with the
        position of that work (kind of command, section, step or window).
        """
        self._lanes.setdefault(lane, deque()).append(positions)

    def acknowledge(self, lane: Lane) -> Mapping[SongKey, WorkPosition]:
        """Remove the oldest unanswered command of a lane (command queue), because its reply has come. Return the
        attempts at songs that it worked on, each with the position of that work (kind of command, section, step or
        window); empty if there is no unanswered command.
        """
        waiting = self._lanes.get(lane)
        if not waiting:
            return {}
        positions = waiting.popleft()
        if not waiting:
            del self._lanes[lane]
        return positions

    def songs(self) -> set[str]:
        """Return the ids of the songs that unanswered commands work on."""
        return {key.song_id for key, _ in self._positions()}

    def awaited(self, lane: Lane) -> set[str]:
        """Return the ids of the songs whose next command on a lane (command queue) must wait for a reply. Steps need no
        waiting, because steps in flight count as done.
        """
        waiting = self._lanes.get(lane, ())
        return {key.song_id for positions in waiting for key, (kind, *_) in positions.items() if kind != Step.__name__}

    def preparing(self) -> set[str]:
        """Return the ids of the songs of which a section is being prepared."""
        return {key.song_id for key, (kind, *_) in self._positions() if kind == Prepare.__name__}

    def oldest_positions(self) -> dict[str, WorkPosition]:
        """Return, by song id, the positions (kind of command, section, step or window) at which the oldest unanswered
        command of each lane (command queue) works on songs.
        """
        return {key.song_id: position for waiting in self._lanes.values() for key, position in waiting[0].items()}

    def _positions(self) -> Iterator[tuple[SongKey, WorkPosition]]:
        return (item for waiting in self._lanes.values() for positions in waiting for item in positions.items())


@dataclass(slots=True)
class DeviceProgress:
    """State of one device during the life of one worker. The learnt values `steps`, `sharing`, `worked`,
    `section_bytes`, `largest_bytes` and `windows` are passed on to the next worker.

    The songs on the device are expected to need `left_seconds` of its time. `to_release` has the attempts at songs
    whose data the worker must still release. `section_bytes` is the memory of each engine's last prepared section, and
    `largest_bytes` that of the largest section that the engine has prepared. Songs without listeners get at least
    `detached_share` of the device time, of which `detached_owed_seconds` are still missing. Until the time `full_until`
    no further song with a listener fits, unless a song leaves before.
    """

    spec: DeviceSpec
    steps: StepModel = field(default_factory=StepModel)
    section_bytes: dict[str, int] = field(default_factory=dict)
    largest_bytes: dict[str, int] = field(default_factory=dict)
    windows: defaultdict[str, WindowPace] = field(default_factory=lambda: defaultdict(WindowPace))
    engines: frozenset[str] = frozenset()
    songs: dict[str, ScheduledSong] = field(default_factory=dict)
    to_release: deque[SongKey] = field(default_factory=deque)
    in_flight: CommandsInFlight = field(default_factory=CommandsInFlight)
    capacity: BatchCapacity = field(init=False)
    left_seconds: float = 0.0
    detached_share: float = 0.0
    detached_owed_seconds: float = 0.0
    full_until: float = 0.0
    worked: WorkedShare = field(default_factory=WorkedShare)
    sharing: StepSharing = field(init=False)

    def __post_init__(self) -> None:
        self.capacity = BatchCapacity(self.spec.batch_sections)
        self.sharing = StepSharing(self.steps)

    def successor(self) -> "DeviceProgress":
        """Return the initial state of the same device for its next worker, with the learnt values of the present
        one.
        """
        self.worked.has_none()
        made = DeviceProgress(
            self.spec,
            self.steps,
            self.section_bytes,
            self.largest_bytes,
            self.windows,
            detached_share=self.detached_share,
            worked=self.worked,
        )
        made.sharing = self.sharing
        return made

    def find(self, key: SongKey) -> ScheduledSong | None:
        """Return the song on this device of which `key` identifies the current attempt; `None` if there is none."""
        song = self.songs.get(key.song_id)
        return song if song is not None and song.attempt.key == key else None

    def enter(self, song: ScheduledSong) -> None:
        """Put a song on the device, into one of its slots."""
        song.device, song.pace = self.spec.name, self.windows[song.engine]
        self.songs[song.song_id] = song
        self.left_seconds += song.account.reserve()

    def leave(self, song: ScheduledSong) -> None:
        """Take a song off the device, which frees its slot. The worker will get a command to release the data of the
        attempt at the song.
        """
        song.device = None
        del self.songs[song.song_id]
        self.to_release.append(song.attempt.key)
        self.left_seconds -= song.account.release()
        self.full_until = 0.0

    def charge_step(self, parts: Sequence[tuple[ScheduledSong, float]], step_seconds: float) -> None:
        """Charge the device time of a shared denoising step to its songs. `parts` has the seconds of each song, and
        `step_seconds` is their sum.
        """
        for song, seconds in parts:
            self.left_seconds -= song.account.charge_step(seconds, step_seconds)
        self._credit(parts)

    def charge_alone(self, song: ScheduledSong, seconds: float) -> None:
        """Charge a song for `seconds` of device time that was spent only on this song."""
        self.left_seconds -= song.account.charge_alone(seconds)
        self._credit([(song, seconds)])

    @property
    def detached(self) -> bool:
        """True if the device has a song without a listener."""
        return any(not song.sink.has_listener for song in self.songs.values())

    def _credit(self, parts: Iterable[tuple[ScheduledSong, float]]) -> None:
        """Update the device time that songs without listeners still lack up to their share: their share of the used
        time is added, and their own use subtracted. `parts` has each song that has just used the device, and the device
        seconds that it has used.
        """
        if not self.detached:
            self.detached_owed_seconds = 0.0
            return
        for song, seconds in parts:
            owed = self.detached_owed_seconds + self.detached_share * seconds - (0.0 if song.has_listener else seconds)
            self.detached_owed_seconds = max(-_MAX_OWED_SECONDS, min(owed, _MAX_OWED_SECONDS))

    def learn_memory(self, engine: str, size_bytes: int) -> None:
        """Record the memory of a section that an engine has prepared."""
        self.section_bytes[engine] = size_bytes
        self.largest_bytes[engine] = max(size_bytes, self.largest_bytes.get(engine, 0))

    def has_memory_for(self, song: ScheduledSong) -> bool:
        """Return True if the device has memory to prepare one more section of the song.

        The size of a section is unknown before it is prepared, so the size of the engine's last prepared section is
        assumed; for a section that is being prepared at this moment, the size of the engine's largest section so far.
        While an engine has no prepared section yet, its sections are prepared one at a time. So the limit is exceeded
        by less than one section, or by more only if several sections that are being prepared at once are larger than
        all before.
        """
        limit = self.spec.memory_bytes
        if not limit:
            return True
        preparing = [self.songs[song_id].engine for song_id in self.in_flight.preparing() if song_id in self.songs]
        if not self.largest_bytes.keys() >= {*preparing}:
            return False
        held = sum(song.attempt.held_bytes for song in self.songs.values())
        coming = sum(self.largest_bytes[engine] for engine in preparing)
        return held + coming + max(1, self.section_bytes.get(song.engine, 0)) <= limit

    def releasable(self) -> SongKey | None:
        """Return an attempt at a song whose data the worker can release, because no unanswered command works on it, and
        remove the attempt from `to_release`; `None` if there is none.
        """
        key = next((key for key in self.to_release if key not in self.in_flight), None)
        if key is not None:
            self.to_release.remove(key)
        return key

    def issue(self, command: Command, lane: Lane) -> None:
        """Record that a command was sent to a lane (command queue). If it is a command for denoising steps, they count
        as done from now on.
        """
        self.in_flight.add(lane, dict(self.positions(command)))
        if isinstance(command, Step):
            for section in command.sections:
                self.songs[section.song.song_id].attempt.issue_steps(command.steps)

    def positions(self, command: Command) -> Iterator[tuple[SongKey, WorkPosition]]:
        """Yield each attempt at a song that the command works on, with the position of that work (kind of command,
        section, step or window).
        """
        kind = type(command).__name__
        match command:
            case Plan(song):
                yield song, (kind, command.index, 0)
            case Prepare(section):
                yield section.song, (kind, section.index, 0)
            case Step(sections, _):
                for key, index in sections:
                    yield key, (kind, index, self.songs[key.song_id].attempt.step)
            case Render(section):
                yield section.song, (kind, section.index, self.songs[section.song.song_id].attempt.window_group)
            case Release() | Ping():
                return
