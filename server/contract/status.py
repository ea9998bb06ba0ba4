"""The table of errors: maps each error of a song to the gRPC code, reason and details that the caller gets."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from types import MappingProxyType

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status

from model.song import Violation
from server.errors import (
    ChecksOverloaded,
    ControlNotSupported,
    CredentialsFailed,
    DeadlineTooShort,
    Draining,
    EndedElsewhere,
    EngineNotReady,
    InvalidRequest,
    ListenerStalled,
    MadeElsewhere,
    NoCredentials,
    OffsetOutOfRange,
    OutOfMemory,
    Overloaded,
    PermissionDenied,
    PoisonedRequest,
    QuotaExceeded,
    RequestIdReused,
    RequestTooSlow,
    ServiceError,
    SongCancelled,
    SongDeadlineExceeded,
    SongDeleted,
    SongFailed,
    SongNotComplete,
    SongNotEnded,
    SongNotKept,
    SongStoreFull,
    TooManyCalls,
    Unauthenticated,
    UnknownEngine,
    UnknownSong,
    WorkerLost,
)
from server.store.base import INTERRUPTED, NOT_KEPT, StoreFailed

ERROR_DOMAIN = "melisma.v1"
MAX_TEXT_CHARACTERS = 200
MAX_VIOLATIONS_BYTES = 3000
"""Most bytes of violations in a status. A status is sent in headers, of which clients accept 8 KiB by default, and its
encoding adds a third or more.
"""

INTERNAL_TEXT = "internal error of the server: try again later, or ask its operator to read the cause in the log"
STORE_UNAVAILABLE_TEXT = "the song store does not answer at present: try again in a moment"


@dataclass(frozen=True, slots=True)
class ErrorOutcome:
    """The gRPC code and the machine-readable reason that callers get for one kind of error."""

    code: grpc.StatusCode
    reason: str


INTERNAL = ErrorOutcome(grpc.StatusCode.INTERNAL, "INTERNAL")
STORE_UNAVAILABLE = ErrorOutcome(grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
"""Code and reason for an error of the song store, which does not answer. The store's own error text is only logged."""

OUTCOMES: Mapping[type[ServiceError], ErrorOutcome] = MappingProxyType(
    {
        InvalidRequest: ErrorOutcome(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        UnknownEngine: ErrorOutcome(grpc.StatusCode.NOT_FOUND, "UNKNOWN_ENGINE"),
        EngineNotReady: ErrorOutcome(grpc.StatusCode.FAILED_PRECONDITION, "ENGINE_NOT_READY"),
        ControlNotSupported: ErrorOutcome(grpc.StatusCode.FAILED_PRECONDITION, "CONTROL_NOT_SUPPORTED"),
        PoisonedRequest: ErrorOutcome(grpc.StatusCode.FAILED_PRECONDITION, "POISONED_REQUEST"),
        Overloaded: ErrorOutcome(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
        SongStoreFull: ErrorOutcome(grpc.StatusCode.RESOURCE_EXHAUSTED, "SONG_STORE_FULL"),
        ChecksOverloaded: ErrorOutcome(grpc.StatusCode.RESOURCE_EXHAUSTED, "CHECKS_OVERLOADED"),
        TooManyCalls: ErrorOutcome(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS"),
        DeadlineTooShort: ErrorOutcome(grpc.StatusCode.RESOURCE_EXHAUSTED, "DEADLINE_CANNOT_BE_MET"),
        OutOfMemory: ErrorOutcome(grpc.StatusCode.RESOURCE_EXHAUSTED, "OUT_OF_DEVICE_MEMORY"),
        QuotaExceeded: ErrorOutcome(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED"),
        Unauthenticated: ErrorOutcome(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"),
        PermissionDenied: ErrorOutcome(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"),
        UnknownSong: ErrorOutcome(grpc.StatusCode.NOT_FOUND, "UNKNOWN_SONG"),
        SongDeleted: ErrorOutcome(grpc.StatusCode.NOT_FOUND, "SONG_DELETED"),
        SongNotEnded: ErrorOutcome(grpc.StatusCode.FAILED_PRECONDITION, "SONG_NOT_ENDED"),
        RequestIdReused: ErrorOutcome(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"),
        OffsetOutOfRange: ErrorOutcome(grpc.StatusCode.OUT_OF_RANGE, "OFFSET_OUT_OF_RANGE"),
        SongNotComplete: ErrorOutcome(grpc.StatusCode.FAILED_PRECONDITION, "SONG_NOT_COMPLETE"),
        NoCredentials: ErrorOutcome(grpc.StatusCode.NOT_FOUND, "NO_CREDENTIALS"),
        CredentialsFailed: ErrorOutcome(grpc.StatusCode.UNAVAILABLE, "CREDENTIALS_FAILED"),
        SongCancelled: ErrorOutcome(grpc.StatusCode.CANCELLED, "SONG_CANCELLED"),
        Draining: ErrorOutcome(grpc.StatusCode.UNAVAILABLE, "DRAINING"),
        MadeElsewhere: ErrorOutcome(grpc.StatusCode.UNAVAILABLE, "MADE_ELSEWHERE"),
        ListenerStalled: ErrorOutcome(grpc.StatusCode.UNAVAILABLE, "LISTENER_STALLED"),
        WorkerLost: ErrorOutcome(grpc.StatusCode.UNAVAILABLE, "WORKER_LOST"),
        RequestTooSlow: ErrorOutcome(grpc.StatusCode.DEADLINE_EXCEEDED, "REQUEST_TOO_SLOW"),
        SongDeadlineExceeded: ErrorOutcome(grpc.StatusCode.DEADLINE_EXCEEDED, "SONG_DEADLINE_EXCEEDED"),
        SongNotKept: ErrorOutcome(grpc.StatusCode.UNAVAILABLE, NOT_KEPT),
        EndedElsewhere: ErrorOutcome(grpc.StatusCode.UNKNOWN, "ENDED_ELSEWHERE"),
        SongFailed: INTERNAL,
    }
)
"""Code and reason of each class of ServiceError; a test checks that no class is missing."""

FAILURE_CODES: Mapping[str, grpc.StatusCode] = MappingProxyType(
    {outcome.reason: outcome.code for outcome in OUTCOMES.values()} | {INTERRUPTED: grpc.StatusCode.UNAVAILABLE}
)
"""gRPC codes by the reasons for which a stored song can have failed; INTERRUPTED is the only reason without an error
class.
"""


def outcome_of(error: Exception) -> ErrorOutcome:
    """Return the gRPC code and reason for an error, by its class; INTERNAL for an error that is neither in the table
    nor of the store.

    For a song that had failed before the call, the reason is that of the song's failure, with a code after which
    clients do not retry.
    """
    if isinstance(error, EndedElsewhere):
        return ErrorOutcome(FAILURE_CODES.get(error.reason, grpc.StatusCode.UNKNOWN), error.reason)
    if isinstance(error, SongNotComplete) and error.failure:
        return ErrorOutcome(OUTCOMES[SongNotComplete].code, error.failure.reason)
    if isinstance(error, StoreFailed):
        return STORE_UNAVAILABLE
    return next((OUTCOMES[kind] for kind in type(error).__mro__ if kind in OUTCOMES), INTERNAL)


def text_of(error: Exception) -> str:
    """Return the text of an error for the caller, shortened; a general text for a bug."""
    match outcome_of(error):
        case ErrorOutcome(reason=INTERNAL.reason):
            return INTERNAL_TEXT
        case outcome if outcome is STORE_UNAVAILABLE:
            return STORE_UNAVAILABLE_TEXT
    return _shortened(str(error))


def violations_of(error: ServiceError) -> tuple[Violation, ...]:
    """Return the violations of an error for the caller: shortened, and only as many as fit into a response header."""
    return shown(error.violations)


def shown(given: Iterable[Violation]) -> tuple[Violation, ...]:
    """Return violations with shortened descriptions, and only as many as fit into a response header."""
    violations = [Violation(one.field, _shortened(one.description)) for one in given]
    sizes = accumulate(_bad_request([one]).ByteSize() for one in violations)
    fitting = takewhile(lambda size: size <= MAX_VIOLATIONS_BYTES, sizes)
    return tuple(one for _, one in zip(fitting, violations, strict=False))


def status_of(error: Exception) -> Status:
    """Return the google.rpc.Status for an error, with typed details. The text of a bug is not included.

    Long texts are shortened, and violations that do not fit into a header are left out.
    """
    outcome = outcome_of(error)
    status = Status(code=outcome.code.value[0], message=text_of(error))
    for detail in (ErrorInfo(reason=outcome.reason, domain=ERROR_DOMAIN), *_details(error)):
        status.details.add().Pack(detail)
    return status


def failure_status(reason: str, text: str, violations: Iterable[Violation] = ()) -> Status:
    """Return the google.rpc.Status of a song that has failed for `reason`; the code is UNKNOWN for a reason unknown to
    this version.
    """
    status = Status(code=FAILURE_CODES.get(reason, grpc.StatusCode.UNKNOWN).value[0], message=text)
    status.details.add().Pack(ErrorInfo(reason=reason, domain=ERROR_DOMAIN))
    if listed := shown(violations):
        status.details.add().Pack(_bad_request(listed))
    return status


def _details(error: Exception) -> Iterator[Message]:
    if isinstance(error, InvalidRequest | EndedElsewhere | SongNotComplete) and error.violations:
        yield _bad_request(violations_of(error))
    elif isinstance(error, Overloaded):
        if error.retry_after_seconds is not None:
            yield _retry_info(error.retry_after_seconds)
        if isinstance(error, QuotaExceeded):
            yield _quota_failure(error.subject, str(error))
    elif isinstance(error, ControlNotSupported):
        yield _precondition_failure(*(("CONTROL", one.field, one.description) for one in violations_of(error)))
    elif isinstance(error, EngineNotReady):
        yield _precondition_failure(("ENGINE", "engine", str(error)))
    elif isinstance(error, PoisonedRequest):
        yield _precondition_failure(("REQUEST", error.fingerprint, str(error)))


def _bad_request(violations: Sequence[Violation]) -> BadRequest:
    detail = BadRequest()
    for violation in violations:
        detail.field_violations.add(field=violation.field, description=violation.description)
    return detail


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_TEXT_CHARACTERS else f"{text[: MAX_TEXT_CHARACTERS - 3]}..."


def _retry_info(seconds: float) -> RetryInfo:
    detail = RetryInfo()
    detail.retry_delay.FromMilliseconds(math.ceil(max(0.0, seconds) * 1000))
    return detail


def _quota_failure(subject: str, description: str) -> QuotaFailure:
    violation = QuotaFailure.Violation(subject=subject, description=description)
    return QuotaFailure(violations=[violation])


def _precondition_failure(*violations: tuple[str, str, str]) -> PreconditionFailure:
    """Return the detail google.rpc.PreconditionFailure for violations given as tuples (type, subject, description)."""
    detail = PreconditionFailure()
    for kind, subject, description in violations:
        detail.violations.add(type=kind, subject=subject, description=description)
    return detail
