import asyncio
from typing import Any, cast

import grpc.aio
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from server.api.grpc.health import HealthServicer
from server.api.grpc.server import build_server
from server.settings.groups import Connections
from server.settings.settings import Settings
from tests.support.edge import edge, raw_call
from tests.support.fake_runner import FakeRunner

GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
"""The preface of HTTP/2, and settings."""
ACKNOWLEDGED = b"\0\0\0\x04\x01\0\0\0\0"


async def test_the_schema_can_be_asked_for() -> None:
    async with edge(FakeRunner()) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(cast(Any, channel))
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
    names = {service.name for service in answers[0].list_services_response.service}
    assert {"melisma.v1.MusicService", "grpc.health.v1.Health"} <= names


async def test_a_request_above_the_size_limit_is_refused_by_grpc_itself() -> None:
    async with edge(FakeRunner()) as channel:
        call = raw_call(channel, "Generate")
        with pytest.raises(grpc.aio.AioRpcError) as error:
            _ = [response async for response in call(bytes(5 << 20))]
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("greeting", [b"", b"PRI * HTTP/2.0\r\n", GREETING, GREETING + ACKNOWLEDGED])
async def test_who_connects_and_asks_for_nothing_is_left(greeting: bytes) -> None:
    connections = Connections(handshake_seconds=0.5, idle_seconds=0.5)
    settings = Settings(engines=("fake",), connections=connections)
    server = build_server(settings, None, HealthServicer(lambda: None))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(greeting)
        async with asyncio.timeout(5.0):
            while await reader.read(1 << 16):
                pass
        writer.close()
    finally:
        await server.stop(0)
