import json
from typing import Any

from google.rpc import error_details_pb2

from model.song import Violation
from server.api.rest.problems import problem
from server.contract.status import INTERNAL_TEXT, status_of
from server.errors import InvalidRequest, ServiceError, SongFailed, WorkerLost


def body_of(error: Exception) -> Any:
    return json.loads(bytes(problem(error).body))


def violations_of_grpc(error: ServiceError) -> list[dict[str, str]]:
    found = error_details_pb2.BadRequest()
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


def test_nothing_of_a_bug_is_told() -> None:
    for error in (SongFailed("secret"), RuntimeError("secret")):
        assert body_of(error)["detail"] == INTERNAL_TEXT
        assert b"secret" not in bytes(problem(error).body)
