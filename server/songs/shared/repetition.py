"""Compares a song that this server makes again with the part that an earlier server has made and stored."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from melisma.v1.music_pb2 import AudioChunk
from server.songs.recordings.logged_event import LoggedEvent, Message
from server.store.base import SongStore, StoreFailed
from server.store.directory import Claim

_COMPARED: Final = {"section_finished": ("section_index",)}
"""Names of the message fields that are compared, by kind of event; all other fields may differ between versions and
runs.
"""


class SoundDiffers(Exception):
    """The song made again differs from the part of the song that is stored."""


async def stored_part(store: SongStore, claim: Claim) -> list[LoggedEvent]:
    """Return all stored events of a song that was assigned to this server, with their sound.

    Raises:
        StoreFailed: the store is unreachable, or has another number of events or bytes than the `claim` says.
    """
    if not claim.extent.events:
        return []
    loaded = await store.load(claim.song.song_id)
    sound = await store.read(claim.song.song_id, 0, claim.extent.size_bytes)
    if loaded is None or (len(loaded[1]), len(sound)) != (claim.extent.events, claim.extent.size_bytes):
        raise StoreFailed(
            f"another server changed the song {claim.song.song_id} while this server took it over; the takeover is "
            "tried again"
        )
    return [_with_sound(LoggedEvent.from_stored(event, claim.song.song_id), sound) for event in loaded[1]]


async def stored_seconds(store: SongStore, song_id: str) -> float:
    """Return the length of a song's stored sound in seconds. Raises StoreFailed."""
    loaded = await store.load(song_id)
    stored = [event for event in loaded[1] if event.end_byte] if loaded else []
    chunks = [LoggedEvent.from_stored(event, song_id).message.chunk for event in stored]
    return sum(chunk.duration_seconds for chunk in chunks)


def _with_sound(entry: LoggedEvent, sound: bytes) -> LoggedEvent:
    if entry.end:
        entry.message.chunk.data = sound[entry.start : entry.end]
        entry.has_sound = True
    return entry


class Repetition:
    """Compares the events of a song that is made again with the song's stored events, until all of these were repeated.

    Sound is compared byte by byte, regardless of its division into chunks, which may differ between versions. Other
    events are compared in order. If no sound is stored, the song may be made differently; its plan then counts as not
    stored.
    """

    def __init__(self, stored: Sequence[LoggedEvent]) -> None:
        """Set up the comparison; `stored` are the song's stored events, with their sound."""
        messages = [entry.message for entry in stored]
        chunks = [one.chunk for one in messages if one.WhichOneof("event") == "chunk"]
        self._events = deque(one for one in messages if one.WhichOneof("event") != "chunk")
        self._sound = b"".join(chunk.data for chunk in chunks)
        self._size_bytes = len(self._sound)
        self._repeated_bytes = 0
        self._continuation = StreamContinuation(messages, self._size_bytes) if chunks else None

    @property
    def done(self) -> bool:
        """True once the song made again has repeated the whole stored part, or need not repeat it."""
        return not self._events and self._repeated_bytes == self._size_bytes

    def unstored_part(self, message: Message) -> Message | None:
        """Return the part of a new event that is not stored yet, with numbers that follow the stored events; `None` if
        the whole event is stored.

        Raises:
            SoundDiffers: the event or its sound differs from the stored one.
        """
        kind = message.WhichOneof("event")
        if self._continuation is None and kind != "accepted" and self._events and message != self._events[0]:
            self._events.clear()
        if kind == "chunk":
            return self._new_sound(message)
        if kind == "finished" and self._repeated_bytes < self._size_bytes:
            raise SoundDiffers(
                f"the song made again ends after {self._repeated_bytes} of {self._size_bytes} stored bytes, so it "
                "cannot be continued: request a new song"
            )
        if not self._events:
            return message
        _compare(message, self._events.popleft())
        return None

    def _new_sound(self, message: Message) -> Message | None:
        if self._continuation is None:
            return message
        data, start = message.chunk.data, self._repeated_bytes
        if start < self._size_bytes:
            if message.chunk.byte_offset != start or not data.startswith(self._sound[start : start + len(data)]):
                raise SoundDiffers(
                    f"the song made again has other sound from byte {start} to {start + len(data)}, so it cannot be "
                    "continued: request a new song"
                )
            self._repeated_bytes = min(self._size_bytes, start + len(data))
            if start + len(data) <= self._size_bytes:
                return None
        self._sound = b""
        return self._continuation.follow(message)


class StreamContinuation:
    """Numbers the new chunks of a song so that they follow the song's stored chunks."""

    def __init__(self, stored: Sequence[Message], size_bytes: int) -> None:
        """Set up the numbering; `stored` are the song's stored events, with its plan and at least one chunk,
        `size_bytes` is the size of the stored sound.
        """
        self._plan = next(one.plan for one in stored if one.WhichOneof("event") == "plan")
        self._last = next(one.chunk for one in reversed(stored) if one.WhichOneof("event") == "chunk")
        self._size_bytes = size_bytes
        self._shift: int | None = None

    def follow(self, message: Message) -> Message:
        """Return a chunk numbered to follow the stored chunks, without the bytes that are already stored."""
        if self._shift is None:
            self._shift = self._last.sequence + 1 - message.chunk.sequence
        inside = message.chunk.byte_offset < self._size_bytes
        if not self._shift and not inside:
            return message
        followed = Message(chunk=message.chunk)
        followed.chunk.sequence += self._shift
        if inside:
            self._cut(followed.chunk)
        return followed

    def _cut(self, chunk: AudioChunk) -> None:
        """Remove from a chunk the bytes that are already stored, and adapt its times and offsets. Stored chunks are
        whole frames, so the rest of the chunk begins with a frame.
        """
        end_seconds = chunk.start_seconds + chunk.duration_seconds
        chunk.data = chunk.data[self._size_bytes - chunk.byte_offset :]
        chunk.byte_offset = self._size_bytes
        chunk.start_seconds = self._last.start_seconds + self._last.duration_seconds
        chunk.duration_seconds = max(0.0, end_seconds - chunk.start_seconds)
        chunk.sample_offset = self._plan.delay_samples + round(chunk.start_seconds * self._plan.sample_rate_hertz)
        begun = [one.index for one in self._plan.sections if one.start_seconds <= chunk.start_seconds]
        chunk.section_index = max(begun, default=0)


def _compare(message: Message, stored: Message) -> None:
    kind, expected = message.WhichOneof("event"), stored.WhichOneof("event")
    if kind != expected or kind is None:
        raise SoundDiffers(
            f"the song made again has the event {kind} where {expected} is stored, so it cannot be continued: "
            "request a new song"
        )
    own, other = getattr(message, kind), getattr(stored, kind)
    for field in _COMPARED.get(kind, ()):
        if getattr(own, field) != getattr(other, field):
            raise SoundDiffers(
                f"the song made again has {field} {getattr(own, field)} in the event {kind}, where "
                f"{getattr(other, field)} is stored, so it cannot be continued: request a new song"
            )
