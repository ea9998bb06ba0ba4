"""Tests that sound is marked as AI-generated: in the file, in the plan, and in a signed C2PA manifest."""

import io
import json
from pathlib import Path

import av

from melisma_client import Client
from tests.support.rest import MUSIC, SONG, Rest
from tests.support.service import ready, running_service
from tests.support.signing import read_manifest, signing_in

FAKE = "fake=tests.support.fakes:FakeEngine"


def tags_of(file: bytes) -> dict[str, str]:
    with av.open(io.BytesIO(file), format="mp3") as container:
        return dict(container.metadata)


def marks_told(rest: Rest, task_id: str) -> dict[str, str] | None:
    plan = next(data for _, name, data in rest.events(task_id) if name == "plan")
    marks: dict[str, str] | None = plan.get("marks")
    return marks


def test_sound_is_marked_unless_told_otherwise_and_signed_where_there_is_a_certificate(
    rest: Rest, whole: tuple[str, bytes]
) -> None:
    task_id, sound = whole
    marks = marks_told(rest, task_id)
    assert marks is not None
    aigc = json.loads(tags_of(sound)["AIGC"])
    assert (aigc["Label"], aigc["ContentProducer"], aigc["ProduceID"]) == ("1", "", marks["content_id"])
    assert marks["digital_source_type"] == tags_of(sound)["digital_source_type"]

    assert rest.ask("GET", f"{MUSIC}/{task_id}").json["credentials_url"] is None
    assert "link" not in rest.ask("GET", f"/audio/{task_id}.mp3").headers
    none = rest.ask("GET", f"/audio/{task_id}.c2pa")
    assert (none.status, none.json["reason"]) == (404, "NO_CREDENTIALS")


def test_others_verify_the_manifest_beside_a_song_until_it_is_deleted(tmp_path: Path) -> None:
    files = signing_in(tmp_path)
    signing = {"MARKING__CERTIFICATE": str(files.certificate), "MARKING__KEY": str(files.key)}
    with running_service(FAKE, MARKING__PRODUCER="工作室", **signing) as service:
        ready(service)
        rest = Rest(service.http_address, {"X-Caller": "me"})
        song = rest.generate(SONG).json
        task_id, path = song["task_id"], f"/audio/{song['task_id']}.c2pa"
        heard = rest.ask("GET", f"/audio/{task_id}.mp3")
        answer = rest.ask("GET", path)

        state, told = read_manifest(heard.data, answer.data)
        assert (state, answer.headers["content-type"]) == ("Valid", "application/c2pa")
        assert told["title"] == json.loads(tags_of(heard.data)["AIGC"])["ProduceID"]
        assert task_id.encode() not in answer.data, "who has the id may listen"
        assert song["credentials_url"] == f"http://{service.http_address}{path}"
        assert heard.headers["link"] == f'<{path}>; rel="c2pa-manifest"'
        assert json.loads(tags_of(heard.data)["AIGC"])["ContentProducer"] == "工作室"
        with Client(service.address, caller="me") as client:
            assert [one.content_credentials for one in client.list_songs()] == [True]
        assert 'melisma_content_credentials_total{outcome="made"} 1.0' in rest.ask("GET", "/metrics").data.decode()
        assert rest.ask("DELETE", f"{MUSIC}/{task_id}").status == 204
        assert rest.ask("GET", path).json["reason"] == "UNKNOWN_SONG"


def test_the_operator_alone_switches_marking_off() -> None:
    with running_service(FAKE, MARKING__ENABLED="false") as service:
        ready(service)
        rest = Rest(service.http_address, {})
        task_id = rest.generate(SONG).json["task_id"]
        assert marks_told(rest, task_id) is None
        assert not {"AIGC", "digital_source_type", "comment"} & set(
            tags_of(rest.ask("GET", f"/audio/{task_id}.mp3").data)
        )
