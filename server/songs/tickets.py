"""Creates admission tickets: requests to the song directory (registry of waiting and running songs) to admit a new
song.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from melisma.v1 import music_pb2
from server.quota import Quota
from server.song import SongRequest
from server.songs.parts import SongParts
from server.store.base import SongRecord
from server.store.directory import Ticket

ATTEND_SECONDS = 6.0
"""Seconds for which a server's report on its listeners is valid without renewal."""


def new_song_id() -> str:
    """Return a new unique song id."""
    return f"song-{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class Terms:
    """The quota of a caller, and the caller's weight in fair scheduling."""

    quota: Quota = Quota()  # noqa: RUF009  # it cannot change
    weight: float = 1.0


def no_terms(_: str) -> Terms:
    """Return the terms of every caller if none are configured: no quota, and weight 1."""
    return Terms()


class Tickets:
    """Creates the admission tickets of new songs.

    `terms` returns the present quota and weight of a caller, `song_id` a new id.
    """

    def __init__(
        self,
        parts: SongParts,
        *,
        terms: Callable[[str], Terms],
        song_id: Callable[[], str],
    ) -> None:
        """Set up the creation of admission tickets. `terms` returns the present quota and weight of a caller, `song_id`
        a new id. With a shared store another server than the admitting one may make a song, so a ticket contains the
        request itself.

        The ticket also reports the song's first listener, who counts as present until the server's first report on its
        listeners.
        """
        self._runner = parts.runner
        self._terms = terms
        self._now_ns = parts.clocks.now_ns
        self._song_id = song_id
        self._clock = parts.clocks.monotonic
        self._with_request = not parts.store.embedded
        self.service_slots = 0
        """Largest number of songs that the servers of one engine make at the same time together, as far as known."""

    def write(
        self,
        message: music_pb2.GenerateRequest,
        request: SongRequest,
        fingerprint: str,
        *,
        linger_seconds: float | None,
        take: bool,
    ) -> Ticket:
        """Return the admission ticket of a new song. The song is made for `linger_seconds` after its last listener has
        left; with `None` it is always made to its end. With `take` this server wants to make the song itself, at once.
        `request` is the content of `message`, `fingerprint` a hash of it.
        """
        room, terms = self._runner.room(), self._terms(request.caller)
        return Ticket(
            song=self._record(request, fingerprint),
            request=_whole(message, request).SerializeToString() if self._with_request else b"",
            repeatable=bool(message.request_id),
            quota=terms.quota,
            max_songs=max(room.slots, self.service_slots) + room.queued,
            weight=terms.weight,
            sound_seconds=request.params.duration_seconds or 0.0,
            steps=request.params.steps,
            deadline_seconds=None if request.deadline is None else request.deadline - self._clock(),
            linger_seconds=linger_seconds,
            attend_seconds=0.0 if linger_seconds is None or not self._with_request else ATTEND_SECONDS + linger_seconds,
            kept_songs=room.kept,
            take=take,
            sound=self._runner.sound(request.engine) if take and self._with_request else "",
        )

    def _record(self, request: SongRequest, fingerprint: str) -> SongRecord:
        return SongRecord(
            song_id=self._song_id(),
            caller=request.caller,
            request_id=request.request_id,
            fingerprint=fingerprint,
            engine=request.engine,
            prompt=request.params.prompt,
            seed=request.params.seed,
            created_ns=self._now_ns(),
            format=request.audio.format,
        )


def _whole(message: music_pb2.GenerateRequest, request: SongRequest) -> music_pb2.GenerateRequest:
    """Return the request with the values that this server has chosen (seed, engine), so that another server would make
    the same song.
    """
    whole = music_pb2.GenerateRequest()
    whole.CopyFrom(message)
    whole.request_id, whole.engine, whole.seed = request.request_id, request.engine, request.params.seed
    return whole


def log_fields(request: SongRequest, song: SongRecord, *, words: bool) -> dict[str, object]:
    """Return the log fields that identify an admitted song; with `words` also its prompt and lyrics."""
    fields: dict[str, object] = {
        "request_id": song.request_id,
        "song_id": song.song_id,
        "engine": song.engine,
        "caller": song.caller,
    }
    if words:
        fields |= {"prompt": request.params.prompt, "lyrics": request.params.lyrics}
    return fields
