"""A song whose request has passed its checks and which has not been started."""

from collections.abc import Callable
from typing import TypeAlias

from server.generation.admission.service_eta import SongEta
from server.generation.jobs.job import Job
from server.song import Accepted
from server.songs.ports import EventSink

Begin: TypeAlias = Callable[[Accepted, EventSink, SongEta | None], Job]


class CheckedSong:
    """A song whose request has passed its checks, ready to be started."""

    def __init__(self, eta: SongEta | None, eta_here: Callable[[], SongEta | None], begin: Begin) -> None:
        """Set up the checked song. `eta` is its ETA at the time of the check; `eta_here` computes the ETA of a song
        that starts on this server now.

        `begin` starts the song and returns its job.
        """
        self._eta = eta
        self._eta_here = eta_here
        self._begin = begin

    def accepted(self, song_id: str, queue_position: int) -> Accepted:
        """Return the event `Accepted`, the first one of a song, with its `queue_position` (the number of songs before
        it) and the ETA at the time of the check.
        """
        return _accepted(song_id, queue_position, self._eta)

    def begin(self, song_id: str, sink: EventSink, queue_position: int) -> Job:
        """Start making the song on this server and return its job. The event `Accepted` is already in `sink` when this
        returns.

        Raises:
            Draining: the server is shutting down.
        """
        eta = self._eta_here()
        return self._begin(_accepted(song_id, queue_position, eta), sink, eta)


def _accepted(song_id: str, queue_position: int, eta: SongEta | None) -> Accepted:
    if eta is None:
        return Accepted(song_id, queue_position)
    return Accepted(song_id, queue_position, eta.estimate.first_audio_seconds, eta.estimate.finish_seconds)
