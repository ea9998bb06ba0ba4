"""Carries out what is decided about songs whose attempt failed: another attempt, or the end."""

from collections.abc import Mapping

from server.scheduling.device_progress import DeviceProgress
from server.scheduling.placement import Placement
from server.scheduling.retry import Lost, Point, Verdict
from server.scheduling.scheduled_song import ScheduledSong
from server.workers.messages import Failed, SongKey


class FailureHandler:
    """Takes songs off their device after a failure. An attempt at a song is repeated `retries` times at most."""

    def __init__(self, placement: Placement, retries: int) -> None:
        self._placement = placement
        self._retries = retries

    def worker_lost(self, device: str) -> tuple[Lost, ...]:
        """Takes all songs off a device whose worker has ended. Returns them."""
        former = self._placement.vacate(device)
        points = former.in_flight.oldest_points()
        lost = []
        for song in tuple(former.songs.values()):
            former.leave(song)
            verdict = song.history.worker_lost(points.get(song.song_id), self._retries)
            self._settle(song, verdict)
            lost.append(Lost(song.song_id, verdict))
        return tuple(lost)

    def encoder_lost(self, song_id: str, encoded_seconds: float) -> Verdict | None:
        """Has a song made from its beginning, whose encoder has ended; `None` where it has no sound yet.

        So much of its sound had been encoded.

        A song that is given up is taken out.
        """
        song = self._placement.song(song_id) or self._placement.rendered(song_id)
        if song is None or song.untouched:
            return None
        verdict = song.history.encoder_lost(encoded_seconds, self._retries)
        if verdict is Verdict.RETRY:
            self._placement.retry_whole(song)
        else:
            self._placement.drop(song_id)
        return verdict

    def attempt_failed(
        self, device: DeviceProgress, failed: Failed, points: Mapping[SongKey, Point], *, shared: bool
    ) -> Lost | None:
        """Takes a song off the device after an error, at its point of `points`. Returns `None` for former attempts.

        A `shared` error is one that came to several songs at once.
        """
        song = device.find(failed.song)
        if song is None:
            return None
        point = points.get(failed.song, ("", 0, 0))
        verdict = song.history.failed(failed.failure.fault, point, self._retries, shared=shared)
        self._settle(song, verdict)
        return Lost(song.song_id, verdict, failed)

    def _settle(self, song: ScheduledSong, verdict: Verdict) -> None:
        if verdict is Verdict.RETRY:
            self._placement.retry(song)
        else:
            self._placement.remove(song)
