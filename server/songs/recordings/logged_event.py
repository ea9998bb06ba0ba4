"""Data type of one event of a song in the song's recording (event log) and in the store."""

from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import DecodeError

from melisma.v1 import music_pb2
from server.store.base import StoredEvent, StoreFailed

Message: TypeAlias = music_pb2.SongEvent


@dataclass(slots=True)
class LoggedEvent:
    """One event of a song: its message of the API, and the byte range of the song's sound that belongs to it, from
    `start` to before `end`.

    The bytes of a chunk are in its message until they are stored.
    """

    message: Message
    start: int = 0
    end: int = 0
    has_sound: bool = True

    @staticmethod
    def of(message: Message) -> "LoggedEvent":
        """Create a logged event from a message that contains its sound."""
        chunk = message.chunk
        return LoggedEvent(message, chunk.byte_offset, chunk.byte_offset + len(chunk.data))

    def release_sound(self) -> None:
        """Remove the sound from the event's message to save memory, because the sound is stored."""
        if self.end:
            self.message, self.has_sound = self._without_sound(), False

    def stored(self) -> tuple[StoredEvent, bytes]:
        """Return the event in serialized form for the store, and the event's sound."""
        return StoredEvent(self._without_sound().SerializeToString(), self.end), self.message.chunk.data

    @staticmethod
    def from_stored(event: StoredEvent, song_id: str) -> "LoggedEvent":
        """Create a logged event of the song `song_id`, without sound, from its stored form. Raises StoreFailed if the
        stored event is damaged.
        """
        try:
            message = Message.FromString(event.payload)
        except DecodeError as error:
            raise StoreFailed(
                f"an event of the song {song_id} in the song store is damaged: restore the store from a backup, or "
                "delete the song"
            ) from error
        return LoggedEvent(message, message.chunk.byte_offset, event.end_byte, has_sound=False)

    def _without_sound(self) -> Message:
        bare = Message()
        bare.CopyFrom(self.message)
        if self.end:
            bare.chunk.ClearField("data")
        return bare
