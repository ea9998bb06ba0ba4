"""Protocol of the object through which a worker sends the sound of songs to encoders."""

from typing import Protocol

from server.workers.messages import SongKey, SoundTarget
from server.workers.sound.messages import OpenSong, Sound


class SoundSink(Protocol):
    """Protocol of an object that takes the sound of songs, from the threads of all lanes (command queues) of a worker,
    for their encoders.
    """

    def open(self, target: SoundTarget, opened: OpenSong) -> None:
        """Announce a song to its encoder, which then expects the sound of the song."""

    def send(self, sound: Sound) -> None:
        """Send sound of an open song to the song's encoder; sound of other songs is dropped."""

    def release(self, song: SongKey) -> None:
        """End the sound of a song: the song's encoder gets no more sound of it."""
