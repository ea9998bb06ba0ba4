"""Checks and stores a song's messages in order, and verifies at the end that all bytes have arrived."""

from hashlib import sha256
from typing import TypeAlias

from melisma.v1.music_pb2 import (
    AudioChunk,
    GenerateResponse,
    ListenResponse,
    SectionFinished,
    SongAccepted,
    SongFinished,
    SongPlan,
    SongProgress,
)
from melisma_client.errors import BrokenSong

Event: TypeAlias = SongAccepted | SongPlan | SongProgress | AudioChunk | SectionFinished | SongFinished
"""An event of a song, one of the messages in `SongEvent`. `SongFinished` is the last one."""

Response: TypeAlias = GenerateResponse | ListenResponse


class Receiver:
    """The part of one song that was received so far: events and number of bytes. Values that have not arrived are
    `None`.
    """

    def __init__(self, byte_offset: int = 0) -> None:
        """Set up the receiver for a song's sound from `byte_offset` on. `size_bytes` counts the bytes before this
        offset as received.
        """
        self.accepted: SongAccepted | None = None
        self.plan: SongPlan | None = None
        self.finished: SongFinished | None = None
        self.size_bytes = byte_offset
        self._byte_offset = byte_offset
        self._chunks = None if byte_offset else 0
        self._sections: set[int] = set()
        self._digest = sha256()

    @property
    def has_audio(self) -> bool:
        """True once any sound has arrived."""
        return self.size_bytes > self._byte_offset

    @property
    def _song(self) -> str:
        """The words for the song in error texts, with its id if that has arrived."""
        return f"the song {self.accepted.song_id}" if self.accepted else "the song"

    def take(self, response: Response) -> Event | None:
        """Store and return the event in `response`; `None` for a repeated event, and for kinds of events that this
        client does not know.

        Raises:
            BrokenSong: the chunk does not follow the previous one, or size or checksum of the whole song are wrong.
        """
        event = response.event
        match event.WhichOneof("event"):
            case "accepted":
                had_accepted, self.accepted = self.accepted, event.accepted
                return None if had_accepted else event.accepted
            case "plan":
                planned, self.plan = self.plan, event.plan
                return None if planned else event.plan
            case "progress":
                return event.progress
            case "chunk":
                return self._take_chunk(event.chunk)
            case "section_finished":
                return self._take_section(event.section_finished)
            case "finished":
                return self._take_end(event.finished)
            case None:
                return None

    def close(self) -> SongFinished:
        """Verify that the song's final event has arrived, and return this event. Raises `BrokenSong` if it is
        missing.
        """
        if self.finished is None:
            raise BrokenSong(
                f"the stream of {self._song} ended after {self.size_bytes} bytes without the final event of the song: "
                "listen to the song again"
            )
        return self.finished

    def _take_section(self, section: SectionFinished) -> SectionFinished | None:
        if section.section_index in self._sections:
            return None
        self._sections.add(section.section_index)
        return section

    def _take_chunk(self, chunk: AudioChunk) -> AudioChunk:
        expected = chunk.sequence if self._chunks is None else self._chunks
        if (chunk.sequence, chunk.byte_offset) != (expected, self.size_bytes):
            raise BrokenSong(
                f"chunk {chunk.sequence} at byte {chunk.byte_offset} of {self._song} arrived in place of chunk "
                f"{expected} at byte {self.size_bytes}: listen to the song again"
            )
        self._chunks = expected + 1
        self.size_bytes += len(chunk.data)
        self._digest.update(chunk.data)
        return chunk

    def _take_end(self, finished: SongFinished) -> SongFinished:
        # The server's checksum is that of the whole song, and is compared only if the whole song was received.
        sha256_heard = finished.sha256 if self._byte_offset else self._digest.hexdigest()
        if (finished.size_bytes, finished.sha256) != (self.size_bytes, sha256_heard):
            raise BrokenSong(
                f"the {self.size_bytes} bytes of {self._song} that arrived differ from the {finished.size_bytes} bytes "
                "that were sent: listen to the song again"
            )
        self.finished = finished
        return finished
