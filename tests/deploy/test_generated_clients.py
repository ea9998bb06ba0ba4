"""Tests of clients that generators make from the OpenAPI document: they pass type checks, and their calls work."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.api.rest.openapi import document
from tests.deploy.tools import output_of, tool
from tests.support.service import Service, ready, running_service

pytestmark = pytest.mark.deploy

FAKE = "fake=tests.support.fakes:FakeEngine"

CLIENT = """
import sys
from melisma_rest_client import Client
from melisma_rest_client.api.engines import list_engines
from melisma_rest_client.api.songs import cancel_song, generate_song, get_song, list_songs
from melisma_rest_client.api.sound import get_mp3
from melisma_rest_client.models import ListEnginesResponse, Problem, Song, SongPage, SongRequest, SongRequestStemsItem
from melisma_rest_client.types import File

client = Client(base_url=sys.argv[1])
asked = SongRequest(prompt="pop", duration=12, seed=3, stems=[SongRequestStemsItem.DRUMS])
song = generate_song.sync(client=client, body=asked, idempotency_key="mine")
assert isinstance(song, Song), song
seconds: float = song.duration_sec
assert seconds == 12.0
again = get_song.sync(song.task_id, client=client)
assert isinstance(again, Song) and again.sha256 == song.sha256
sound = get_mp3.sync(song.task_id, client=client)
assert isinstance(sound, File) and len(sound.payload.read()) == song.size_bytes
part = get_mp3.sync(song.task_id, client=client, range_="bytes=0-99")
assert isinstance(part, File) and len(part.payload.read()) == 100
page = list_songs.sync(client=client)
assert isinstance(page, SongPage) and [one.task_id for one in page.songs] == [song.task_id]
engines = list_engines.sync(client=client)
assert isinstance(engines, ListEnginesResponse) and [one.name for one in engines.engines] == ["fake"]
refused = generate_song.sync(client=client, body=SongRequest(prompt="pop", duration=5))
assert isinstance(refused, Problem) and refused.violations
field: str = refused.violations[0].field
assert field == "duration"
missing = cancel_song.sync("song-0", client=client)
assert isinstance(missing, Problem) and missing.status == 404
"""

MODELS = """
import sys
import urllib.request
from models import AudioConfig, BitrateKbps, ListEnginesResponse, Song, SongRequest, Stem

audio = AudioConfig(bitrate_kbps=BitrateKbps.integer_128)
asked = SongRequest(prompt="pop", duration=12, stems=[Stem.drums], audio=audio)
body = asked.model_dump_json().encode()  # with every null
request = urllib.request.Request(f"{sys.argv[1]}/v1/audio/music/generate", body, {"Content-Type": "application/json"})
with urllib.request.urlopen(request) as answer:
    song = Song.model_validate_json(answer.read())
seconds: float = song.duration_sec
assert seconds == 12.0
with urllib.request.urlopen(f"{sys.argv[1]}/v1/engines") as answer:
    engines = ListEnginesResponse.model_validate_json(answer.read())
assert [one.name for one in engines.engines] == ["fake"]
"""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(FAKE) as service:
        ready(service)
        yield service


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """Fixture: a file with the OpenAPI document."""
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document(secured=False)))
    return path


def try_out(program: str, folder: Path, generator: str, service: Service) -> None:
    """Type-check a program that uses the client that a generator has made in `folder`, then run it against `service`.
    `generator` is the path of the generator, beside which the Python of its environment lies.
    """
    path, python = folder / "program.py", Path(generator).parent / "python"
    path.write_text(program)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--follow-imports", "silent", "--python-executable", str(python)]
    options = {"cwd": folder, "capture_output": True, "text": True, "timeout": 600.0, "check": False}
    for command in ([*mypy, path.name], [str(python), path.name, f"http://{service.http_address}"]):
        done = subprocess.run(command, **options)  # type: ignore[call-overload]
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_openapi_python_client(described: Path, service: Service) -> None:
    generator = tool("openapi-python-client")
    made = described.parent / "made"
    told = output_of(generator, "generate", "--path", described, "--output-path", made)
    assert "WARNING" not in told
    try_out(CLIENT, made, generator, service)


def test_datamodel_code_generator(described: Path, service: Service) -> None:
    generator = tool("datamodel-codegen")
    made = described.parent / "models.py"
    kinds = ("--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel")
    output_of(generator, "--input", described, "--output", made, *kinds, "--formatters", "builtin", "--use-annotated")
    try_out(MODELS, made.parent, generator, service)
