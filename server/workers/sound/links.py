"""Keeps a worker's connections to encoders: a Unix socket to each encoder that has a song of this worker."""

import logging
import socket
import threading

from server.workers.messages import SongKey, SoundTarget
from server.workers.pipes.pipe import PipeClosed
from server.workers.sound.messages import OpenSong, Sound, SoundMessage
from server.workers.sound.pipe import SoundPipe

_log = logging.getLogger(__name__)


class EncoderLinks:
    """Connects to an encoder when its first song is opened, and disconnects when its last song is released.

    Calls may come from two threads at once; a slow encoder delays only its own sound. The loss of an encoder is only
    logged: the server detects it, and repeats the songs on another encoder.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, _Link] = {}
        self._songs: dict[SongKey, str] = {}

    def open(self, target: SoundTarget, opened: OpenSong) -> None:
        """Announce a song to its encoder, which then expects the sound of the song."""
        with self._lock:
            self._songs[opened.song] = target.address
            link = self._links.setdefault(target.address, _Link(target.address))
        self._send(link, opened)

    def send(self, sound: Sound) -> None:
        """Send sound of an open song to the song's encoder; sound of other songs is dropped."""
        with self._lock:
            link = self._links.get(self._songs.get(sound.section.song, ""))
        if link is not None:
            self._send(link, sound)

    def release(self, song: SongKey) -> None:
        """Record that no more sound of a song will come; close the connection to its encoder if that has no other
        song.
        """
        with self._lock:
            address = self._songs.pop(song, None)
            idle = address is not None and address not in self._songs.values()
            link = self._links.pop(address, None) if idle and address is not None else None
        if link is not None:
            link.close()

    def close(self) -> None:
        """Close all connections to encoders; data that was sent still arrives."""
        with self._lock:
            links = tuple(self._links.values())
            self._songs.clear()
            self._links.clear()
        for link in links:
            link.close()

    def _send(self, link: "_Link", message: SoundMessage) -> None:
        try:
            link.send(message)
        except (PipeClosed, ConnectionError, FileNotFoundError) as error:
            _log.info(
                "the encoder at %s has ended (%s); its songs go to another encoder", link.address, type(error).__name__
            )
            with self._lock:
                self._songs = {song: other for song, other in self._songs.items() if other != link.address}
                self._links.pop(link.address, None)
            link.close()


class _Link:
    """The connection to one encoder, which is opened with the first message."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._pipe: SoundPipe | None = None

    def send(self, message: SoundMessage) -> None:
        """Send a message to the encoder. Raises PipeClosed or an OSError if the encoder has ended."""
        with self._lock:
            if self._pipe is None:
                self._pipe = _connected(self.address)
            self._pipe.send(message)

    def close(self) -> None:
        """Close the connection to the encoder, after a message in progress is sent."""
        with self._lock:
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None


def _connected(address: str) -> SoundPipe:
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.connect(address)
    except BaseException:
        end.close()
        raise
    return SoundPipe(end.detach())
