"""Tests with thousands of generated requests: each gets a status that blames the caller, and the server keeps working.

Every request depends only on its seed and number: `Sender(..., seed).send(range(number, number + 1))` repeats it. The
quick tests run with all tests; `make test-fuzz` sends forty times as many requests, to all engines, and checks memory.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import psutil
import pytest

from melisma.v1 import music_pb2, music_pb2_grpc
from tests.support.ace_step import ace_step_options
from tests.support.fuzzing import over_grpc, over_http
from tests.support.fuzzing.songs import ACE_STEP, FAKE, STUDIO
from tests.support.service import Service, running_service

FAKE_ENGINE = f"{FAKE}=tests.support.fakes:FakeEngine"
QUICK_REQUESTS = 500
QUICK_GOOD_SHARE = 0.05
REQUESTS = {STUDIO: 2_500, ACE_STEP: 2_500, FAKE: 15_000}
SETTLED_REQUESTS = 5_000
MEBIBYTE = 1 << 20
GROWTH_BYTES = 30 * MEBIBYTE
GOOD = music_pb2.GenerateRequest(prompt="slow piano", lyrics="[verse]\n春天来醒花就开", duration_seconds=30)
TIMEOUT_SECONDS = 120.0

Sender: TypeAlias = over_grpc.Sender | over_http.Sender
NewSender: TypeAlias = Callable[[Service, str, int], Sender]


def sender_over_grpc(service: Service, engine: str, seed: int) -> Sender:
    return over_grpc.Sender(service.address, engine, seed)


def sender_over_http(service: Service, engine: str, seed: int) -> Sender:
    host, port = service.http_address.rsplit(":", 1)
    return over_http.Sender(host, int(port), engine, seed)


@dataclass
class Watched:
    """A server, the ids of its worker processes at the start, and the records of its log."""

    service: Service
    workers: list[int]
    log: list[dict[str, Any]]

    @classmethod
    def of(cls, service: Service) -> "Watched":
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        return cls(service, workers(service), service.keep_log())

    def errors(self) -> list[str]:
        return [json.dumps(record) for record in self.log if record.get("level") in ("error", "critical")]

    def memory_bytes(self) -> int:
        return int(psutil.Process(self.service.process.pid).memory_info().rss)

    def makes_a_song(self, engine: str) -> bool:
        request = music_pb2.GenerateRequest(engine=engine)
        request.MergeFrom(GOOD)
        with grpc.insecure_channel(self.service.address) as channel:
            events = list(music_pb2_grpc.MusicServiceStub(channel).Generate(request, timeout=TIMEOUT_SECONDS))
        return events[-1].event.WhichOneof("event") == "finished"


def workers(service: Service) -> list[int]:
    children = psutil.Process(service.process.pid).children()
    return sorted(child.pid for child in children if "server.workers.worker" in child.cmdline())


def assert_unhurt(watched: Watched, sender: Sender, songs: int) -> None:
    """Check that all requests got a valid response, at least `songs` of them began a song, nothing was logged as an
    error, the server still makes songs, and no worker process was replaced.
    """
    assert sender.findings.faults == []
    assert sender.findings.planned >= songs, sender.findings.answers
    assert watched.errors() == []
    assert watched.makes_a_song(sender.engine)
    assert workers(watched.service) == watched.workers


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with running_service(FAKE_ENGINE, STORE__LINGER_SECONDS="0") as service:
        yield Watched.of(service)


@pytest.mark.parametrize("new_sender", [sender_over_grpc, sender_over_http])
def test_made_up_requests_hurt_nobody(watched: Watched, new_sender: NewSender) -> None:
    sender = replace(new_sender(watched.service, FAKE, 1), good_share=QUICK_GOOD_SHARE)
    asyncio.run(sender.send(range(QUICK_REQUESTS)))
    assert_unhurt(watched, sender, QUICK_REQUESTS // 12)


@pytest.fixture(scope="module")
def all_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    options = ace_step_options(Path(tmp_path_factory.mktemp("ace_step")))
    with running_service(
        f"{FAKE_ENGINE},{STUDIO},{ACE_STEP}",
        STORE__LINGER_SECONDS="0",
        **{f"ACE_STEP__{name.upper()}": str(value) for name, value in options.items()},
    ) as service:
        yield Watched.of(service)


@pytest.mark.fuzz
@pytest.mark.parametrize("new_sender", [sender_over_grpc, sender_over_http])
def test_many_made_up_requests_hurt_nobody_and_leave_nothing(all_engines: Watched, new_sender: NewSender) -> None:
    sent, settled = 0, 0
    for engine, requests in REQUESTS.items():
        sender = new_sender(all_engines.service, engine, 2)
        asyncio.run(sender.send(range(requests)))
        assert_unhurt(all_engines, sender, requests // 4)
        sent += requests
        settled = settled or (all_engines.memory_bytes() if sent >= SETTLED_REQUESTS else 0)
    assert all_engines.memory_bytes() - settled <= GROWTH_BYTES
