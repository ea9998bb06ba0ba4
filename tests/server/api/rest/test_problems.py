import json
from typing import Any

from google.rpc.error_details_pb2 import BadRequest

from model.song import Violation
from server.api.rest.problems import failure_json, problem
from server.contract.status import INTERNAL_TEXT, status_of
from server.errors import (
    ControlNotSupported,
    DeadlineTooShort,
    EndedElsewhere,
    InvalidRequest,
    ServiceError,
    SongFailed,
    SongNotComplete,
    WorkerLost,
)


def body_of(error: Exception) -> Any:
    return json.loads(bytes(problem(error).body))


def violations_of_grpc(error: ServiceError) -> list[dict[str, str]]:
    found = BadRequest()
    assert any(packed.Unpack(found) for packed in status_of(error).details)
    return [{"field": one.field, "description": one.description} for one in found.field_violations]


def test_violations_are_those_that_grpc_callers_get() -> None:
    error = InvalidRequest(*(Violation(f"anchor.notes.notes[{n}].pitch", "音" * 500) for n in range(512)))
    told = body_of(error)["violations"]
    assert told == violations_of_grpc(error)
    assert 1 < len(told) < 512
    assert told[0] == {"field": "anchor.notes.notes[0].pitch", "description": "音" * 197 + "..."}


def test_a_long_text_is_shortened_as_for_grpc_callers() -> None:
    error = WorkerLost("x" * 300)
    assert body_of(error)["detail"] == status_of(error).message == "x" * 197 + "..."


def test_each_control_that_an_engine_lacks_is_a_violation() -> None:
    error = ControlNotSupported("studio", {"extend": ["ace_step"], "stems": []})
    answer = problem(error)
    assert (answer.status_code, body_of(error)["reason"]) == (400, "CONTROL_NOT_SUPPORTED")
    assert [one["field"] for one in body_of(error)["violations"]] == ["extend", "stems"]


def test_a_song_that_failed_before_has_the_reason_and_the_violations_of_its_failure() -> None:
    failure = EndedElsewhere("INVALID_REQUEST", "ignored", (Violation("duration_seconds", "is too short"),))
    told = body_of(SongNotComplete("failed", failure))
    assert (told["status"], told["reason"]) == (409, "INVALID_REQUEST")
    assert told["violations"] == [{"field": "duration", "description": "is too short"}]
    assert violations_of_grpc(failure) == [{"field": "duration_seconds", "description": "is too short"}]
    assert failure_json(failure) == {
        "reason": "INVALID_REQUEST",
        "detail": "duration: is too short",
        "violations": told["violations"],
    }


def test_a_retry_is_advised_where_it_can_help() -> None:
    beside_others, alone = DeadlineTooShort(7.5, 5.0, 4.0), DeadlineTooShort(7.5, 5.0, 6.0)
    assert problem(beside_others).headers["retry-after"] == "3"
    assert body_of(beside_others)["retry_after_seconds"] == 2.5
    assert "retry-after" not in problem(alone).headers
    assert "retry_after_seconds" not in body_of(alone)


def test_nothing_of_a_bug_is_told() -> None:
    for error in (SongFailed("secret"), RuntimeError("secret")):
        assert body_of(error)["detail"] == INTERNAL_TEXT
        assert b"secret" not in bytes(problem(error).body)
