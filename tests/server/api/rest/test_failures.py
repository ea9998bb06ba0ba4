"""Tests that all responses about a failed song have the same reason and violations."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from model.song import Violation
from server.errors import (
    ControlNotSupported,
    InvalidRequest,
    OutOfMemory,
    PoisonedRequest,
    ServiceError,
    SongFailed,
    WorkerLost,
)
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner
from tests.support.rest import MUSIC, Rest
from tests.support.rest_edge import ask, rest_edge

ERRORS: list[tuple[ServiceError, str, list[str]]] = [
    (InvalidRequest(Violation("duration_seconds", "is too short")), "INVALID_REQUEST", ["duration"]),
    (ControlNotSupported("fake", {"tempo_bpm": []}), "CONTROL_NOT_SUPPORTED", ["tempo_bpm"]),
    (PoisonedRequest("5eed"), "POISONED_REQUEST", []),
    (OutOfMemory("no device has room", 3.0), "OUT_OF_DEVICE_MEMORY", []),
    (WorkerLost("its worker died"), "WORKER_LOST", []),
    (SongFailed("a secret"), "INTERNAL", []),
]


def last_event(rest: Rest, task_id: str) -> Any:
    *_, (_, name, data) = rest.events(task_id)
    return {**data, "event": name}


async def tellings(rest: Rest) -> list[tuple[str, Any]]:
    """Return the reason and violations of a failed song from each kind of response, such as a POST, its events or the
    list.
    """
    generate, song = f"{MUSIC}/generate", {"prompt": "pop"}
    waiting = await ask(rest, "POST", generate, song)
    streaming = await ask(rest, "POST", generate, song, Accept="audio/mpeg")
    task_id = (await ask(rest, "POST", generate, song, Prefer="respond-async")).json["task_id"]
    live = await asyncio.to_thread(last_event, rest, task_id)
    late = await asyncio.to_thread(last_event, rest, task_id)
    listed = (await ask(rest, "GET", MUSIC)).json["songs"]
    found = {
        "waiting": waiting.json,
        "streaming": streaming.json,
        "live events": live,
        "late events": late,
        "song": (await ask(rest, "GET", f"{MUSIC}/{task_id}")).json["error"],
        "list": next(one["error"] for one in listed if one["task_id"] == task_id),
        "sound": (await ask(rest, "GET", f"/audio/{task_id}.mp3")).json,
        "range": (await ask(rest, "GET", f"/audio/{task_id}.mp3", Range="bytes=0-9")).json,
    }
    return list(found.items())


def differing(told: list[tuple[str, Any]], reason: str, fields: list[str]) -> Iterator[str]:
    for place, one in told:
        named = [violation["field"] for violation in one.get("violations", [])]
        if (one["reason"], named) != (reason, fields) or "secret" in one["detail"]:
            yield f"{place}: {one}"


@pytest.mark.parametrize(("error", "reason", "fields"), ERRORS, ids=[reason for _, reason, _ in ERRORS])
async def test_a_failure_is_told_alike_everywhere(error: ServiceError, reason: str, fields: list[str]) -> None:
    async with rest_edge(FakeRunner(FAKE_EVENTS[:1], error=error)) as rest:
        told = await tellings(rest)
    assert list(differing(told, reason, fields)) == []
    details = {place: one["detail"] for place, one in told if place not in ("sound", "range")}
    assert len(set(details.values())) == 1, details
    assert all(one["event"] == "failed" for place, one in told if "events" in place)
