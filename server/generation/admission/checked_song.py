"""A request that can be made here, between its check and the beginning of its song."""

from collections.abc import Callable
from typing import TypeAlias

from server.generation.admission.eta import SongEta
from server.generation.jobs.job import Job
from server.song import Accepted
from server.songs.ports import EventSink

Begin: TypeAlias = Callable[[Accepted, EventSink], Job]


class CheckedSong:
    """The song of a request that has passed its checks."""

    def __init__(self, eta: SongEta | None, begin: Begin) -> None:
        self._eta = eta
        self._begin = begin

    def accepted(self, song_id: str, queue_position: int) -> Accepted:
        """The first event of the song, with its ETA as of the check."""
        if self._eta is None:
            return Accepted(song_id, queue_position)
        estimate = self._eta.estimate
        return Accepted(song_id, queue_position, estimate.first_audio_seconds, estimate.finish_seconds)

    def begin(self, song_id: str, sink: EventSink, queue_position: int) -> Job:
        """Start making the song; `sink` has its `Accepted` event when this returns. Raises Draining."""
        return self._begin(self.accepted(song_id, queue_position), sink)
