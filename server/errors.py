"""Everything that can go wrong with a song; server/contract/status.py maps it to gRPC statuses in one table.

ServiceError
    InvalidRequest          the request breaks the contract's rules or cannot be planned
    UnknownEngine           no engine of that name is configured
    EngineNotReady          the engine cannot take songs: something has to be installed or set
    ControlNotSupported     the engine has no such control
    PoisonedRequest         the request ended two workers, and is not tried again
    Overloaded              the queue is full
        ChecksOverloaded    too many requests wait to be checked; try again later
        TooManyCalls        the caller has too many open calls
        DeadlineTooShort    the song cannot be complete by the caller's deadline
        OutOfMemory         the song did not fit on any device
        QuotaExceeded       the caller's own limits
    UnknownSong             the caller has no such song
    SongDeleted             its caller has deleted the song while it was listened to
    SongNotEnded            the song waits or is being made, and cannot be deleted
    RequestIdReused         the caller has used the id for another request
    OffsetOutOfRange        the song is shorter
    SongNotComplete         the song had failed or was cancelled before it was listened to
    NoCredentials           the server signs no C2PA manifests
    CredentialsFailed       the C2PA manifest of the song could not be made
    SongCancelled           somebody has cancelled the song
    Draining                the server is shutting down
    MadeElsewhere           the server is shutting down, and another one has the song
    ListenerStalled         the listener took nothing of what was sent for too long
    WorkerLost              the worker that made the song died
    RequestTooSlow          the message of a call did not arrive in time
    SongDeadlineExceeded    the caller's deadline passed before the song was complete
    Unauthenticated         the call has no good API key
    PermissionDenied        the API key is not good for this method
    EndedElsewhere          the song has failed on another server, or before, for a reason of this table
    SongNotKept             the song could not be stored, and nobody can fetch it
    SongFailed              a bug: logged whole, told as "internal"
"""

from collections.abc import Mapping, Sequence

from model.song import Violation

WHOLE_REQUEST = "request"
"""The field name of a violation that concerns the whole request."""

MAX_VIOLATIONS = 64
"""Most violations that are reported for one request."""


class ServiceError(Exception):
    """An expected failure of one song; its text is meant for the caller, as are the `violations` of its request."""

    violations: tuple[Violation, ...] = ()


class InvalidRequest(ServiceError):
    """The request breaks the contract's rules or cannot be planned; `violations` names the fields, the first 64."""

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations[:MAX_VIOLATIONS]
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in self.violations))


class UnknownEngine(ServiceError):
    """No engine of that name is configured."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"this server has no engine {name!r}: use one of {', '.join(known)}")
        self.name = name


class EngineNotReady(ServiceError):
    """The engine cannot take songs; the text says what to install or set."""


class ControlNotSupported(ServiceError):
    """The engine has no such controls; `violations` name the request's fields, and the engines here that have them."""

    def __init__(self, engine: str, fields: Mapping[str, Sequence[str]]) -> None:
        """`fields` are the request's, each with the engines that support it."""
        self.violations = tuple(
            Violation(field, f"engine {engine!r} does not support {field!r}{_instead(others)}")
            for field, others in fields.items()
        )
        super().__init__("; ".join(one.description for one in self.violations))


class PoisonedRequest(ServiceError):
    """The request killed two workers and is refused now; `fingerprint` identifies it, also in the server's log."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(
            f"request {fingerprint} killed two workers and is refused: send another request, and report this one to "
            "the operator"
        )
        self.fingerprint = fingerprint


class Overloaded(ServiceError):
    """The queue is full; try again after `retry_after_seconds`, never where that is `None`."""

    def __init__(self, text: str, retry_after_seconds: float | None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class SongStoreFull(Overloaded):
    """The song store has no room for another song."""


class ChecksOverloaded(Overloaded):
    """Too many requests wait to be checked, or this one has waited too long for it."""


class TooManyCalls(Overloaded):
    """The caller has as many open calls as it may have."""


class DeadlineTooShort(Overloaded):
    """By the estimate the song cannot be complete by the caller's deadline.

    It could be, with as much time as before, once the songs ahead of it are done: hence the advice when to retry. A
    song that takes longer than that by itself gets none.
    """

    def __init__(self, needed_seconds: float, left_seconds: float, alone_seconds: float = 0.0) -> None:
        """The song would take `alone_seconds` if there were no other ones."""
        text = (
            f"the song would be complete in about {needed_seconds:.1f} s, but the deadline is in {left_seconds:.1f} s"
        )
        if alone_seconds > left_seconds:
            super().__init__(f"{text}: allow at least {alone_seconds:.1f} s, or ask for a shorter song", None)
        else:
            super().__init__(f"{text}: allow more time, or try again later", needed_seconds - left_seconds)


class OutOfMemory(Overloaded):
    """The song did not fit into the memory of any device, beside the other songs there."""


class QuotaExceeded(Overloaded):
    """The caller has reached one of its own limits: `subject` is its name in the file of keys, `limit` the value."""

    def __init__(self, subject: str, limit: str, retry_after_seconds: float) -> None:
        super().__init__(f"this caller has reached its quota of {limit}: try again later", retry_after_seconds)
        self.subject = subject


class UnknownSong(ServiceError):
    """The caller has no such song, whether or not somebody else has."""

    def __init__(self, song_id: str) -> None:
        super().__init__(
            f"there is no song {song_id!r} of this caller: it never existed or was deleted; list the songs to see "
            "their ids"
        )


class SongDeleted(ServiceError):
    """The song was deleted by its caller while this listener followed it."""

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the song {song_id!r} was deleted by its caller: request a new one")


class SongNotEnded(ServiceError):
    """The song waits or is being made, and cannot be deleted yet."""

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the song {song_id!r} has not ended: cancel it, or wait until it is complete, then delete it")


class RequestIdReused(ServiceError):
    """The caller has used the `request_id` for a request with other content."""

    def __init__(self, request_id: str, name: str = "request_id") -> None:
        """`name` is the caller's name for the id field."""
        super().__init__(f"{name} {request_id} was used for a different request: use a new one for every song")


class OffsetOutOfRange(ServiceError):
    """The song is complete, and shorter than the offset."""

    def __init__(self, byte_offset: int, size_bytes: int, name: str = "byte_offset") -> None:
        """`name` is the caller's name for the field with the first byte."""
        super().__init__(f"{name} {byte_offset} is beyond the end of the song, which has {size_bytes} bytes")
        self.size_bytes = size_bytes


class SongNotComplete(ServiceError):
    """The song has failed or was cancelled, so there is no more of it; `failure` says why."""

    def __init__(self, state: str, failure: "EndedElsewhere | None" = None) -> None:
        super().__init__(f"the song has failed: {failure}" if failure else f"the song was {state}: request a new one")
        self.failure = failure
        self.violations = failure.violations if failure else ()


class NoCredentials(ServiceError):
    """The operator of this server has set no certificate for C2PA manifests."""

    def __init__(self) -> None:
        super().__init__("this server signs no C2PA manifests: its operator has to set MELISMA_MARKING__CERTIFICATE")


class CredentialsFailed(ServiceError):
    """The C2PA manifest of the song could not be made; the sound can be heard all the same, and the log says why."""

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the C2PA manifest of the song {song_id!r} could not be made: try again later")


class SongCancelled(ServiceError):
    """The song was cancelled while this caller listened, or waited for it."""


class EndedElsewhere(ServiceError):
    """The song has failed, on another server or some time ago; reason, text and violations are those of its record."""

    def __init__(self, reason: str, text: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(text)
        self.reason = reason
        self.violations = violations


class Unauthenticated(ServiceError):
    """The call has no valid API key."""


class PermissionDenied(ServiceError):
    """The API key has no scope for this method."""


class Draining(ServiceError):
    """The server is shutting down and takes no new songs."""


class MadeElsewhere(ServiceError):
    """The server is shutting down and another one has the song: listen there, from the next byte on."""


class ListenerStalled(ServiceError):
    """The listener read nothing for too long; the song can be listened to from the next byte."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the listener read nothing for {seconds:g} s: call Listen again, from the next byte")


class WorkerLost(ServiceError):
    """The worker that made the song died; the song may be asked for again."""


class RequestTooSlow(ServiceError):
    """The message of a call did not arrive in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the request message did not arrive within {seconds:g} s of the headers: call again")


class SongDeadlineExceeded(ServiceError):
    """The caller's deadline passed before the song was complete."""


class SongNotKept(ServiceError):
    """The song could not be stored, so it cannot be fetched later."""

    def __init__(self) -> None:
        super().__init__(
            "the server could not store the song: request it again later, or listen while it is being made"
        )


class SongFailed(ServiceError):
    """A fault of the server ended the song. The cause is in its log and never sent to the caller."""


def _instead(others: Sequence[str]) -> str:
    return (
        f"; leave it out, or use an engine that does: {', '.join(others)}"
        if others
        else "; no engine of this server does, leave it out"
    )
