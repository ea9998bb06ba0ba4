import json
from collections.abc import Iterator
from typing import Any

from opentelemetry.trace import NoOpTracer

from melisma.v1 import music_pb2
from server.api.open_calls import OpenCalls
from server.api.rest.openapi import document
from server.api.rest.routes import Api
from server.contract.wire_scan import RequestLimits
from tests.support.edge import songs_of
from tests.support.fake_runner import FakeRunner


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from [part["$ref"]] if "$ref" in part else []
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


async def test_every_route_is_described_and_nothing_else() -> None:
    async with songs_of(FakeRunner()) as songs:
        api = Api(songs, None, limits=RequestLimits(), heartbeat_seconds=1)
        routes = api.routes(OpenCalls(), NoOpTracer())
    served = {(route.path, method.lower()) for route in routes for method in route.methods or ()}
    described = {(path, method) for path, item in document(secured=False)["paths"].items() for method in item}
    assert len({path for path, _ in served}) == len(routes)
    heads = {(path, method) for path, method in served if method == "head" and path != "/audio/{task_id}.mp3"}
    assert described == served - heads - {("/openapi.json", "get")}


def test_every_reference_leads_somewhere() -> None:
    told = document(secured=True)
    names = {reference.removeprefix("#/components/schemas/") for reference in references(told)}
    assert names <= told["components"]["schemas"].keys()
    assert json.loads(json.dumps(told)) == told


def test_the_body_has_the_fields_of_the_contract() -> None:
    fields = document(secured=False)["components"]["schemas"]["SongRequest"]["properties"]
    contract = {field.name for field in music_pb2.GenerateRequest.DESCRIPTOR.fields}
    assert fields.keys() == contract - {"duration_seconds"} | {"duration", "output_format"}
    assert (fields["steps"]["minimum"], fields["steps"]["maximum"]) == (1, 200)
    assert fields["lyrics"]["maxLength"] == 10_000


def test_a_task_has_a_source() -> None:
    tasks = document(secured=False)["components"]["schemas"]["SongRequest"]["properties"]
    for name in ("audio_to_audio", "repaint", "extend", "edit"):
        assert tasks[name]["properties"]["audio"]["contentEncoding"] == "base64"
        assert {"anyOf": [{"required": ["audio"]}]} in tasks[name]["allOf"]


def test_a_key_is_asked_for_where_the_server_has_keys() -> None:
    assert "security" not in document(secured=False)
    told = document(secured=True)
    assert told["security"] == [{"key": []}]
    assert told["paths"]["/audio/{task_id}.mp3"]["get"]["security"] == []
