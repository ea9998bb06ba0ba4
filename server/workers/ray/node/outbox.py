"""Sends the sound that a worker makes to encoders of its node. Sound for encoders elsewhere is collected during one
command, and returned with the command's reply.
"""

import threading
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from server.workers.messages import SongKey, SoundTarget
from server.workers.ray.node.socket_path import parted
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import OpenSong, Sound
from server.workers.sound.sink import SoundSink


class OpenedSong(NamedTuple):
    """A song was announced to the encoder at `target`."""

    target: SoundTarget
    opened: OpenSong


Outgoing: TypeAlias = OpenedSong | Sound | SongKey
"""What leaves with a reply; a key marks that no more sound of the song will come."""


class Outbox:
    """Sends sound to the encoders of this node. Sound for others is collected for the command that the calling thread
    executes; each lane has its own thread.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._links = EncoderLinks()
        self._away: set[SongKey] = set()
        self.node_id = ""
        """The id of this node, once it is known."""

    def open(self, target: SoundTarget, opened: OpenSong) -> None:
        """Announce a song to its encoder."""
        node_id, path = parted(target.address)
        if node_id and node_id == self.node_id:
            self._links.open(replace(target, address=path), opened)
        else:
            self._away.add(opened.song)
            self._waiting().append(OpenedSong(target, opened))

    def send(self, sound: Sound) -> None:
        """Send sound of a song, or add it to what is collected."""
        if sound.section.song in self._away:
            self._waiting().append(sound._replace(pcm=bytes(sound.pcm)))
        else:
            self._links.send(sound)

    def release(self, song: SongKey) -> None:
        """Record that no more sound of a song will come."""
        if song in self._away:
            self._away.discard(song)
            self._waiting().append(song)
        else:
            self._links.release(song)

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
    """Pass the messages that came with a reply to `sink` on the encoders' node, in their order."""
    for one in outgoing:
        match one:
            case OpenedSong():
                sink.open(replace(one.target, address=parted(one.target.address)[1]), one.opened)
            case Sound():
                sink.send(one)
            case SongKey():
                sink.release(one)
