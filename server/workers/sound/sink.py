"""Interface through which a worker's executor sends the sound of songs."""

from typing import Protocol

from server.workers.messages import SongKey, SoundTarget
from server.workers.sound.messages import OpenSong, Sound


class SoundSink(Protocol):
    """Protocol: takes the sound of songs from the threads of all lanes of a worker."""

    def open(self, target: SoundTarget, opened: OpenSong) -> None:
        """Announce a song to its encoder."""

    def send(self, sound: Sound) -> None:
        """Send sound of an open song; sound of other songs is dropped."""

    def release(self, song: SongKey) -> None:
        """Record that no more sound of a song will come."""
