"""The failure of a stored song: a machine-readable reason and a text."""

from dataclasses import dataclass

from melisma.v1 import music_pb2
from melisma_client.errors import reason_of


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that ended a song: a machine-readable reason, such as "INTERRUPTED", and a text for people."""

    reason: str
    text: str


def failure_of(song: music_pb2.Song) -> Failure | None:
    """Return the failure of a stored song, as returned by `get_song`, `list_songs` or `cancel_song`; `None` if the song
    has not failed.
    """
    return Failure(reason_of(song.failure), song.failure.message) if song.HasField("failure") else None
