"""The values of one song as they travel through the server: the request going in, the events coming out."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from model.song import SectionScore, SongParams, SongPlan
from server.pickling import crosses_quickly

DEFAULT_FORMAT = "mp3"
DEFAULT_BITRATE_KBPS = 192
DEFAULT_SAMPLE_RATE_HERTZ = 44_100
DEFAULT_TARGET_LUFS = -14.0


class SongState(StrEnum):
    """State of a song; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True if the song has ended."""
        return self not in (SongState.QUEUED, SongState.RUNNING)


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """Delivery of the sound: its format, a constant bit rate, levelled toward `target_lufs`.

    `format` is the name of one of `server.audio.codecs.registry`.
    """

    bitrate_kbps: int = DEFAULT_BITRATE_KBPS
    sample_rate_hertz: int = DEFAULT_SAMPLE_RATE_HERTZ
    target_lufs: float = DEFAULT_TARGET_LUFS
    format: str = DEFAULT_FORMAT


@dataclass(frozen=True, slots=True)
class SongRequest:
    """One `Generate` as the server understands it.

    `deadline` is the caller's deadline on the server's monotonic clock in seconds, `None` where there is none.
    `caller` is who asks, as `server.auth.caller` names them. `midi` is the melody as a MIDI file, until a checker has
    read it into `params.anchor`. `plan`, the plan that a checker has made, goes to the worker unread; empty: the worker
    makes it.
    """

    request_id: str
    engine: str
    params: SongParams
    audio: AudioSettings = AudioSettings()
    deadline: float | None = None
    caller: str = ""
    midi: bytes = field(default=b"", repr=False)
    plan: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a song's sound. `content_id`, 32 hexadecimal digits, names what was asked for, with its seed.

    `has_recording` is True for a song that is made from a recording of the caller's.
    """

    content_id: str
    has_recording: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a song as generated, as they stand in its file.

    `digital_source_type` is an address of the IPTC NewsCodes, `producer` the provider of the service, empty where the
    operator has named none, and `content_id` that of the song's `Origin`.
    """

    digital_source_type: str
    producer: str
    content_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The song was admitted. Estimates are seconds from now, `None` while nothing was measured."""

    song_id: str
    queue_position: int
    estimated_first_audio_seconds: float | None = None
    estimated_finish_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Nothing new was made: a sign of life, with the songs that go before this one and what is left to wait.

    Estimates are seconds from now, `None` while they are unknown; the first also once the song is heard.
    """

    queue_position: int
    estimated_first_audio_seconds: float | None = None
    estimated_finish_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """The song's sections are laid out; `delay_samples` stand before the song in decoded sound.

    `sample_count` is the length of the song at the delivered rate: that of `SongCompleted` where `sample_count_exact`,
    else an upper bound from the planned duration. `stream_size_bytes` is the size of the whole stream, where that is
    known. `marks` is `None` where the operator has switched marking off.
    """

    plan: SongPlan
    delay_samples: int
    sample_count: int
    sample_count_exact: bool
    stream_size_bytes: int | None = None
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Progressed:
    """Section `section_index` has done `step` of `steps` denoising steps."""

    section_index: int
    step: int
    steps: int


@crosses_quickly
@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole frames; offsets are those of the chunk's first byte and sample in the encoded stream."""

    sequence: int
    data: bytes
    section_index: int
    start_seconds: float
    duration_seconds: float
    byte_offset: int
    sample_offset: int


@crosses_quickly
@dataclass(frozen=True, slots=True)
class SectionSent:
    """All sound of one section is in the stream."""

    section_index: int
    start_seconds: float
    duration_seconds: float
    score: SectionScore


@dataclass(frozen=True, slots=True)
class SongCompleted:
    """All sound of the song is in the stream; durations in seconds."""

    duration_seconds: float
    sample_count: int
    size_bytes: int
    sha256: str
    queued_seconds: float
    denoising_seconds: float
    rendering_seconds: float
    encoding_seconds: float


SongEvent: TypeAlias = Accepted | QueueStatus | Planned | Progressed | Chunk | SectionSent | SongCompleted
"""What a song tells while it is made, in the order of the union; `SongCompleted` is the last."""
