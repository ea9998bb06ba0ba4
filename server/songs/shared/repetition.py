"""Compares a song that is made again with the part of it that is stored."""

from collections.abc import Sequence
from typing import Final

from server.songs.entry import Entry, Message
from server.store.base import SongStore, StoreFailed
from server.store.directory import Claim

_COMPARED: Final = {"chunk": ("sequence", "byte_offset", "data"), "section_finished": ("section_index",)}
"""The fields that decide, by kind of event: what else is told may differ between versions and from hour to hour."""


class SoundDiffers(Exception):
    """The song that was made again is not the one of which a part is stored."""


async def stored_part(store: SongStore, claim: Claim) -> list[Entry]:
    """Everything that is stored of a claimed song, with its sound.

    Raises:
        StoreFailed: the store is away, or has not what the claim tells.
    """
    if not claim.extent.events:
        return []
    loaded = await store.load(claim.song.song_id)
    sound = await store.read(claim.song.song_id, 0, claim.extent.size_bytes)
    if loaded is None or (len(loaded[1]), len(sound)) != (claim.extent.events, claim.extent.size_bytes):
        raise StoreFailed(f"the song {claim.song.song_id} has changed while it was taken over")
    return [_with_sound(Entry.restored(event), sound) for event in loaded[1]]


def _with_sound(entry: Entry, sound: bytes) -> Entry:
    if entry.end:
        entry.message.chunk.data = sound[entry.start : entry.end]
        entry.has_sound = True
    return entry


class Repetition:
    """The stored part of a song, against which its events are held, one by one and in order, until it is `over`.

    A song of which no sound is stored may be made anew in another way: its plan then counts as news.
    """

    def __init__(self, stored: Sequence[Entry]) -> None:
        self._stored = tuple(stored)
        self._heard = any(entry.end for entry in stored)
        self._count = 0

    @property
    def over(self) -> bool:
        """True once all of the stored part has come again, or needs not come."""
        return self._count == len(self._stored)

    def takes(self, message: Message) -> bool:
        """Hold the next event against its stored twin; returns False for one that is news.

        Raises:
            SoundDiffers: it is another event, or has other sound.
        """
        stored = self._stored[self._count].message
        if not self._heard and message.WhichOneof("event") != "accepted" and message != stored:
            self._count = len(self._stored)
            return False
        _compare(message, stored)
        self._count += 1
        return True


def _compare(message: Message, stored: Message) -> None:
    kind, expected = message.WhichOneof("event"), stored.WhichOneof("event")
    if kind != expected or kind is None:
        raise SoundDiffers(f"{kind} came where {expected} is stored")
    own, other = getattr(message, kind), getattr(stored, kind)
    for field in _COMPARED.get(kind, ()):
        if getattr(own, field) != getattr(other, field):
            raise SoundDiffers(f"{field} of {kind} {stored.chunk.sequence} differs")
