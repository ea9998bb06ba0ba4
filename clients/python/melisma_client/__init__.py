"""Python client of Melisma: a style prompt and lyrics in, a song out, streamed while it is being made."""

from melisma_client.aio import AsyncClient
from melisma_client.async_song import AsyncSong
from melisma_client.connection import tls_credentials
from melisma_client.errors import (
    BrokenSong,
    Cancelled,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineTooShort,
    FieldViolation,
    InvalidRequest,
    MelismaError,
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
from melisma_client.request import AnchorNote, Mode, Scheduler, SongRequest, Stem, Voice
from melisma_client.retry import NO_RETRY, Retry
from melisma_client.song import Song
from melisma_client.sync import Client
from melisma_client.tasks import AudioToAudio, Edit, Extend, Repaint, Retake, Task

__all__ = [
    "NO_RETRY",
    "AnchorNote",
    "AsyncClient",
    "AsyncSong",
    "AudioToAudio",
    "BrokenSong",
    "Cancelled",
    "Client",
    "ConnectionLost",
    "DeadlineExceeded",
    "DeadlineTooShort",
    "Edit",
    "Event",
    "Extend",
    "Failure",
    "FieldViolation",
    "InvalidRequest",
    "MelismaError",
    "Mode",
    "NotFound",
    "NotReady",
    "OutOfRange",
    "Overloaded",
    "PermissionDenied",
    "QuotaExceeded",
    "Repaint",
    "RequestIdReused",
    "Retake",
    "Retry",
    "Scheduler",
    "ServerFault",
    "Song",
    "SongRequest",
    "Stem",
    "Task",
    "Unauthenticated",
    "Unavailable",
    "Voice",
    "failure_of",
    "tls_credentials",
]
