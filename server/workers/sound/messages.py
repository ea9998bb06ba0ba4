"""Messages from a worker to the encoder of a song: first the song's plan, then its sound, window by window (a window is
the stretch of sound rendered at once), in order.

The worker sends the sound before it replies to the server, so that no sound is lost if the worker dies.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from model.song import SectionScore, SongPlan, Window
from server.song import AudioSettings, Origin
from server.workers.messages import SectionKey, SongKey


@dataclass(frozen=True, slots=True)
class OpenSong:
    """Message: announces an attempt at a song to the encoder, with the song's `plan` (without the engine's own field
    `detail`).

    The sound has `channels` channels at `sample_rate_hertz` and is encoded with the settings `audio`. `prompt` and
    `lyrics` are those of the request; `origin` is used for the marks of generated sound.
    """

    song: SongKey
    audio: AudioSettings
    prompt: str
    lyrics: str
    plan: SongPlan
    sample_rate_hertz: int
    origin: Origin
    channels: int = 2


class Sound(NamedTuple):
    """Message: one window of sound (the stretch rendered at once), as the bytes of float32 PCM, channel after channel.

    The first message of a section has the section's `score` (times of syllables and chords). After the last window of a
    section comes a message without samples and with `last` set; in the song's last section `ends_song` is set, too.
    """

    section: SectionKey
    pcm: bytes | memoryview
    samples: int
    last: bool = False
    score: SectionScore | None = None
    ends_song: bool = False

    @property
    def window(self) -> Window:
        """Return the sound as float32 samples of shape [channels, samples], which share memory with `pcm`."""
        return np.frombuffer(self.pcm, dtype=np.float32).reshape(-1, max(self.samples, 1))


SoundMessage: TypeAlias = OpenSong | Sound


def pcm_of(window: Window) -> memoryview:
    """Return the bytes of a window (a stretch of sound as float32 samples of shape [channels, samples]), channel after
    channel. They share memory with the window if that has this layout.
    """
    return np.ascontiguousarray(window, np.float32).reshape(-1).view(np.uint8).data
