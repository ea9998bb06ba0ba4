"""One device: the songs that have a place on it, the commands in flight, and its learnt limits."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from server.scheduling.batching import BatchCapacity
from server.scheduling.retry import Point
from server.scheduling.scheduled_song import ScheduledSong
from server.scheduling.step_time import StepModel
from server.workers.device_spec import DeviceSpec
from server.workers.messages import Command, Forget, Lane, Ping, Plan, Prepare, Render, SongKey, Step


class CommandsInFlight:
    """The commands of each lane that are not answered yet: for each of their songs, the point at which it is."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[Mapping[str, Point]]] = {}

    def add(self, lane: Lane, points: Mapping[str, Point]) -> None:
        """Notes a command that was given out."""
        self._lanes.setdefault(lane, deque()).append(points)

    def acknowledge(self, lane: Lane) -> Mapping[str, Point]:
        """Removes the command that was given out first and returns its points; none if nothing is in flight."""
        waiting = self._lanes.get(lane)
        if not waiting:
            return {}
        points = waiting.popleft()
        if not waiting:
            del self._lanes[lane]
        return points

    def oldest_points(self) -> dict[str, Point]:
        """The points of the commands that the lanes are working on."""
        return {song_id: point for waiting in self._lanes.values() for song_id, point in waiting[0].items()}


@dataclass(slots=True)
class DeviceProgress:
    """One device during the life of one worker. `steps` is learnt, and outlasts the worker.

    The songs on it should need `left_seconds` of it. `forgotten` are the attempts that its worker still has to drop.
    """

    spec: DeviceSpec
    steps: StepModel = field(default_factory=StepModel)
    engines: frozenset[str] = frozenset()
    songs: dict[str, ScheduledSong] = field(default_factory=dict)
    forgotten: deque[SongKey] = field(default_factory=deque)
    in_flight: CommandsInFlight = field(default_factory=CommandsInFlight)
    capacity: BatchCapacity = field(init=False)
    left_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.capacity = BatchCapacity(self.spec.batch_sections)

    def successor(self) -> "DeviceProgress":
        """Returns the same device without a worker."""
        return DeviceProgress(self.spec, self.steps)

    def find(self, key: SongKey) -> ScheduledSong | None:
        """Returns the song whose present attempt, on this device, has this name; `None` where there is none."""
        song = self.songs.get(key.song_id)
        return song if song is not None and song.attempt.key == key else None

    def enter(self, song: ScheduledSong) -> None:
        """Gives the song a place."""
        song.device = self.spec.name
        self.songs[song.song_id] = song
        self.left_seconds += song.account.reserve()

    def leave(self, song: ScheduledSong) -> None:
        """Takes the place away from the song. The worker will be told to forget its attempt."""
        song.device = None
        del self.songs[song.song_id]
        self.forgotten.append(song.attempt.key)
        self.left_seconds -= song.account.release()

    def charge_step(self, song: ScheduledSong, seconds: float, step_seconds: float) -> None:
        """Charges the song for its part of a step."""
        self.left_seconds -= song.account.charge_step(seconds, step_seconds)

    def charge_alone(self, song: ScheduledSong, seconds: float) -> None:
        """Charges the song for work that it shared with nobody."""
        self.left_seconds -= song.account.charge_alone(seconds)

    def held_bytes(self) -> int:
        """Memory of the sections that are open."""
        return sum(song.attempt.open_bytes for song in self.songs.values())

    def issue(self, command: Command, lane: Lane) -> None:
        """Notes that the lane is given the command. Its steps count as done from now on."""
        self.in_flight.add(lane, dict(self._points(command)))
        if isinstance(command, Step):
            for section in command.sections:
                self.songs[section.song.song_id].attempt.issue_step()

    def _points(self, command: Command) -> Iterator[tuple[str, Point]]:
        """What the command does, song by song, as a failure would be remembered."""
        kind = type(command).__name__
        match command:
            case Plan(song):
                yield song.song_id, (kind, command.index, 0)
            case Prepare(section):
                yield section.song.song_id, (kind, section.index, 0)
            case Step(sections):
                for key, index in sections:
                    yield key.song_id, (kind, index, self.songs[key.song_id].attempt.step)
            case Render(section):
                song_id = section.song.song_id
                yield song_id, (kind, section.index, self.songs[song_id].attempt.windows)
            case Forget() | Ping():
                return
