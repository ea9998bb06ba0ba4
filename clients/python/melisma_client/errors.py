"""Everything that can go wrong with a call, and the one table that maps gRPC statuses to it.

MelismaError
    InvalidRequest          the request breaks a rule; `violations` says which fields and why
    NotFound                the server has no such engine, or the caller no such song
    NotEnded                the song waits or is being made, and cannot be deleted
    NotReady                the engine cannot take the song; the text says why, or what to install or set
    Overloaded              the server has no room; `retry_after_seconds` says when to try again
        DeadlineTooShort    by the server's estimate the song cannot be complete in the time that was allowed
    RequestIdReused         the request's id was used for another request
    OutOfRange              the song is shorter
    Unavailable             no server answers there, or it is shutting down, or the song was lost
        ConnectionLost      the way to the server is broken
    DeadlineExceeded        the song was not complete in the time that was allowed
    Cancelled               the call was cancelled
    Unauthenticated         the server wants credentials, or other ones
    PermissionDenied        the credentials do not allow this
    ServerFault             a bug in the server
    BrokenSong              what arrived is not one whole song
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

STATUS_DETAILS_KEY = "grpc-status-details-bin"

MessageT = TypeVar("MessageT", bound=Message)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One thing wrong with one request field; `field` is its name in the contract."""

    field: str
    description: str


class MelismaError(Exception):
    """A call failed; the text says why and, where the caller can do something about it, what."""


class InvalidRequest(MelismaError):
    """The request breaks a rule of the contract; `violations` names the fields (it may be empty)."""

    def __init__(self, text: str, violations: tuple[FieldViolation, ...] = ()) -> None:
        super().__init__(text)
        self.violations = violations


class NotFound(MelismaError):
    """The server has no such engine, or the caller no such song (any more)."""


class NotEnded(MelismaError):
    """The song waits or is being made: it can be deleted once it has ended, or was cancelled."""


class RequestIdReused(MelismaError):
    """The request's id was used for another request: it has to be a fresh one for every song."""


class OutOfRange(MelismaError):
    """The song is shorter than what was to be left out of it."""


class NotReady(MelismaError):
    """The engine cannot take the song now; the text says why, or what to install or set on the server."""


class Overloaded(MelismaError):
    """The server has no room for the song; `retry_after_seconds` is its advice, `None` where it gave none."""

    def __init__(self, text: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class DeadlineTooShort(Overloaded):
    """By the server's estimate the song cannot be complete in the time that was allowed."""


class QuotaExceeded(Overloaded):
    """The API key allows no more for now."""


class Unavailable(MelismaError):
    """No server answers at the address, it is shutting down, it lost the song, or the connection to it was lost."""


class ConnectionLost(Unavailable):
    """The way to the server is broken, or the server has sent a listener away who can listen on from the next byte."""


class DeadlineExceeded(MelismaError):
    """The answer was not complete in the time that was allowed."""


class Cancelled(MelismaError):
    """The call was cancelled on either side."""


class Unauthenticated(MelismaError):
    """The server wants credentials, or other ones than those that were sent."""


class PermissionDenied(MelismaError):
    """The credentials are good but do not allow this call."""


class ServerFault(MelismaError):
    """The server failed in a way that it did not foresee; its log knows more."""


class BrokenSong(MelismaError):
    """The received song is damaged: bytes or its end are missing, doubled or changed."""


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
"""Reason of a server that does not delete a song before its end."""

_EXHAUSTED: dict[str, type[Overloaded]] = {
    "DEADLINE_CANNOT_BE_MET": DeadlineTooShort,
    "QUOTA_EXCEEDED": QuotaExceeded,
}


_LISTEN_AGAIN = frozenset({"MADE_ELSEWHERE", "LISTENER_STALLED"})
"""Reasons with which a server sends a listener away who can go on listening: it is about to end, and another one goes
on with the song; or nothing of what it sent was taken for too long."""

_BROKEN = re.compile("RST_STREAM|Stream removed|END_STREAM")
"""What gRPC says, in an INTERNAL or UNKNOWN of its own, when a stream is broken off on the way."""


def error_of(failure: grpc.RpcError) -> MelismaError:
    """The named error for a failed call; a status that no method promises becomes `ServerFault`."""
    code = failure.code()
    text = failure.details() or code.value[1]
    details = _status_details(failure)
    if details is None and code is grpc.StatusCode.UNAVAILABLE:
        return ConnectionLost(text)
    if details is None and _broken_off(code, text):
        return ConnectionLost(f"the connection was lost: {text}")
    details = details or status_pb2.Status()
    if reason_of(details) in _LISTEN_AGAIN:
        return ConnectionLost(text)
    if reason_of(details) == _SONG_NOT_ENDED:
        return NotEnded(text)
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return InvalidRequest(text, _violations(details))
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return _EXHAUSTED.get(reason_of(details), Overloaded)(text, _retry_after_seconds(details))
    return _PLAIN.get(code, ServerFault)(text)


def reason_of(details: status_pb2.Status) -> str:
    """The reason for machines in the details of a status; empty where there is none."""
    return str(_unpack(details, error_details_pb2.ErrorInfo).reason)


def _broken_off(code: grpc.StatusCode, text: str) -> bool:
    """True if the connection broke: a status of the server itself has details."""
    own = code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN) and _BROKEN.search(text) is not None
    return own or code is grpc.StatusCode.CANCELLED


def _status_details(failure: grpc.RpcError) -> status_pb2.Status | None:
    for key, value in _metadata(failure):
        if key == STATUS_DETAILS_KEY:
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return status_pb2.Status()
    return None


def _metadata(failure: grpc.RpcError) -> Iterable[tuple[str, bytes]]:
    return failure.trailing_metadata() or ()  # type: ignore[return-value]  # pairs in both flavours of gRPC


def _unpack(details: status_pb2.Status, kind: type[MessageT]) -> MessageT:
    message = kind()
    for detail in details.details:
        if detail.Is(kind.DESCRIPTOR):
            detail.Unpack(message)
            break
    return message


def _violations(details: status_pb2.Status) -> tuple[FieldViolation, ...]:
    bad_request = _unpack(details, error_details_pb2.BadRequest)
    return tuple(FieldViolation(v.field, v.description) for v in bad_request.field_violations)


def _retry_after_seconds(details: status_pb2.Status) -> float | None:
    retry = _unpack(details, error_details_pb2.RetryInfo)
    if not retry.HasField("retry_delay"):
        return None
    return float(retry.retry_delay.ToTimedelta().total_seconds())
