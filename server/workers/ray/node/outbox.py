"""Collects the sound that a worker makes during one command, so that it is returned with the command's reply."""

import threading
from typing import NamedTuple, TypeAlias

from server.workers.messages import SongKey, SoundTarget
from server.workers.sound.messages import OpenSong, Sound
from server.workers.sound.sink import SoundSink


class OpenedSong(NamedTuple):
    """A song was announced to the encoder at `target`."""

    target: SoundTarget
    opened: OpenSong


Outgoing: TypeAlias = OpenedSong | Sound | SongKey
"""What leaves with a reply; a key marks that no more sound of the song will come."""


class Outbox:
    """Collects the sound of the commands that the calling thread executes; each lane has its own thread."""

    def __init__(self) -> None:
        self._own = threading.local()

    def open(self, target: SoundTarget, opened: OpenSong) -> None:
        """Announce a song to its encoder."""
        self._waiting().append(OpenedSong(target, opened))

    def send(self, sound: Sound) -> None:
        """Add a piece of a song's sound to be sent."""
        self._waiting().append(sound._replace(pcm=bytes(sound.pcm)))

    def release(self, song: SongKey) -> None:
        """Record that no more sound of a song will come."""
        self._waiting().append(song)

    def take(self) -> tuple[Outgoing, ...]:
        """Return what the calling thread has added since the last call."""
        waiting = self._waiting()
        taken = tuple(waiting)
        waiting.clear()
        return taken

    def _waiting(self) -> list[Outgoing]:
        waiting: list[Outgoing] | None = getattr(self._own, "waiting", None)
        if waiting is None:
            waiting = self._own.waiting = []
        return waiting


def deliver(outgoing: tuple[Outgoing, ...], sink: SoundSink) -> None:
    """Pass the messages that came with a reply to `sink`, in their order."""
    for one in outgoing:
        match one:
            case OpenedSong():
                sink.open(one.target, one.opened)
            case Sound():
                sink.send(one)
            case SongKey():
                sink.release(one)
