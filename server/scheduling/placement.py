"""Places songs: each one waits, or has a place on a device."""

from collections.abc import Callable, Sequence

from server.scheduling.device_progress import DeviceProgress
from server.scheduling.fair_share import Shares
from server.scheduling.policy import Order, Policy
from server.scheduling.queue_depth import Depth
from server.scheduling.scheduled_song import ScheduledSong
from server.scheduling.waiting_queue import WaitingQueue
from server.workers.device_spec import DeviceSpec

_PLACES_WHEN_CAPPED = 4


class Placement:
    """Knows all songs and devices. It gives places to songs that wait, and takes them away."""

    def __init__(
        self, devices: Sequence[DeviceSpec], policy: Policy, shares: Shares, clock: Callable[[], float]
    ) -> None:
        self._devices = {spec.name: DeviceProgress(spec) for spec in devices}
        self._policy = policy
        self._clock = clock
        self._waiting: WaitingQueue[ScheduledSong] = WaitingQueue(shares, by_arrival=policy.order is Order.ARRIVAL)
        self._songs: dict[str, ScheduledSong] = {}
        self._rendered: dict[str, ScheduledSong] = {}

    def device(self, name: str) -> DeviceProgress:
        """Returns the device of this name."""
        return self._devices[name]

    def song(self, song_id: str) -> ScheduledSong | None:
        """Returns the song of this name; `None` when it is unknown."""
        return self._songs.get(song_id)

    def rendered(self, song_id: str) -> ScheduledSong | None:
        """Returns the song of this name that was rendered and not dropped; `None` where there is none."""
        return self._rendered.get(song_id)

    def waiting(self, engine: str) -> tuple[str, ...]:
        """The songs of `engine` that have no place, about in the order in which they will get one."""
        return tuple(song.song_id for song in self._waiting if song.engine == engine)

    def depths(self) -> dict[str, Depth]:
        """How much there is of every engine that has songs."""
        songs: dict[str, list[ScheduledSong]] = {}
        for song in self._songs.values():
            songs.setdefault(song.engine, []).append(song)
        return {engine: _depth_of(those) for engine, those in songs.items()}

    def add(self, song: ScheduledSong) -> None:
        """Takes in a song; it waits until a device that has its engine has a place."""
        self._songs[song.song_id] = song
        song.account.open()
        self._wait(song)

    def remove(self, song: ScheduledSong) -> None:
        """Takes a song out for good, from the queue or from its device."""
        if not self._waiting.remove(song):
            self._leave_device(song)
        del self._songs[song.song_id]
        song.account.close()

    def finish(self, song: ScheduledSong) -> None:
        """Takes out a song that is rendered. It is kept apart until `drop`, because its sound may yet be lost."""
        self.remove(song)
        self._rendered[song.song_id] = song

    def drop(self, song_id: str) -> None:
        """Takes a song out for good, wherever it is; unknown songs are ignored."""
        self._rendered.pop(song_id, None)
        if song := self._songs.get(song_id):
            self.remove(song)

    def retry_whole(self, song: ScheduledSong) -> None:
        """Takes a song off its device, or back in after it was rendered; a whole new attempt waits for a place."""
        if self._rendered.pop(song.song_id, None):
            self._songs[song.song_id] = song
            song.account.open()
        elif not self._waiting.remove(song):
            self._leave_device(song)
        song.restart_whole()
        self._wait(song)

    def retry(self, song: ScheduledSong) -> None:
        """Takes a song off its device; another attempt waits for a place."""
        self._leave_device(song)
        song.restart()
        self._wait(song)

    def vacate(self, name: str) -> DeviceProgress:
        """Replaces a device by one without worker and songs, and returns the former one with its songs."""
        former = self._devices[name]
        self._devices[name] = former.successor()
        return former

    def fill(self, device: DeviceProgress) -> None:
        """Gives the free places of a device to songs that wait."""
        while len(self._waiting) and self._has_place(device):
            song = self._waiting.first(device.engines)
            if song is None:
                return
            self._waiting.remove(song)
            device.enter(song)

    def _wait(self, song: ScheduledSong) -> None:
        self._waiting.add(song)
        self._fill_all()

    def _fill_all(self) -> None:
        """Give places to songs that wait, each on the device that should be done with its songs first."""
        while len(self._waiting):
            free = [device for device in self._devices.values() if self._has_place(device)]
            for device in sorted(free, key=lambda device: (device.left_seconds, len(device.songs))):
                if (song := self._waiting.first(device.engines)) is not None:
                    self._waiting.remove(song)
                    device.enter(song)
                    break
            else:
                return

    def _has_place(self, device: DeviceProgress) -> bool:
        """Whether one more song may be made: songs far ahead of their listeners do not count, within reason."""
        places = device.spec.running_songs
        if not device.engines or len(device.songs) >= _PLACES_WHEN_CAPPED * places:
            return False
        if len(device.songs) < places:
            return True
        now = self._clock()
        ends = [song.playback.runs_out_at(now) for song in device.songs.values()]
        return sum(not self._policy.capped(runs_out_at, now) for runs_out_at in ends) < places

    def _leave_device(self, song: ScheduledSong) -> None:
        if song.device is not None:
            self._devices[song.device].leave(song)


def _depth_of(songs: Sequence[ScheduledSong]) -> Depth:
    """How much there is to do for songs of one engine."""
    running = [song.attempt for song in songs if song.device is not None]
    opened = sum(attempt.open for attempt in running)
    left = sum(attempt.sections - attempt.rendering for attempt in running)
    return Depth(len(songs) - len(running), len(running), opened, left - opened)
