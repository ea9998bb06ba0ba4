"""Computes a song's record (state, size and so on) after an event of the song, or after the song's end."""

from dataclasses import replace

from server.contract.status import text_of
from server.errors import EndedElsewhere, ServiceError
from server.song import SongState
from server.songs.recordings.logged_event import Message
from server.store.base import SongRecord


def record_after(song: SongRecord, message: Message) -> SongRecord:
    """Return the song's record, updated for the event `message`: a plan or the completion changes it."""
    match message.WhichOneof("event"):
        case "plan":
            return replace(song, state=SongState.RUNNING, duration_seconds=message.plan.duration_seconds)
        case "finished":
            finished = message.finished
            return replace(song, sha256=finished.sha256, duration_seconds=finished.duration_seconds)
        case _:
            return song


def ended_record(
    song: SongRecord, state: SongState, now_ns: int, error: ServiceError | None, reason: str
) -> SongRecord:
    """Return the record of a song that ends in `state`. `reason` is the code of the failure for callers. The text of
    `error` is included only with a `reason`; the text of a bug is never included.
    """
    kept = error if reason else None
    text, violations = (text_of(kept), kept.violations) if kept else ("", ())
    return replace(song, state=state, ended_ns=now_ns, reason=reason, error=text, violations=violations)


def failure_of(song: SongRecord) -> EndedElsewhere | None:
    """Return the error with which the song has failed, built from its record; `None` if the song has not failed."""
    return EndedElsewhere(song.reason, song.error, song.violations) if song.reason else None
