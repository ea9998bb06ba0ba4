import json
from collections.abc import Iterator
from typing import Any

from opentelemetry.trace import NoOpTracer

from melisma.v1 import music_pb2
from server.api.open_calls import OpenCalls
from server.api.rest.openapi import document
from server.api.rest.public_address import PublicAddress
from server.api.rest.routes import Api
from server.audio.codecs.registry import FORMATS
from server.contract.wire_scan import RequestLimits
from tests.support.edge import songs_of
from tests.support.fake_runner import FakeRunner
from tests.support.rest_edge import ask, rest_edge

AUDIO = {f"/audio/{{task_id}}.{name}" for name in FORMATS}


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
        api = Api(songs, None, sizes=RequestLimits(), heartbeat_seconds=1)
        routes = api.routes(OpenCalls(), NoOpTracer())
    served = {(route.path, method.lower()) for route in routes for method in route.methods or ()}
    described = {(path, method) for path, item in document(secured=False)["paths"].items() for method in item}
    assert len({path for path, _ in served}) == len(routes)
    heads = {(path, "head") for path, method in served if method == "head" and path not in AUDIO}
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
    schemas = document(secured=False)["components"]["schemas"]
    for name in ("AudioToAudioTask", "RepaintTask", "ExtendTask", "EditTask", "CompleteTask", "ReferenceAudio"):
        assert schemas[name]["properties"]["audio"]["contentEncoding"] == "base64"
        assert schemas[name]["required"] == ["audio"]
    assert "required" not in schemas["Anchor"]


def keys_of(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from part
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from keys_of(value)


def test_generators_find_plain_types_and_names() -> None:
    told = document(secured=True)
    assert not {"anyOf", "oneOf", "allOf", "not"} & set(keys_of(told))
    operations = [one for path in told["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert all(map(str.isidentifier, names))
    assert len(set(names)) == len(names)
    assert {tag for one in operations for tag in one["tags"]} == {tag["name"] for tag in told["tags"]}
    assert told["info"]["title"].lower() not in ("melisma", "melisma client")


def test_sound_is_binary_and_a_song_can_be_asked_for_as_sound() -> None:
    paths = document(secured=False)["paths"]
    answers = [
        paths["/v1/audio/music/generate"]["post"]["responses"]["200"],
        *(paths["/audio/{task_id}.mp3"]["get"]["responses"][code] for code in ("200", "206")),
    ]
    for answer in answers:
        assert answer["content"]["audio/mpeg"]["schema"] == {"type": "string", "format": "binary"}


async def test_the_document_names_the_address_that_was_asked() -> None:
    async with rest_edge(FakeRunner(), PublicAddress("https://music.example/api")) as rest:
        told = (await ask(rest, "GET", "/openapi.json")).json
        song = await ask(rest, "POST", "/v1/audio/music/generate", {"prompt": "pop"}, Prefer="respond-async")
    assert told["servers"] == [{"url": "https://music.example/api"}]
    assert song.json["audio_url"] == "https://music.example/api/audio/song-1.mp3"
    assert song.headers["location"] == "/api/v1/audio/music/song-1"


def test_a_key_is_asked_for_where_the_server_has_keys() -> None:
    assert "security" not in document(secured=False)
    told = document(secured=True)
    assert told["security"] == [{"key": []}]
    assert told["paths"]["/audio/{task_id}.mp3"]["get"]["security"] == []
