"""Forwards the encoded stream of one song once, although another encoder encodes the song again if the first encoder is
lost.
"""

from server.encoders.messages import Encoded
from server.song import Chunk, Planned, SectionSent, SongCompleted, SongEvent


class StreamDiffers(Exception):
    """Error: a song was encoded again, and the new stream differs from the part that listeners already have."""


class EncodedStream:
    """The encoded stream of one song. It forwards each chunk once, although a second encoder may repeat chunks, which
    must have the same bytes.

    Chunks are identified by their number, and compared by the SHA-256 of the stream up to the last chunk.
    """

    def __init__(self) -> None:
        self._planned = False
        self._chunks = 0
        self._digest = b""
        self._sections = 0
        self._repeated = 0

    def restart(self) -> None:
        """Expect the song's stream from its beginning again, because another encoder encodes the song anew."""
        self._repeated = 0

    def new_events(self, encoded: Encoded) -> list[SongEvent]:
        """Return those events of a message that were not forwarded before, in their order.

        Raises:
            StreamDiffers: the repeated stream differs from the one before the restart.
        """
        return [event for event in encoded.events if self._is_new(event, encoded.digest)]

    def _is_new(self, event: SongEvent, digest: bytes) -> bool:
        match event:
            case Planned():
                new, self._planned = not self._planned, True
                return new
            case Chunk():
                return self._is_new_chunk(digest)
            case SectionSent():
                new = event.section_index >= self._sections
                self._sections = max(self._sections, event.section_index + 1)
                return new
            case SongCompleted() if self._repeated < self._chunks:
                raise StreamDiffers(
                    f"the song was encoded again, and now ends after {self._repeated} of {self._chunks} chunks, so the "
                    "song fails. This is a bug: please report it"
                )
            case _:
                return True

    def _is_new_chunk(self, digest: bytes) -> bool:
        self._repeated += 1
        if self._repeated > self._chunks:
            self._chunks, self._digest = self._repeated, digest
            return True
        if self._repeated == self._chunks and digest != self._digest:
            raise StreamDiffers(
                f"the song was encoded again, and its first {self._chunks} chunks differ from those sent, so the "
                "song fails. This is a bug: please report it"
            )
        return False
