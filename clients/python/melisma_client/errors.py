"""The errors of calls, and the table that maps gRPC statuses to them.

MelismaError
    InvalidRequest          the request is invalid; `violations` has the fields and reasons
    NotFound                the server has no such engine, or the caller no such song
    NotEnded                the song is waiting or being made, and cannot be deleted yet
    NotReady                the engine cannot make the song; the text gives the reason, or what to install or set
    Overloaded              the server is full; try again after `retry_after_seconds`
        DeadlineTooShort    the server estimates that the song cannot be complete within the timeout
        QuotaExceeded       the quota of the API key is used up for now
    RequestIdReused         the request id was used for a different request
    OutOfRange              the requested offset is after the end of the song
    Unavailable             the server does not answer or is shutting down, or the song was lost
        ConnectionLost      the connection broke
    DeadlineExceeded        the song was not complete within the timeout
    Cancelled               the call was cancelled
    Unauthenticated         the server requires valid credentials
    PermissionDenied        the credentials do not allow this call
    ServerFault             a fault of the server
    BrokenSong              the received song is damaged
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

STATUS_DETAILS_KEY = "grpc-status-details-bin"

MessageT = TypeVar("MessageT", bound=Message)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A fault in one field of a request; `field` is the field's name in music.proto."""

    field: str
    description: str


class MelismaError(Exception):
    """Base class of the errors of all calls; the text gives the reason and, if the caller can do something, the next
    step.
    """


class InvalidRequest(MelismaError):
    """The request breaks rules of the API; `violations` has the fields and reasons (it may be empty)."""

    def __init__(self, text: str, violations: tuple[FieldViolation, ...] = ()) -> None:
        super().__init__(text)
        self.violations = violations


class NotFound(MelismaError):
    """The server has no engine of this name, or the caller no song with this id."""


class NotEnded(MelismaError):
    """The song cannot be deleted, because it is waiting or being made; cancel it first, or wait for its end."""


class RequestIdReused(MelismaError):
    """The request id was used for a different request: every song needs a new one."""


class OutOfRange(MelismaError):
    """The song is shorter than the requested offset."""


class NotReady(MelismaError):
    """The engine cannot make the song now; the text gives the reason, or what to install or set on the server."""


class Overloaded(MelismaError):
    """The server is full. Try again after `retry_after_seconds`, which is `None` if the server gave no time."""

    def __init__(self, text: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class DeadlineTooShort(Overloaded):
    """The server estimates that the song cannot be complete within the timeout."""


class QuotaExceeded(Overloaded):
    """The quota of the API key (songs or seconds of sound per time) is used up for now."""


class Unavailable(MelismaError):
    """The server does not answer, is shutting down or has lost the song, or the connection was lost."""


class ConnectionLost(Unavailable):
    """The connection broke, or the server has ended the call before the song's end; the song can be resumed at the next
    byte.
    """


class DeadlineExceeded(MelismaError):
    """The call was not complete within the timeout."""


class Cancelled(MelismaError):
    """The call was cancelled by the client or the server."""


class Unauthenticated(MelismaError):
    """The server requires a valid API key or client certificate."""


class PermissionDenied(MelismaError):
    """The credentials are valid but do not allow this call."""


class ServerFault(MelismaError):
    """The server failed because of a bug or an unexpected state; its log has the cause."""


class BrokenSong(MelismaError):
    """The received song is damaged: bytes or its end are missing, repeated or changed."""


_PLAIN: dict[grpc.StatusCode, type[MelismaError]] = {
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: RequestIdReused,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.FAILED_PRECONDITION: NotReady,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
}


_SONG_NOT_ENDED = "SONG_NOT_ENDED"
"""Reason in the status of a refused deletion: the song has not ended."""

_EXHAUSTED: dict[str, type[Overloaded]] = {
    "DEADLINE_CANNOT_BE_MET": DeadlineTooShort,
    "QUOTA_EXCEEDED": QuotaExceeded,
}


_LISTEN_AGAIN = frozenset({"MADE_ELSEWHERE", "LISTENER_STALLED"})
"""Reasons in a status after which the song can be resumed with another call: the server is shutting down and another
one makes the song, or the client read nothing for too long.
"""

_BROKEN = re.compile("RST_STREAM|Stream removed|END_STREAM")
"""Pattern for texts of the statuses INTERNAL and UNKNOWN that gRPC itself makes when a stream breaks."""


def error_of(failure: grpc.RpcError) -> MelismaError:
    """Return the exception for a failed call, by the code and details of its status; a status that no method documents
    becomes `ServerFault`.
    """
    code = failure.code()
    text = failure.details() or code.value[1]
    details = _status_details(failure)
    if details is None and code is grpc.StatusCode.UNAVAILABLE:
        return ConnectionLost(text)
    if details is None and _broken_off(code, text):
        return ConnectionLost(f"the connection was lost: {text}")
    details = details or Status()
    if reason_of(details) in _LISTEN_AGAIN:
        return ConnectionLost(text)
    if reason_of(details) == _SONG_NOT_ENDED:
        return NotEnded(text)
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return InvalidRequest(text, _violations(details))
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return _EXHAUSTED.get(reason_of(details), Overloaded)(text, _retry_after_seconds(details))
    return _PLAIN.get(code, ServerFault)(text)


def reason_of(details: Status) -> str:
    """Return the machine-readable reason in the details of a status; empty if there is none."""
    return str(_unpack(details, ErrorInfo).reason)


def _broken_off(code: grpc.StatusCode, text: str) -> bool:
    """Return True if a status without details, which no Melisma server has sent, means that the connection broke."""
    own = code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN) and _BROKEN.search(text) is not None
    return own or code is grpc.StatusCode.CANCELLED


def _status_details(failure: grpc.RpcError) -> Status | None:
    for key, value in _metadata(failure):
        if key == STATUS_DETAILS_KEY:
            try:
                return Status.FromString(value)
            except DecodeError:
                return Status()
    return None


def _metadata(failure: grpc.RpcError) -> Iterable[tuple[str, bytes]]:
    return failure.trailing_metadata() or ()  # type: ignore[return-value]  # pairs in both flavours of gRPC


def _unpack(details: Status, kind: type[MessageT]) -> MessageT:
    message = kind()
    for detail in details.details:
        if detail.Is(kind.DESCRIPTOR):
            detail.Unpack(message)
            break
    return message


def _violations(details: Status) -> tuple[FieldViolation, ...]:
    bad_request = _unpack(details, BadRequest)
    return tuple(FieldViolation(v.field, v.description) for v in bad_request.field_violations)


def _retry_after_seconds(details: Status) -> float | None:
    retry = _unpack(details, RetryInfo)
    if not retry.HasField("retry_delay"):
        return None
    return float(retry.retry_delay.ToTimedelta().total_seconds())
