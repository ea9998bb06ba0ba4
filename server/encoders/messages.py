"""Messages between the server and an encoder process: orders one way, encoded sound the other way.

The sound itself comes from the workers (server/workers/sound/messages.py).
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from server.logs import Logs
from server.song import SongEvent

SONG_ENCODER = "server.audio.song_encoder:SongEncoder"


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """The settings of an encoder process; `factory`, "module:Class", opens the encoder of a song.

    With `fingerprinted` the process makes the fingerprint of its sound.
    """

    factory: str = SONG_ENCODER
    logs: Logs = Logs()
    fingerprinted: bool = False


@dataclass(frozen=True, slots=True)
class EncoderReady:
    """First message of an encoder, unasked: its socket takes sound. `sound` is the fingerprint, if it was wanted."""

    sound: str = ""


@dataclass(frozen=True, slots=True)
class CloseSong:
    """Drop everything of a song, known or not, and what still comes of it."""

    song_id: str


@dataclass(frozen=True, slots=True)
class EncoderPing:
    """Show that sound is still being encoded. Answer: `EncoderPong`, after the piece that is worked on."""


@dataclass(frozen=True, slots=True)
class EncoderPong:
    """The answer to an `EncoderPing`."""


class Encoded(NamedTuple):
    """The events that one piece of a song's sound, of `sound_seconds`, has led to.

    It holds one chunk at most; `digest` is the SHA-256 of the stream up to its end. `section_ended` is the section
    whose sound was complete with it. Encoding took `seconds`, between two points of the wall clock, in nanoseconds.
    """

    song_id: str
    events: tuple[SongEvent, ...]
    digest: bytes
    sound_seconds: float
    seconds: float
    start_ns: int
    end_ns: int
    section_ended: int | None = None


@dataclass(frozen=True, slots=True)
class EncodingFailed:
    """A song could not be encoded; `text` is a traceback for the log. Nothing more of the song comes."""

    song_id: str
    text: str


ToEncoder: TypeAlias = EncoderSpec | CloseSong | EncoderPing
FromEncoder: TypeAlias = EncoderReady | EncoderPong | Encoded | EncodingFailed
