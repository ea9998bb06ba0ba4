"""Exit statuses of the command `melisma`, and the error texts and hints that the command prints."""

import math
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from melisma_client.errors import (
    BrokenSong,
    Cancelled,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineTooShort,
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
    Unauthenticated,
    Unavailable,
)
from melisma_client.terminal.diagnosis import Finding

T = TypeVar("T")


class Exit(IntEnum):
    """Exit statuses of the command `melisma`, by their meaning."""

    DONE = 0
    FAILED = 1
    WRONG_REQUEST = 2
    NO_SERVER = 3
    FULL = 4
    OUT_OF_TIME = 5
    NOT_WHOLE = 6
    INTERRUPTED = 130
    READER_GONE = 141
    TERMINATED = 143


_EXITS: dict[type[MelismaError], Exit] = {
    InvalidRequest: Exit.WRONG_REQUEST,
    NotFound: Exit.WRONG_REQUEST,
    NotEnded: Exit.WRONG_REQUEST,
    OutOfRange: Exit.WRONG_REQUEST,
    RequestIdReused: Exit.WRONG_REQUEST,
    NotReady: Exit.WRONG_REQUEST,
    Unauthenticated: Exit.WRONG_REQUEST,
    PermissionDenied: Exit.WRONG_REQUEST,
    QuotaExceeded: Exit.FULL,
    Unavailable: Exit.NO_SERVER,
    Overloaded: Exit.FULL,
    DeadlineTooShort: Exit.OUT_OF_TIME,
    DeadlineExceeded: Exit.OUT_OF_TIME,
    BrokenSong: Exit.NOT_WHOLE,
}

_HEADINGS: dict[type[MelismaError], str] = {
    InvalidRequest: "the request is invalid",
    NotFound: "not found",
    NotEnded: "the song is still being made",
    OutOfRange: "the song has fewer bytes than the offset",
    RequestIdReused: "the request id was used for a different request",
    NotReady: "the server is not set up to make this song",
    Unauthenticated: "the server requires a valid API key",
    PermissionDenied: "the API key lacks the right to this call",
    QuotaExceeded: "the quota of the API key is used up",
    ConnectionLost: "the server does not answer",
    Unavailable: "the server cannot make the song now",
    Overloaded: "the server is full",
    DeadlineTooShort: "the song would not be complete in time",
    DeadlineExceeded: "the time limit has passed",
    Cancelled: "the song was cancelled",
    BrokenSong: "the song arrived incomplete",
    MelismaError: "the server reported an error",
}

OPTIONS: dict[str, str] = {
    "duration_seconds": "--duration",
    "guidance_scale": "--guidance",
    "tempo_bpm": "--tempo",
    "anchor": "--anchor",
    "anchor.midi": "--anchor",
    "stems": "--stem",
    "vocal_level_db": "--vocal-level",
    "audio.bitrate_kbps": "--bitrate",
    "audio.sample_rate_hertz": "--sample-rate",
    "mastering.target_lufs": "--loudness",
    "engine_options": "--engine",
    "audio_to_audio.audio": "--recording",
    "audio_to_audio.strength": "--strength",
    "repaint.audio": "--recording",
    "repaint.start_seconds": "--from",
    "repaint.end_seconds": "--to",
    "repaint.variance": "--variance",
    "retake.variance": "--variance",
    "extend.audio": "--recording",
    "extend.left_seconds": "--before",
    "extend.right_seconds": "--after",
    "edit.audio": "--recording",
    "edit.prompt": "--new-prompt",
    "edit.lyrics": "--new-lyrics",
    "edit.start": "--keep",
    "ace_step.mode": "--mode",
    "ace_step.sampler": "--sampler",
    "ace_step.omega": "--omega",
    "ace_step.lora": "--lora",
    "ace_step.lora_weight": "--lora-weight",
    "extract_track.audio": "--recording",
    "extract_track.track": "--track",
    "lego.audio": "--recording",
    "lego.track": "--track",
    "lego.start_seconds": "--from",
    "lego.end_seconds": "--to",
    "complete.audio": "--recording",
    "complete.tracks": "--track",
    "negative_prompt": "--negative-prompt",
    "time_signature": "--time-signature",
    "reference_audio.audio": "--reference",
    "ace_step_15.mode": "--mode",
    "ace_step_15.shift": "--shift",
    "ace_step_15.guidance_start": "--guidance-start",
    "ace_step_15.guidance_end": "--guidance-end",
    "ace_step_15.lora": "--lora",
    "ace_step_15.lora_weight": "--lora-weight",
    "musicgen.top_k": "--top-k",
    "musicgen.temperature": "--temperature",
    **{name: f"--{name}" for name in ("prompt", "lyrics", "engine", "seed", "steps", "key", "voice", "language")},
}
"""Command-line options by the request field that they set."""

_ARGUMENTS: dict[str, str] = {
    "song_id": "SONG",
    "name": "ENGINE",
    "byte_offset": "--byte-offset",
    "page_size": "--limit",
}
"""Arguments and options of the commands other than `generate`, by the request field that they set."""

_HINTS: dict[type[MelismaError], str] = {
    ConnectionLost: "try again in a moment, or name another server with --server",
    NotEnded: "run `melisma cancel` first, then delete the song",
    Unauthenticated: "give a key with --api-key-file or the variable MELISMA_API_KEY",
    QuotaExceeded: "the key's limit is reached; try again {when}",
    Overloaded: "the server is busy; try again {when}",
    DeadlineTooShort: "allow more time with --timeout, or try again {when}",
    DeadlineExceeded: "allow more time with --timeout",
}


def explain(console: Console, error: MelismaError, diagnose: Callable[[], Finding | None]) -> Exit:
    """Print an error with a hint for the user, and return the exit status for this error.

    `diagnose` is called after a lost connection, and returns the reason why the server does not answer.
    """
    violations = error.violations if isinstance(error, InvalidRequest) else ()
    finding = diagnose() if isinstance(error, ConnectionLost) else None
    text = "" if violations else f": {escape(finding.text if finding else str(error))}"
    print_line(console, f"[red]{_of_kind(_HEADINGS, error)}[/red]{text}")
    for violation in violations:
        name = OPTIONS.get(violation.field) or _ARGUMENTS.get(violation.field, violation.field)
        print_line(console, f"  {escape(name)}: {escape(violation.description)}")
    if hint := finding.hint if finding else _hint(error):
        print_line(console, f"  {hint.format(when=_when(error))}")
    return _of_kind(_EXITS, error) or Exit.FAILED


def _hint(error: MelismaError) -> str | None:
    if isinstance(error, DeadlineTooShort) and error.retry_after_seconds is None:
        return _HINTS[DeadlineExceeded]  # waiting cannot help: the song alone takes longer than the time limit
    return _of_kind(_HINTS, error)


def print_line(console: Console, text: str) -> None:
    """Print one line on the console without wrapping or highlighting it."""
    console.print(text, highlight=False, soft_wrap=True)


def _of_kind(table: Mapping[type[MelismaError], T], error: MelismaError) -> T | None:
    """Return the entry of a table for the class of an error, or for the nearest base class that has one; `None` without
    any.
    """
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)


def _when(error: MelismaError) -> str:
    if isinstance(error, Overloaded) and error.retry_after_seconds is not None:
        return f"in about {math.ceil(error.retry_after_seconds)} s"
    return "a little later"
