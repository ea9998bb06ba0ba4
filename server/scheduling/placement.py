"""Gives songs slots on devices; every song either waits in the queue or has a slot on one device."""

from collections.abc import Callable, Sequence

from server.scheduling.capacity.encoding_load import EncodingLoad
from server.scheduling.capacity.listener_capacity import ListenerCapacity
from server.scheduling.device_progress import DeviceProgress
from server.scheduling.fair_share import FairShare
from server.scheduling.policy import Order, Policy
from server.scheduling.queue_depth import QueueDepth
from server.scheduling.scheduled_song import ScheduledSong
from server.scheduling.waiting_queue import WaitingQueue
from server.workers.device_spec import DeviceSpec

_SLOTS_WHEN_THROTTLED = 4
_SORT_SECONDS = 1.0
"""Seconds between two moves of waiting songs that have gained or lost their listener to the right queue."""


class Placement:
    """Assigns songs to devices: gives waiting songs slots on devices, and frees these slots."""

    def __init__(
        self,
        devices: Sequence[DeviceSpec],
        policy: Policy,
        shares: FairShare,
        clock: Callable[[], float],
        *,
        encoders: int | None = None,
    ) -> None:
        """Set up the placement; `clock` returns monotonic seconds. `encoders` is the number of encoder processes for
        all devices; `None` means no limit by encoders.
        """
        self.encoding = EncodingLoad(encoders)
        self._devices = {spec.name: DeviceProgress(spec, detached_share=policy.detached_share) for spec in devices}
        self._policy = policy
        self._capacity = ListenerCapacity(policy)
        self._clock = clock
        self._waiting: WaitingQueue[ScheduledSong] = WaitingQueue(shares, by_arrival=policy.order is Order.ARRIVAL)
        self._songs: dict[str, ScheduledSong] = {}
        self._rendered: dict[str, ScheduledSong] = {}
        self._sorted_until = 0.0

    def device(self, name: str) -> DeviceProgress:
        """Return the state of the device `name`."""
        return self._devices[name]

    def song(self, song_id: str) -> ScheduledSong | None:
        """Return the waiting or placed song of this id; `None` if there is none."""
        return self._songs.get(song_id)

    def rendered(self, song_id: str) -> ScheduledSong | None:
        """Return the song of this id if it is completely rendered and was not dropped; otherwise `None`."""
        return self._rendered.get(song_id)

    def waiting(self, engine: str) -> tuple[str, ...]:
        """Return the ids of the songs of `engine` that wait for a slot on a device, approximately in the order in which
        they will get one.
        """
        return tuple(song.song_id for song in self._waiting if song.engine == engine)

    def depths(self) -> dict[str, QueueDepth]:
        """Return the queue depth of every engine that has songs, by engine."""
        songs: dict[str, list[ScheduledSong]] = {}
        for song in self._songs.values():
            songs.setdefault(song.engine, []).append(song)
        return {engine: _depth_of(those) for engine, those in songs.items()}

    def add(self, song: ScheduledSong) -> None:
        """Add a song; it waits until a device with its engine has a slot."""
        self._songs[song.song_id] = song
        song.account.open()
        self._wait(song)

    def remove(self, song: ScheduledSong) -> None:
        """Remove a song from the queue or from its device, which frees its slot."""
        if not self._waiting.remove(song):
            self._leave_device(song)
        del self._songs[song.song_id]
        song.account.close()

    def finish(self, song: ScheduledSong) -> None:
        """Free the slot of a completely rendered song on its device. The song is stored until `drop`, because its sound
        may still be lost with an encoder.
        """
        self.remove(song)
        self._rendered[song.song_id] = song

    def drop(self, song_id: str) -> None:
        """Remove a song from the queue, from its device or from the completely rendered songs; unknown songs are
        ignored.
        """
        self._rendered.pop(song_id, None)
        if song := self._songs.get(song_id):
            self.remove(song)

    def retry_whole(self, song: ScheduledSong) -> None:
        """Start a song again from its beginning: free its slot, if it has one, and put the song into the queue for a
        new attempt. The song may have been rendered completely.
        """
        if self._rendered.pop(song.song_id, None):
            self._songs[song.song_id] = song
            song.account.open()
        elif not self._waiting.remove(song):
            self._leave_device(song)
        song.restart_whole()
        self._wait(song)

    def retry(self, song: ScheduledSong) -> None:
        """Take a song off its device after a failed attempt, and put the song into the queue for a new attempt."""
        self._leave_device(song)
        song.restart()
        self._wait(song)

    def vacate(self, name: str) -> DeviceProgress:
        """Replace the state of the device `name`, whose worker has ended, by one without worker and songs. Return the
        state before, which still has the songs.
        """
        former = self._devices[name]
        self._devices[name] = former.successor()
        return former

    def fill_slots(self, device: DeviceProgress) -> None:
        """Give the free slots of a device to waiting songs."""
        while (song := self._next(device)) is not None:
            self._enter(device, song)

    def _wait(self, song: ScheduledSong) -> None:
        self._waiting.add(song)
        self._fill_all_slots()

    def _fill_all_slots(self) -> None:
        """Give the free slots of all devices to waiting songs, each on the device with the least remaining work."""
        while len(self._waiting):
            for device in sorted(self._devices.values(), key=lambda device: (device.left_seconds, len(device.songs))):
                if (song := self._next(device)) is not None:
                    self._enter(device, song)
                    break
            else:
                return

    def _enter(self, device: DeviceProgress, song: ScheduledSong) -> None:
        self._waiting.remove(song)
        song.placed_at = self._clock()
        device.enter(song)

    def _next(self, device: DeviceProgress) -> ScheduledSong | None:
        """Return the song that gets the next slot on the device: a song with a listener if the device can make one more
        without stalls, otherwise a song without a listener; `None` if the device can take none.
        """
        if not device.engines or not len(self._waiting):
            return None
        self._sort_listeners()
        for has_listener in (True, False):
            song = self._waiting.first(device.engines, has_listener=has_listener)
            if song is not None and self._has_free_slot(device, song):
                return song
        return None

    def _sort_listeners(self) -> None:
        if (now := self._clock()) >= self._sorted_until:
            self._waiting.sort_listeners()
            self._sorted_until = now + _SORT_SECONDS

    def _has_free_slot(self, device: DeviceProgress, song: ScheduledSong) -> bool:
        """Return True if the device may make one more song. Songs that are far ahead of their listeners occupy no slot,
        up to a limit.
        """
        slots = device.spec.running_songs
        if len(device.songs) >= _SLOTS_WHEN_THROTTLED * slots:
            return False
        now = self._clock()
        if now < device.full_until and song.has_listener and not song.resumed:
            return False
        alike = [other for other in device.songs.values() if other.has_listener is song.has_listener]
        if len(alike) >= slots:
            ends = [other.playback.runs_out_at(now) for other in alike]
            if sum(not self._policy.throttled(runs_out_at, now) for runs_out_at in ends) >= slots:
                return False
        if song.resumed:
            return True
        if not self.encoding.has_room(self._placed() + 1, 1.0 - self._policy.headroom):
            return False
        return not song.has_listener or self._capacity.fits(device, song, now)

    def _placed(self) -> int:
        """Return the number of songs that have a slot."""
        return sum(len(device.songs) for device in self._devices.values())

    def _leave_device(self, song: ScheduledSong) -> None:
        if song.device is not None:
            self._devices[song.device].leave(song)


def _depth_of(songs: Sequence[ScheduledSong]) -> QueueDepth:
    """Return the queue depth of songs of one engine."""
    running = [song.attempt for song in songs if song.device is not None]
    opened = sum(attempt.open for attempt in running)
    left = sum(attempt.sections - attempt.rendering for attempt in running)
    return QueueDepth(len(songs) - len(running), len(running), opened, left - opened)
