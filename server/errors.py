"""The errors of songs, one class each; server/contract/status.py maps them to gRPC statuses.

ServiceError
    InvalidRequest          the request breaks rules of the API, or the engine cannot plan it
    UnknownEngine           no engine of that name is configured
    EngineNotReady          the engine cannot take songs: something has to be installed or set
    ControlNotSupported     the engine does not support a field of the request
    PoisonedRequest         the request killed two workers, and is refused
    Overloaded              the queue is full
        ChecksOverloaded    too many requests wait to be checked; try again later
        TooManyCalls        the caller has too many open calls
        DeadlineTooShort    the song cannot be complete by the caller's deadline
        OutOfMemory         the song did not fit on any device
        QuotaExceeded       the caller has reached a limit of its own
    UnknownSong             the caller has no such song
    SongDeleted             the song was deleted while a listener followed it
    SongNotEnded            the song waits or is being made, and cannot be deleted
    RequestIdReused         the caller has used the id for another request
    OffsetOutOfRange        the requested offset is after the end of the song
    SongNotComplete         the song had failed or was cancelled before it was listened to
    NoCredentials           the server signs no C2PA manifests
    CredentialsFailed       the C2PA manifest of the song could not be made
    SongCancelled           the song was cancelled
    Draining                the server is shutting down
    MadeElsewhere           the server is shutting down, and another one has the song
    ListenerStalled         the listener read nothing for too long
    WorkerLost              the worker that made the song died
    RequestTooSlow          the message of a call did not arrive in time
    SongDeadlineExceeded    the caller's deadline passed before the song was complete
    Unauthenticated         the call has no valid API key
    PermissionDenied        the API key lacks the right to this method
    EndedElsewhere          the song failed on another server or before the call; its reason is one of these
    SongNotKept             the song could not be stored, so it cannot be fetched
    SongFailed              a bug: logged with its traceback, sent as INTERNAL
"""

from collections.abc import Mapping, Sequence

from model.song import Violation

WHOLE_REQUEST = "request"
"""The field name of a violation that concerns the whole request."""

MAX_VIOLATIONS = 64
"""Maximum number of violations that are reported for one request."""


class ServiceError(Exception):
    """An expected failure of one song. Its text and the `violations` (faults of single request fields) are meant for
    the caller.
    """

    violations: tuple[Violation, ...] = ()


class InvalidRequest(ServiceError):
    """The request breaks rules of the API, or the engine cannot plan it; `violations` has the first 64 faults by
    field.
    """

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
    """The engine does not support some fields of the request; `violations` names the fields, and the engines that
    support them.
    """

    def __init__(self, engine: str, fields: Mapping[str, Sequence[str]]) -> None:
        """Create the error; `fields` are the unsupported fields of the request, each with the engines that support
        it.
        """
        self.violations = tuple(
            Violation(field, f"engine {engine!r} does not support {field!r}{_instead(others)}")
            for field, others in fields.items()
        )
        super().__init__("; ".join(one.description for one in self.violations))


class PoisonedRequest(ServiceError):
    """The request killed two workers and is refused; `fingerprint`, a hash of the request, identifies it in the
    server's log, too.
    """

    def __init__(self, fingerprint: str) -> None:
        super().__init__(
            f"request {fingerprint} crashed two workers and is refused: send another request, and report this one to "
            "the operator"
        )
        self.fingerprint = fingerprint


class Overloaded(ServiceError):
    """The queue of songs is full. The caller may try again after `retry_after_seconds`; `None` means that a retry does
    not help.
    """

    def __init__(self, text: str, retry_after_seconds: float | None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class SongStoreFull(Overloaded):
    """The song store has no room for another song."""


class ChecksOverloaded(Overloaded):
    """Too many requests wait to be checked, or this request has waited too long for its check."""


class TooManyCalls(Overloaded):
    """The caller already has the allowed number of open calls."""


class DeadlineTooShort(Overloaded):
    """The server estimates that the song cannot be complete by the caller's deadline.

    The error advises when to retry: once the songs ahead are done, the same time may be enough. If the song alone takes
    longer than the deadline allows, no retry is advised.
    """

    def __init__(self, needed_seconds: float, left_seconds: float, alone_seconds: float = 0.0) -> None:
        """Create the error from the seconds to the song's end, to the deadline, and to the end without other songs."""
        text = (
            f"the song would be complete in about {needed_seconds:.1f} s, but the deadline is in {left_seconds:.1f} s"
        )
        if alone_seconds > left_seconds:
            super().__init__(f"{text}: allow at least {alone_seconds:.1f} s, or ask for a shorter song", None)
        else:
            super().__init__(f"{text}: allow more time, or try again later", needed_seconds - left_seconds)


class OutOfMemory(Overloaded):
    """The song did not fit into the memory of any device together with the other songs there."""


class QuotaExceeded(Overloaded):
    """The caller has reached one of its own limits: `subject` is the caller's name in the file of API keys, `limit`
    describes the limit.
    """

    def __init__(self, subject: str, limit: str, retry_after_seconds: float) -> None:
        super().__init__(f"this caller has reached its quota of {limit}: try again later", retry_after_seconds)
        self.subject = subject


class UnknownSong(ServiceError):
    """The caller has no song with this id, although another caller may have."""

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
    """The song is waiting or being made, and cannot be deleted yet."""

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the song {song_id!r} has not ended: cancel it, or wait until it is complete, then delete it")


class RequestIdReused(ServiceError):
    """The caller has used the `request_id` for a request with other content."""

    def __init__(self, request_id: str, name: str = "request_id") -> None:
        """Create the error; `name` is the name of the id field in the caller's request."""
        super().__init__(f"{name} {request_id} was used for a different request: use a new one for every song")


class OffsetOutOfRange(ServiceError):
    """The requested byte offset is after the end of a complete song."""

    def __init__(self, byte_offset: int, size_bytes: int, name: str = "byte_offset") -> None:
        """Create the error; `size_bytes` is the song's size, `name` the name of the request's offset field."""
        super().__init__(
            f"{name} {byte_offset} is beyond the end of the song: use at most {size_bytes}, its size in bytes"
        )
        self.size_bytes = size_bytes


class SongNotComplete(ServiceError):
    """The song has failed or was cancelled, so it gets no more sound; `failure` gives the reason."""

    def __init__(self, state: str, failure: "EndedElsewhere | None" = None) -> None:
        super().__init__(f"the song has failed: {failure}" if failure else f"the song was {state}: request a new one")
        self.failure = failure
        self.violations = failure.violations if failure else ()


class NoCredentials(ServiceError):
    """The operator of this server has configured no certificate for signing C2PA manifests."""

    def __init__(self) -> None:
        super().__init__("this server signs no C2PA manifests: its operator has to set MELISMA_MARKING__CERTIFICATE")


class CredentialsFailed(ServiceError):
    """The C2PA manifest of the song could not be signed; the log has the cause. The song can still be played."""

    def __init__(self, song_id: str) -> None:
        super().__init__(f"the C2PA manifest of the song {song_id!r} could not be made: try again later")


class SongCancelled(ServiceError):
    """The song was cancelled while this caller listened to it or waited for it."""


class EndedElsewhere(ServiceError):
    """The song failed on another server or before the call. Reason, text and violations are those in the song's stored
    record.
    """

    def __init__(self, reason: str, text: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(text)
        self.reason = reason
        self.violations = violations


class Unauthenticated(ServiceError):
    """The call has no valid API key."""


class PermissionDenied(ServiceError):
    """The API key lacks the scope for this method."""


class Draining(ServiceError):
    """The server is shutting down and takes no new songs."""


class MadeElsewhere(ServiceError):
    """The server is shutting down and another server makes the song; the caller should call again there, from the next
    byte on.
    """


class ListenerStalled(ServiceError):
    """The listener's connection read nothing for too long; the client may call again from the next byte on."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the listener read nothing for {seconds:g} s: call Listen again, from the next byte")


class WorkerLost(ServiceError):
    """The worker that made the song died; the caller may request the song again."""


class RequestTooSlow(ServiceError):
    """The request message of a call did not arrive in time."""

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
    """A bug of the server ended the song. The cause is logged, and never sent to the caller."""


def _instead(others: Sequence[str]) -> str:
    return (
        f"; leave it out, or use an engine that does: {', '.join(others)}"
        if others
        else "; no engine of this server does, leave it out"
    )
