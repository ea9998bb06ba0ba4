"""Python client of Melisma: requests songs from a style prompt and lyrics, and streams each song while it is being
made.
"""

from melisma.v1.music_pb2 import (
    AudioChunk,
    ChordSpan,
    Engine,
    LyricLine,
    Section,
    SectionFinished,
    SongAccepted,
    SongFinished,
    SongPlan,
    SongProgress,
    SoundMarks,
    Syllable,
    SyllableTiming,
)
from melisma.v1.music_pb2 import Song as StoredSong
from melisma_client.aio import AsyncClient
from melisma_client.async_song import AsyncSong
from melisma_client.connection import tls_credentials
from melisma_client.engine_options import AceStep15Options, AceStepOptions, MusicGenOptions
from melisma_client.enums import GenerationMode, Sampler, StemKind, TrackKind, VoiceKind
from melisma_client.errors import (
    BrokenSong,
    Cancelled,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineTooShort,
    FieldViolation,
    InvalidRequest,
    MelismaError,
    NotEnded,
    NotFound,
    NotReady,
    OutOfRange,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    RequestIdReused,
    ServerFault,
    Unauthenticated,
    Unavailable,
)
from melisma_client.failure import Failure, failure_of
from melisma_client.receiver import Event
from melisma_client.request import AnchorNote, SongRequest
from melisma_client.retry import NO_RETRY, Retry
from melisma_client.song import Song
from melisma_client.sync import Client
from melisma_client.tasks import (
    AudioToAudioTask,
    CompleteTask,
    EditTask,
    ExtendTask,
    ExtractTrackTask,
    LegoTask,
    RepaintTask,
    RetakeTask,
    Task,
)

__all__ = [
    "NO_RETRY",
    "AceStep15Options",
    "AceStepOptions",
    "AnchorNote",
    "AsyncClient",
    "AsyncSong",
    "AudioChunk",
    "AudioToAudioTask",
    "BrokenSong",
    "Cancelled",
    "ChordSpan",
    "Client",
    "CompleteTask",
    "ConnectionLost",
    "DeadlineExceeded",
    "DeadlineTooShort",
    "EditTask",
    "Engine",
    "Event",
    "ExtendTask",
    "ExtractTrackTask",
    "Failure",
    "FieldViolation",
    "GenerationMode",
    "InvalidRequest",
    "LegoTask",
    "LyricLine",
    "MelismaError",
    "MusicGenOptions",
    "NotEnded",
    "NotFound",
    "NotReady",
    "OutOfRange",
    "Overloaded",
    "PermissionDenied",
    "QuotaExceeded",
    "RepaintTask",
    "RequestIdReused",
    "RetakeTask",
    "Retry",
    "Sampler",
    "Section",
    "SectionFinished",
    "ServerFault",
    "Song",
    "SongAccepted",
    "SongFinished",
    "SongPlan",
    "SongProgress",
    "SongRequest",
    "SoundMarks",
    "StemKind",
    "StoredSong",
    "Syllable",
    "SyllableTiming",
    "Task",
    "TrackKind",
    "Unauthenticated",
    "Unavailable",
    "VoiceKind",
    "failure_of",
    "tls_credentials",
]
