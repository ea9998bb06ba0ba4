from functools import partial
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.api.grpc.health import MUSIC_SERVICE, HealthServicer
from tests.support.edge import edge
from tests.support.fake_runner import FAKE_INFO, FakeRunner

Status = health_pb2.HealthCheckResponse
LIST: Any = health_pb2.HealthListRequest  # type: ignore[attr-defined]


def stub_of(channel: grpc.aio.Channel) -> Any:
    """Return a stub of the health service without a type, because its published types lack the methods."""
    return health_pb2_grpc.HealthStub(channel)


def wired(runner: FakeRunner) -> HealthServicer:
    health = HealthServicer.alike(lambda: None if runner.ready("fake") else "no engine is ready")
    runner.subscribe(health.changed)
    return health


@pytest.mark.parametrize("service", ["", MUSIC_SERVICE])
async def test_a_server_serves_once_an_engine_is_loaded(service: str) -> None:
    runner = FakeRunner(info=None)
    async with edge(runner, wired(runner)) as channel:
        stub = stub_of(channel)
        assert (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status == Status.NOT_SERVING
        runner.load(FAKE_INFO)
        assert (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status == Status.SERVING


async def test_the_list_has_every_service() -> None:
    async with edge(FakeRunner()) as channel:
        listed = await stub_of(channel).List(LIST())
    assert {name: told.status for name, told in listed.statuses.items()} == {
        "": Status.SERVING,
        MUSIC_SERVICE: Status.SERVING,
    }


async def test_an_unknown_service_is_not_found() -> None:
    async with edge(FakeRunner()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stub_of(channel).Check(health_pb2.HealthCheckRequest(service="opera"))
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_hears_of_every_change_until_the_server_drains() -> None:
    runner = FakeRunner(info=None)
    health = wired(runner)
    async with edge(runner, health) as channel:
        watch = stub_of(channel).Watch(health_pb2.HealthCheckRequest(service=MUSIC_SERVICE))
        assert (await watch.read()).status == Status.NOT_SERVING
        runner.load(FAKE_INFO)
        assert (await watch.read()).status == Status.SERVING
        health.close()
        assert (await watch.read()).status == Status.NOT_SERVING
        assert await watch.read() is grpc.aio.EOF


async def test_a_change_that_changes_nothing_is_not_told() -> None:
    runner = FakeRunner()
    health = wired(runner)
    async with edge(runner, health) as channel:
        stub = stub_of(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == Status.SERVING
        runner.load(FAKE_INFO)
        await stub.Check(health_pb2.HealthCheckRequest())
        runner.load(None)
        assert (await watch.read()).status == Status.NOT_SERVING


async def test_a_watcher_of_an_unknown_service_is_told_so() -> None:
    async with edge(FakeRunner()) as channel:
        watch = stub_of(channel).Watch(health_pb2.HealthCheckRequest(service="opera"))
        assert (await watch.read()).status == Status.SERVICE_UNKNOWN


async def test_a_draining_server_does_not_serve_whatever_is_loaded() -> None:
    runner = FakeRunner()
    health = wired(runner)
    async with edge(runner, health) as channel:
        health.close()
        response = await stub_of(channel).Check(health_pb2.HealthCheckRequest())
    assert response.status == Status.NOT_SERVING


async def test_an_operator_is_told_why_the_server_does_not_serve() -> None:
    runner = FakeRunner(info=None)
    health = wired(runner)
    assert health.readiness_problem() == "no engine is ready"
    runner.load(FAKE_INFO)
    assert health.readiness_problem() is None
    health.close()
    assert health.readiness_problem() == "the server is shutting down"
    assert health.closed


async def test_each_engine_has_a_health_of_its_own() -> None:
    engine = f"{MUSIC_SERVICE}/ace_step"
    reasons: dict[str, str | None] = {"": None, MUSIC_SERVICE: "the queue is nearly full", engine: "not ready"}
    health = HealthServicer({name: partial(reasons.get, name) for name in reasons})
    async with edge(FakeRunner(), health) as channel:
        stub = stub_of(channel)

        async def status(service: str) -> int:
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            return int(answer.status)

        assert [await status(name) for name in reasons] == [Status.SERVING, Status.NOT_SERVING, Status.NOT_SERVING]
        reasons[engine] = None
        assert await status(engine) == Status.SERVING
        health.close()
        assert [await status(name) for name in reasons] == [Status.NOT_SERVING] * 3
