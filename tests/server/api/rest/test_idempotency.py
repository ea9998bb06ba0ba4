"""Tests of the header Idempotency-Key: any text identifies a request, separately for each caller."""

import re
from uuid import UUID

import pytest

from server.api.rest.idempotency import joined, only_key, request_id_of
from server.errors import InvalidRequest
from tests.support.fake_runner import FakeRunner
from tests.support.rest import MUSIC
from tests.support.rest_edge import ask, rest_edge
from tests.support.table import table

LOWER = "6f2d1a5e-93a6-4f0f-9a5c-0d8f3c2b1a00"
SONG = {"prompt": "pop", "seed": 5}
GENERATE = f"{MUSIC}/generate"


def test_a_uuid_is_used_as_it_is_in_any_case() -> None:
    assert {request_id_of(key, "me") for key in (LOWER, LOWER.upper(), LOWER.title())} == {LOWER}


def test_any_other_key_has_a_uuid_of_each_caller() -> None:
    keys = ["my-own-key-1", "k", "!~", "x" * 255, LOWER[:-1], f"{{{LOWER}}}", f'"{LOWER}"', LOWER.replace("-", "")]
    found = [UUID(request_id_of(key, caller)) for key in keys for caller in ("me", "you")]
    assert {one.version for one in found} == {5}
    assert len(set(found)) == 2 * len(keys)
    assert request_id_of("k", "me") == request_id_of("k", "me")


@table("keys", [[""], ["x" * 256], ["a b"], ["é"], ["a\tb"], ["a", "a"]])
def test_what_is_no_key_is_refused_by_the_name_of_the_header(keys: list[str]) -> None:
    with pytest.raises(InvalidRequest) as error:
        only_key(keys)
    assert [violation.field for violation in error.value.violations] == ["Idempotency-Key"]


def test_the_header_and_the_field_are_one_id() -> None:
    assert joined("", "", "me") == ""
    assert (
        joined(LOWER.upper(), "", "me")
        == joined("", LOWER.upper(), "me")
        == joined(LOWER, LOWER.upper(), "me")
        == LOWER
    )
    assert joined(request_id_of("k", "me"), "k", "me") == request_id_of("k", "me")
    with pytest.raises(InvalidRequest, match="Idempotency-Key: must be the same as request_id"):
        joined(LOWER, "k", "me")


async def test_the_same_key_brings_the_same_song_and_is_named_where_it_was_used_for_another() -> None:
    async with rest_edge(FakeRunner()) as rest:
        first = await ask(rest, "POST", GENERATE, SONG, Idempotency_Key="my-own-key-1")
        again = await ask(rest, "POST", GENERATE, SONG, Idempotency_Key="my-own-key-1")
        other = await ask(rest, "POST", GENERATE, SONG | {"seed": 4}, Idempotency_Key="my-own-key-1")
        stranger = await ask(rest, "POST", GENERATE, SONG, Idempotency_Key="my-own-key-1", X_Caller="you")
        by_field = await ask(rest, "POST", GENERATE, SONG | {"request_id": first.json["request_id"].upper()})
    assert first.json["task_id"] == again.json["task_id"] == by_field.json["task_id"] != stranger.json["task_id"]
    assert UUID(first.json["request_id"]).version == 5
    assert (other.status, other.json["reason"]) == (409, "REQUEST_ID_REUSED")
    assert re.match("Idempotency-Key my-own-key-1 was used for a different request", other.json["detail"])
