"""Sends a worker's sound to the encoders on its own node. Sound for encoders on other nodes is queued during a command,
and returned with the command's reply.
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
    """Message: a song is announced to the encoder at `target`."""

    target: SoundTarget
    opened: OpenSong


Outgoing: TypeAlias = OpenedSong | Sound | SongKey
"""A message for an encoder on another node, which is returned with a command's reply: a new song, sound, or the key of
a song that gets no more sound.
"""


class Outbox:
    """Sends the sound of a worker to the encoders of its node. Sound for encoders on other nodes is queued for each
    thread, that is for each lane (command queue), until the thread's command ends.
    """

    def __init__(self) -> None:
        self._own = threading.local()
        self._links = EncoderLinks()
        self._away: set[SongKey] = set()
        self.node_id = ""
        """The id of this node in the cluster; empty until it is known."""

    def open(self, target: SoundTarget, opened: OpenSong) -> None:
        """Announce a song to its encoder; if the encoder is on another node, queue the announcement for the server,
        which sends it there.
        """
        node_id, path = parted(target.address)
        if node_id and node_id == self.node_id:
            self._links.open(replace(target, address=path), opened)
        else:
            self._away.add(opened.song)
            self._waiting().append(OpenedSong(target, opened))

    def send(self, sound: Sound) -> None:
        """Send sound of a song to its encoder; if the encoder is on another node, queue the sound for the server, which
        sends it there.
        """
        if sound.section.song in self._away:
            self._waiting().append(sound._replace(pcm=bytes(sound.pcm)))
        else:
            self._links.send(sound)

    def release(self, song: SongKey) -> None:
        """Tell a song's encoder that no more sound of the song will come; if the encoder is on another node, queue this
        message for the server, which sends it there.
        """
        if song in self._away:
            self._away.discard(song)
            self._waiting().append(song)
        else:
            self._links.release(song)

    def take(self) -> tuple[Outgoing, ...]:
        """Return the messages for encoders on other nodes that the calling thread has queued since the last call, and
        remove them from the queue.
        """
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
    """Send the messages that came with a command's reply to encoders through `sink`, in order; runs on the encoders'
    node.
    """
    for one in outgoing:
        match one:
            case OpenedSong():
                sink.open(replace(one.target, address=parted(one.target.address)[1]), one.opened)
            case Sound():
                sink.send(one)
            case SongKey():
                sink.release(one)
