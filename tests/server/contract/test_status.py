from typing import TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from google.rpc.status_pb2 import Status

from model.song import Violation
from server.contract.status import outcome_of, status_of
from server.errors import (
    ControlNotSupported,
    DeadlineTooShort,
    EngineNotReady,
    InvalidRequest,
    OutOfMemory,
    Overloaded,
    PoisonedRequest,
    SongFailed,
    UnknownEngine,
    WorkerLost,
)
from server.store.base import StoreFailed

M = TypeVar("M", bound=Message)


def detail(status: Status, message: M) -> M:
    assert any(packed.Unpack(message) for packed in status.details), f"no {type(message).__name__} in {status}"
    return message


def test_every_field_that_is_wrong_becomes_a_field_violation() -> None:
    error = InvalidRequest(Violation("steps", "too many"), Violation("audio.bitrate_kbps", "odd"))
    bad_request = detail(status_of(error), BadRequest())
    assert [(v.field, v.description) for v in bad_request.field_violations] == [
        ("steps", "too many"),
        ("audio.bitrate_kbps", "odd"),
    ]


def test_a_full_queue_says_when_to_come_back() -> None:
    status = status_of(Overloaded("full", retry_after_seconds=1.5))
    assert status.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert detail(status, RetryInfo()).retry_delay.ToMilliseconds() == 1500


def test_a_deadline_that_cannot_be_met_says_when_it_could_be() -> None:
    status = status_of(DeadlineTooShort(needed_seconds=7.5, left_seconds=5.0))
    assert status.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert detail(status, RetryInfo()).retry_delay.ToMilliseconds() == 2500


def test_a_deadline_that_the_song_alone_cannot_meet_has_no_advice_to_wait() -> None:
    status = status_of(DeadlineTooShort(needed_seconds=7.5, left_seconds=5.0, alone_seconds=6.0))
    assert "allow at least 6.0 s" in status.message
    assert not any(packed.Is(RetryInfo.DESCRIPTOR) for packed in status.details)
    beside_others = status_of(DeadlineTooShort(needed_seconds=7.5, left_seconds=5.0, alone_seconds=4.0))
    assert any(packed.Is(RetryInfo.DESCRIPTOR) for packed in beside_others.details)


def test_a_poisoned_request_is_named_as_the_subject() -> None:
    status = status_of(PoisonedRequest("5eed"))
    assert status.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    failure = detail(status, PreconditionFailure())
    assert [(v.type, v.subject) for v in failure.violations] == [("REQUEST", "5eed")]


def test_a_song_without_memory_is_told_apart_from_a_full_queue() -> None:
    status = status_of(OutOfMemory("no device has room", 3.0))
    assert detail(status, ErrorInfo()).reason == "OUT_OF_DEVICE_MEMORY"
    assert detail(status, RetryInfo()).retry_delay.seconds == 3


def test_an_unsupported_control_is_named_as_the_subject() -> None:
    status = status_of(ControlNotSupported("studio", {"tempo_bpm": [], "extend": ["ace_step", "other"]}))
    failure = detail(status, PreconditionFailure())
    said = "engine 'studio' does not support"
    assert [(v.type, v.subject, v.description) for v in failure.violations] == [
        ("CONTROL", "tempo_bpm", f"{said} 'tempo_bpm'; no engine of this server does, leave it out"),
        ("CONTROL", "extend", f"{said} 'extend'; leave it out, or use an engine that does: ace_step, other"),
    ]


def test_an_engine_that_is_not_ready_says_what_to_do() -> None:
    status = status_of(EngineNotReady("install the weights"))
    failure = detail(status, PreconditionFailure())
    assert [v.description for v in failure.violations] == ["install the weights"]


def test_the_reason_is_for_machines_and_belongs_to_our_domain() -> None:
    info = detail(status_of(UnknownEngine("opera", ("studio",))), ErrorInfo())
    assert (info.reason, info.domain) == ("UNKNOWN_ENGINE", "melisma.v1")


@pytest.mark.parametrize("error", [SongFailed("weights of /secret/path"), RuntimeError("secret"), KeyError("secret")])
def test_nothing_of_a_bug_is_told(error: Exception) -> None:
    status = status_of(error)
    assert status.code == grpc.StatusCode.INTERNAL.value[0]
    assert "secret" not in str(status)


def test_a_status_fits_into_the_headers_of_a_call() -> None:
    error = InvalidRequest(*(Violation(f"anchor.notes.notes[{n}].pitch", "音" * 500) for n in range(512)))
    status = status_of(error)
    assert detail(status, BadRequest()).field_violations
    assert len(status.SerializeToString()) * 4 / 3 + len(status.message.encode()) * 3 < 8000


def test_a_subclass_is_told_like_the_error_it_refines() -> None:
    class GpuLost(WorkerLost):
        pass

    assert outcome_of(GpuLost("gone")) == outcome_of(WorkerLost("gone"))


def test_a_store_that_does_not_answer_may_be_tried_again_and_its_own_words_stay_here() -> None:
    status = status_of(StoreFailed("the directory at 10.0.0.7 is away"))
    assert status.code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert detail(status, ErrorInfo()).reason == "STORE_UNAVAILABLE"
    assert "10.0.0.7" not in status.message
