"""Everything that can go wrong with a call, and the one table that maps gRPC statuses to it.

MelismaError
    InvalidRequest          the request breaks a rule; `violations` says which fields and why
    NotFound                the server has no such engine, or the caller no such song
    NotEnded                the song waits or is being made, and cannot be deleted
    NotReady                the engine cannot take the song; the text says why, or what to install or set
    Overloaded              the server has no room; `retry_after_seconds` says when to try again
        DeadlineTooShort    by the server's estimate the song cannot be complete within the timeout
    RequestIdReused         the request's id was used for another request
    OutOfRange              the song is shorter
    Unavailable             no server answers there, or it is shutting down, or the song was lost
        ConnectionLost      the connection broke
    DeadlineExceeded        the song was not complete within the timeout
    Cancelled               the call was cancelled
    Unauthenticated         the server requires credentials, or other ones
    PermissionDenied        the credentials do not allow this
    ServerFault             a bug in the server
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
    """One fault of one request field; `field` is its name in the contract."""

    field: str
    description: str


class MelismaError(Exception):
    """A call failed; the text says why and, if the caller can act on it, how."""


class InvalidRequest(MelismaError):
    """The request breaks a rule of the contract; `violations` names the fields (it may be empty)."""

    def __init__(self, text: str, violations: tuple[FieldViolation, ...] = ()) -> None:
        super().__init__(text)
        self.violations = violations


class NotFound(MelismaError):
    """The server has no such engine, or the caller no such song."""


class NotEnded(MelismaError):
    """The song waits or is being made: it can be deleted once it has ended, or was cancelled."""


class RequestIdReused(MelismaError):
    """The request's id was used for another request: every song needs a new one."""


class OutOfRange(MelismaError):
    """The song is shorter than the requested offset."""


class NotReady(MelismaError):
    """The engine cannot take the song now; the text says why, or what to install or set on the server."""


class Overloaded(MelismaError):
    """The server has no room for the song; `retry_after_seconds` is its advice, `None` if it gave none."""

    def __init__(self, text: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class DeadlineTooShort(Overloaded):
    """By the server's estimate the song cannot be complete within the timeout."""


class QuotaExceeded(Overloaded):
    """The API key allows no more for now."""


class Unavailable(MelismaError):
    """No server answers at the address, it is shutting down, it lost the song, or the connection to it was lost."""


class ConnectionLost(Unavailable):
    """The connection broke, or the server has ended the call of a listener who can continue from the next byte."""


class DeadlineExceeded(MelismaError):
    """The answer was not complete within the timeout."""


class Cancelled(MelismaError):
    """The call was cancelled on either side."""


class Unauthenticated(MelismaError):
    """The server requires credentials, or other ones than those sent."""


class PermissionDenied(MelismaError):
    """The credentials are valid but do not allow this call."""


class ServerFault(MelismaError):
    """The server failed unexpectedly; its log has the error."""


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
"""Reason for the refusal to delete a song before its end."""

_EXHAUSTED: dict[str, type[Overloaded]] = {
    "DEADLINE_CANNOT_BE_MET": DeadlineTooShort,
    "QUOTA_EXCEEDED": QuotaExceeded,
}


_LISTEN_AGAIN = frozenset({"MADE_ELSEWHERE", "LISTENER_STALLED"})
"""Reasons for ending the call of a listener who can continue: the server is shutting down and another one has the song,
or the listener read nothing for too long.
"""

_BROKEN = re.compile("RST_STREAM|Stream removed|END_STREAM")
"""Texts of gRPC's own INTERNAL or UNKNOWN when a stream breaks on the way."""


def error_of(failure: grpc.RpcError) -> MelismaError:
    """The exception for a failed call; a status that no method documents becomes `ServerFault`."""
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
    """The machine-readable reason in the details of a status; empty if there is none."""
    return str(_unpack(details, ErrorInfo).reason)


def _broken_off(code: grpc.StatusCode, text: str) -> bool:
    """True if the connection broke: the server's own statuses have details."""
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
