"""One logged event of a song, as its recording and the store keep it."""

from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import DecodeError

from melisma.v1 import music_pb2
from server.store.base import StoredEvent, StoreFailed

Message: TypeAlias = music_pb2.SongEvent


@dataclass(slots=True)
class LoggedEvent:
    """One message, and the bytes of the song that belong to it, from `start` to before `end`.

    The sound of a chunk is in its message until it is stored elsewhere.
    """

    message: Message
    start: int = 0
    end: int = 0
    has_sound: bool = True

    @staticmethod
    def of(message: Message) -> "LoggedEvent":
        """The entry of a message that has its sound."""
        chunk = message.chunk
        return LoggedEvent(message, chunk.byte_offset, chunk.byte_offset + len(chunk.data))

    def release_sound(self) -> None:
        """Drop sound that is stored elsewhere."""
        if self.end:
            self.message, self.has_sound = self._without_sound(), False

    def stored(self) -> tuple[StoredEvent, bytes]:
        """The entry in the store's form, and its sound."""
        return StoredEvent(self._without_sound().SerializeToString(), self.end), self.message.chunk.data

    @staticmethod
    def from_stored(event: StoredEvent) -> "LoggedEvent":
        """The entry of a stored event, without sound; raises StoreFailed if it is damaged."""
        try:
            message = Message.FromString(event.payload)
        except DecodeError as error:
            raise StoreFailed(
                "an event of a song in the song store is damaged: restore the store from a backup, or delete the song"
            ) from error
        return LoggedEvent(message, message.chunk.byte_offset, event.end_byte, has_sound=False)

    def _without_sound(self) -> Message:
        bare = Message()
        bare.CopyFrom(self.message)
        if self.end:
            bare.chunk.ClearField("data")
        return bare
