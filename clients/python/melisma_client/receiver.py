"""Takes a song's messages one by one, in order, and proves at the end that every byte has arrived."""

from hashlib import sha256
from typing import TypeAlias

from melisma.v1.music_pb2 import (
    Accepted,
    AudioChunk,
    Finished,
    GenerateResponse,
    Plan,
    Progress,
    SectionFinished,
)
from melisma_client.errors import BrokenSong

Event: TypeAlias = Accepted | Plan | Progress | AudioChunk | SectionFinished | Finished
"""What a song tells while it is made; the messages of the contract, `Finished` the last."""


class Receiver:
    """What has arrived of one song so far; `None` stands for what has not."""

    def __init__(self) -> None:
        self.accepted: Accepted | None = None
        self.plan: Plan | None = None
        self.finished: Finished | None = None
        self.size_bytes = 0
        self._chunks = 0
        self._digest = sha256()

    @property
    def heard(self) -> bool:
        """Whether any sound has arrived."""
        return self.size_bytes > 0

    def take(self, response: GenerateResponse) -> Event | None:
        """The event in `response`, noted; `None` for a kind of event that this client does not know yet.

        Raises:
            BrokenSong: the chunk does not follow the last one, or the whole differs from what the server sent.
        """
        match response.WhichOneof("event"):
            case "accepted":
                self.accepted = response.accepted
                return response.accepted
            case "plan":
                self.plan = response.plan
                return response.plan
            case "progress":
                return response.progress
            case "chunk":
                return self._take_chunk(response.chunk)
            case "section_finished":
                return response.section_finished
            case "finished":
                return self._take_end(response.finished)
            case None:
                return None

    def close(self) -> Finished:
        """The last event of the stream, which has ended; raises `BrokenSong` if it never came."""
        if self.finished is None:
            raise BrokenSong(f"the stream ended after {self.size_bytes} bytes without saying that the song is finished")
        return self.finished

    def _take_chunk(self, chunk: AudioChunk) -> AudioChunk:
        if (chunk.sequence, chunk.byte_offset) != (self._chunks, self.size_bytes):
            raise BrokenSong(
                f"expected chunk {self._chunks} at byte {self.size_bytes}, "
                f"but chunk {chunk.sequence} at byte {chunk.byte_offset} came"
            )
        self._chunks += 1
        self.size_bytes += len(chunk.data)
        self._digest.update(chunk.data)
        return chunk

    def _take_end(self, finished: Finished) -> Finished:
        if (finished.size_bytes, finished.sha256) != (self.size_bytes, self._digest.hexdigest()):
            raise BrokenSong(
                f"the {self.size_bytes} bytes that arrived are not the {finished.size_bytes} bytes that were sent"
            )
        self.finished = finished
        return finished
