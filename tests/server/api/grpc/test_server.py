from typing import Any, cast

import grpc.aio
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.support.edge import edge, raw_call
from tests.support.fake_runner import FakeRunner


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
