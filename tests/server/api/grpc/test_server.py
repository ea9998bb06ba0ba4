"""Tests of gRPC reflection in both versions, and of requests that gRPC refuses by itself."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from server.api.grpc.health import HealthServicer
from server.api.grpc.server import build_server
from server.settings.groups import Connections
from server.settings.settings import Settings
from tests.support.edge import edge, raw_call
from tests.support.fake_runner import FakeRunner

GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
"""The first bytes of an HTTP/2 client: the connection preface and its settings."""
ACKNOWLEDGED = b"\0\0\0\x04\x01\0\0\0\0"
VERSIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
SERVICES = ["grpc.health.v1.Health", *(f"{name}.ServerReflection" for name in VERSIONS), "melisma.v1.MusicService"]


async def told(channel: grpc.aio.Channel, version: str, *questions: dict[str, Any]) -> list[Any]:
    """Return the responses of one version of the reflection service to `questions`, as messages of that version."""
    service = descriptor_pool.Default().FindServiceByName(f"{version}.ServerReflection")
    method = service.methods_by_name["ServerReflectionInfo"]
    asked, answered = (message_factory.GetMessageClass(one) for one in (method.input_type, method.output_type))
    call: Any = channel.stream_stream(
        f"/{service.full_name}/{method.name}",
        request_serializer=asked.SerializeToString,
        response_deserializer=answered.FromString,
    )
    return [answer async for answer in call([asked(**question) for question in questions])]


@pytest.mark.parametrize("version", VERSIONS)
async def test_reflection_lists_the_services_and_tells_their_files(version: str) -> None:
    symbols = [{"file_containing_symbol": name} for name in SERVICES]
    async with edge(FakeRunner()) as channel:
        listed, *files, missing = await told(
            channel, version, {"list_services": ""}, *symbols, {"file_containing_symbol": "no.Such"}
        )
    assert [service.name for service in listed.list_services_response.service] == SERVICES
    for answer, service in zip(files, SERVICES, strict=True):
        found = map(FileDescriptorProto.FromString, answer.file_descriptor_response.file_descriptor_proto)
        assert service in [f"{file.package}.{one.name}" for file in found for one in file.service]
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_both_versions_have_the_same_messages() -> None:
    async with edge(FakeRunner()):
        pool = descriptor_pool.Default()
    fields = [
        {field.name: (field.number, field.type) for field in pool.FindMessageTypeByName(f"{version}.{name}").fields}
        for name in ("ServerReflectionRequest", "ServerReflectionResponse")
        for version in VERSIONS
    ]
    assert fields[0] == fields[1]
    assert fields[2] == fields[3]


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
    server = build_server(settings, None, HealthServicer.alike(lambda: None))
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
