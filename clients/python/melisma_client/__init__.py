"""Python client of Melisma: a style prompt and lyrics in, a song out, streamed while it is being made."""

from melisma_client.aio import AsyncClient, AsyncSong
from melisma_client.errors import (
    BrokenSong,
    Cancelled,
    DeadlineExceeded,
    DeadlineTooShort,
    FieldViolation,
    InvalidRequest,
    MelismaError,
    NotFound,
    NotReady,
    Overloaded,
    PermissionDenied,
    ServerFault,
    Unauthenticated,
    Unavailable,
)
from melisma_client.receiver import Event
from melisma_client.request import AnchorNote, SongRequest, Stem, Voice
from melisma_client.retry import NO_RETRY, Retry
from melisma_client.sync import Client, Song

__all__ = [
    "NO_RETRY",
    "AnchorNote",
    "AsyncClient",
    "AsyncSong",
    "BrokenSong",
    "Cancelled",
    "Client",
    "DeadlineExceeded",
    "DeadlineTooShort",
    "Event",
    "FieldViolation",
    "InvalidRequest",
    "MelismaError",
    "NotFound",
    "NotReady",
    "Overloaded",
    "PermissionDenied",
    "Retry",
    "ServerFault",
    "Song",
    "SongRequest",
    "Stem",
    "Unauthenticated",
    "Unavailable",
    "Voice",
]
