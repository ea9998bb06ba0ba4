"""Decides if a song whose attempt failed gets a new attempt or ends."""

from collections.abc import Mapping

from server.scheduling.device_progress import DeviceProgress
from server.scheduling.placement import Placement
from server.scheduling.retry import FailedAttempt, RetryDecision, WorkPosition
from server.scheduling.scheduled_song import ScheduledSong
from server.workers.messages import Failed, SongKey


class FailureHandler:
    """Takes songs off their device after a failure, and retries each song at most `retries` times."""

    def __init__(self, placement: Placement, retries: int) -> None:
        self._placement = placement
        self._retries = retries

    def worker_lost(self, device: str) -> tuple[FailedAttempt, ...]:
        """Take all songs off a device whose worker has died. Return the failed attempts at these songs, each with the
        decision to retry the song or not.
        """
        former = self._placement.vacate(device)
        positions = former.in_flight.oldest_positions()
        failed_attempts = []
        for song in tuple(former.songs.values()):
            former.leave(song)
            decision = song.history.worker_lost(positions.get(song.song_id), self._retries)
            self._settle(song, decision)
            failed_attempts.append(FailedAttempt(song.song_id, decision))
        return tuple(failed_attempts)

    def encoder_lost(self, song_id: str, encoded_seconds: float) -> RetryDecision | None:
        """Start a song again from its beginning, because its encoder died after `encoded_seconds` of its sound. A song
        whose encoders died too often is removed.

        Returns the decision to retry the song or to end it; `None` if the song needs no new start, because it has no
        sound yet or has ended.
        """
        song = self._placement.song(song_id) or self._placement.rendered(song_id)
        if song is None or song.untouched:
            return None
        decision = song.history.encoder_lost(encoded_seconds, self._retries)
        if decision is RetryDecision.RETRY:
            self._placement.retry_whole(song)
        else:
            self._placement.drop(song_id)
        return decision

    def attempt_failed(
        self, device: DeviceProgress, failed: Failed, positions: Mapping[SongKey, WorkPosition], *, shared: bool
    ) -> FailedAttempt | None:
        """Take a song off the device after an error of the engine, and return the failed attempt; `None` if the error
        belongs to an earlier attempt at the song.

        `positions` has the position (kind of command, section, step or window) of each attempt at a song in the command
        that failed; `shared` is True if that was a command for several songs.
        """
        song = device.find(failed.song)
        if song is None:
            return None
        position = positions.get(failed.song, ("", 0, 0))
        decision = song.history.failed(failed.failure.fault, position, self._retries, shared=shared)
        self._settle(song, decision)
        return FailedAttempt(song.song_id, decision, failed)

    def _settle(self, song: ScheduledSong, decision: RetryDecision) -> None:
        if decision is RetryDecision.RETRY:
            self._placement.retry(song)
        else:
            self._placement.remove(song)
