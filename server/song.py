"""Data types of one song in the server: the request for the song, and its events."""

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
        """True if the state is final: completed, failed or cancelled."""
        return self not in (SongState.QUEUED, SongState.RUNNING)


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """Encoding parameters of a song's sound: bit rate in kbit/s (constant), sample rate in Hz, loudness in LUFS.

    `format` is the name of a codec in `server.audio.codecs.registry`.
    """

    bitrate_kbps: int = DEFAULT_BITRATE_KBPS
    sample_rate_hertz: int = DEFAULT_SAMPLE_RATE_HERTZ
    target_lufs: float = DEFAULT_TARGET_LUFS
    format: str = DEFAULT_FORMAT


@dataclass(frozen=True, slots=True)
class SongRequest:
    """A caller's request for one song, in the server's types.

    `deadline` is in seconds of the server's monotonic clock, `None` without one. `caller` is the name given by
    `server.auth.caller`. `midi` is the melody as a MIDI file, until the checking process has parsed it into
    `params.anchor`. `plan` is the pickled plan that the checking process has made; if empty, the worker makes the plan.
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
    """Origin of a song's sound, for the marks of generated sound. `content_id`, 32 hexadecimal digits, identifies the
    content of the request with its seed.

    `has_recording` is True if the song starts from a recording of the caller or imitates the timbre of one.
    """

    content_id: str
    has_recording: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks in the file of a song that declare it as AI-generated.

    `digital_source_type` is a URL of the IPTC NewsCodes. `producer` is the provider of the service, empty if the
    operator has configured none. `content_id` identifies the content of the request.
    """

    digital_source_type: str
    producer: str
    content_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Event: the song was admitted to the queue. Estimates are seconds from now, `None` if no song was measured yet."""

    song_id: str
    queue_position: int
    estimated_first_audio_seconds: float | None = None
    estimated_finish_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Event (heartbeat): the queue position and ETA of a waiting song.

    Estimates are seconds from now, `None` while unknown; the estimate of first audio is also `None` once there is
    audio.
    """

    queue_position: int
    estimated_first_audio_seconds: float | None = None
    estimated_finish_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """Event: the plan of the song exists. Decoded sound begins with `delay_samples` of codec delay, before the song.

    `sample_count` is the length of the song at the delivered sample rate; an upper bound from the planned duration
    unless `sample_count_exact`. `stream_size_bytes` is the size of the whole stream, if known. `marks` is `None` if the
    operator has disabled the marks of generated sound.
    """

    plan: SongPlan
    delay_samples: int
    sample_count: int
    sample_count_exact: bool
    stream_size_bytes: int | None = None
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Progressed:
    """Event: section `section_index` has done `step` of its `steps` steps. With `denoises` these are denoising steps,
    otherwise a step is a fixed number of frames of a token model.
    """

    section_index: int
    step: int
    steps: int
    denoises: bool = True


@crosses_quickly
@dataclass(frozen=True, slots=True)
class Chunk:
    """Event: whole encoded frames of the song. The offsets are the positions of the first byte and the first sample in
    the encoded stream.
    """

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
    """Event: all sound of one section is in the encoded stream."""

    section_index: int
    start_seconds: float
    duration_seconds: float
    score: SectionScore


@dataclass(frozen=True, slots=True)
class SongCompleted:
    """Event: all sound of the song is in the encoded stream. Durations are in seconds."""

    duration_seconds: float
    sample_count: int
    size_bytes: int
    sha256: str
    queued_seconds: float
    denoising_seconds: float
    rendering_seconds: float
    encoding_seconds: float


SongEvent: TypeAlias = Accepted | QueueStatus | Planned | Progressed | Chunk | SectionSent | SongCompleted
"""Any event of a song. The order of the union is their order in time; `SongCompleted` is the last."""
