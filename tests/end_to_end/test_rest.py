"""The REST API of a whole service: what a caller without gRPC sees."""

import hashlib
import json
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import grpc
import pytest

from server.auth.api_keys import new_key
from tests.support.rest import MUSIC, Rest
from tests.support.service import Service, running_service

FAKE = "fake=tests.support.fakes:FakeEngine"
LINGER_SECONDS = 0.5
TIMEOUT_SECONDS = 60.0
SONG = {"prompt": "noise", "duration": 10, "seed": 3, "output_format": "mp3"}
LONG = SONG | {"duration": 240}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service(
        FAKE,
        STORE__LINGER_SECONDS=str(LINGER_SECONDS),
        LIMITS__HEARTBEAT_SECONDS="0.2",
        REST__ORIGINS="https://here.example",
        LIMITS__REQUEST_BYTES=str(1 << 16),
    ) as service:
        ready(service)
        yield service


def ready(service: Service) -> None:
    """Return once songs can be asked for; from then on the log is read, lest the service stand still."""
    with grpc.insecure_channel(service.address) as channel:
        service.wait_serving(channel)
    threading.Thread(target=consume, args=(service.process.stderr,), daemon=True).start()


def consume(log: IO[str]) -> None:
    for _ in log:
        pass


@pytest.fixture
def rest(service: Service) -> Rest:
    return Rest(service.http_address, {})


@pytest.fixture(scope="module")
def whole(service: Service) -> tuple[str, bytes]:
    """A finished song: its name and its sound."""
    rest = Rest(service.http_address, {})
    task_id = rest.generate(SONG).json["task_id"]
    return task_id, rest.ask("GET", f"/audio/{task_id}.mp3").data


def status_of(rest: Rest, task_id: str) -> str:
    return str(rest.ask("GET", f"{MUSIC}/{task_id}").json["status"])


def wait_until(rest: Rest, task_id: str, wanted: str) -> None:
    """Return once the song has come to that status."""
    pause = threading.Event()
    for _ in range(round(TIMEOUT_SECONDS / 0.02)):
        if status_of(rest, task_id) == wanted:
            return
        pause.wait(0.02)
    raise AssertionError(f"{task_id} never was {wanted}")


def test_a_song_is_waited_for_and_can_be_fetched(rest: Rest) -> None:
    answer = rest.generate(SONG)
    song = answer.json
    assert (answer.status, song["status"], song["duration_sec"]) == (200, "completed", 10.0)
    assert {"task_id", "status", "audio_url", "duration_sec", "created_at"} <= song.keys()
    address, _, path = song["audio_url"].removeprefix("http://").partition("/")
    sound = Rest(address, {}).ask("GET", f"/{path}")
    assert (sound.status, sound.headers["content-type"]) == (200, "audio/mpeg")
    assert int(sound.headers["content-length"]) == len(sound.data) == song["size_bytes"]
    assert hashlib.sha256(sound.data).hexdigest() == song["sha256"]


def test_who_does_not_wait_hears_the_song_while_it_is_made(rest: Rest) -> None:
    answer = rest.generate(LONG, Prefer="respond-async")
    assert (answer.status, answer.headers["preference-applied"]) == (202, "respond-async")
    task_id = answer.json["task_id"]
    assert answer.headers["location"] == f"{MUSIC}/{task_id}"
    connection, response = rest.open("GET", f"/audio/{task_id}.mp3")
    heard = response.read(20_000)
    assert (response.status, response.getheader("content-length")) == (200, None)
    assert status_of(rest, task_id) == "running"
    heard += response.read()
    connection.close()
    assert heard == rest.ask("GET", f"/audio/{task_id}.mp3").data
    assert status_of(rest, task_id) == "completed"


def test_a_song_without_listeners_is_made_to_its_end(rest: Rest) -> None:
    task_id = rest.begin(LONG | {"duration": 60})
    wait_until(rest, task_id, "completed")


def test_events_tell_the_plan_the_sections_and_the_end(rest: Rest) -> None:
    task_id = rest.begin(SONG | {"seed": 8})
    events = list(rest.events(task_id))
    names = [name for _, name, _ in events if name != "progress"]
    assert names == ["accepted", "plan", *["section"] * 5, "finished"]
    sections = [data for _, name, data in events if name == "section"]
    assert sections[0]["timings"][0] == {
        "line_index": 0,
        "syllable_index": 0,
        "text": "la",
        "start_seconds": 0.0,
        "end_seconds": 1.0,
    }
    numbers = [number for number, name, _ in events if name == "section"]
    rest_of_it = [name for _, name, _ in rest.events(task_id, Last_Event_ID=numbers[2])]
    assert rest_of_it == ["section", "section", "finished"]
    last = events[-1][0]
    assert rest.ask("GET", f"{MUSIC}/{task_id}/events", Last_Event_ID=last).status == 204
    assert rest.ask("GET", f"{MUSIC}/{task_id}/events", Last_Event_ID="x").status == 400


def test_a_cancelled_song_says_so_to_everyone(rest: Rest) -> None:
    task_id = rest.begin(LONG)
    events = rest.events(task_id)
    assert next(events)[1] == "accepted"
    connection, response = rest.open("GET", f"/audio/{task_id}.mp3")
    assert response.read(1000)
    cancelled = rest.ask("DELETE", f"{MUSIC}/{task_id}")
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
    *_, (_, last, data) = events
    assert (last, data["reason"]) == ("cancelled", "SONG_CANCELLED")
    with pytest.raises(Exception, match="IncompleteRead"):
        response.read()
    connection.close()
    late = rest.ask("GET", f"/audio/{task_id}.mp3")
    assert (late.status, late.json["reason"]) == (409, "SONG_NOT_COMPLETE")
    assert rest.ask("DELETE", f"{MUSIC}/{task_id}").json["status"] == "cancelled"


def test_a_caller_who_leaves_while_waiting_gives_the_song_up(rest: Rest) -> None:
    body = json.dumps(LONG | {"prompt": "left alone"}).encode()
    host, _, port = rest.address.rpartition(":")
    with socket.create_connection((host, int(port))) as raw:
        head = f"POST {MUSIC}/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        raw.sendall(f"{head}X-Caller: leaver\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        leaver = Rest(rest.address, {"X-Caller": "leaver"})
        pause = threading.Event()
        while not (songs := leaver.ask("GET", MUSIC).json["songs"]):
            pause.wait(0.02)
    wait_until(leaver, songs[0]["task_id"], "cancelled")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-99", 0, 100), ("bytes=5000-", 5000, None), ("bytes=-7", -7, None), ("bytes=100-999999999", 100, None)],
)
def test_a_range_of_a_finished_song(rest: Rest, whole: tuple[str, bytes], asked: str, start: int, end: int) -> None:
    task_id, sound = whole
    answer = rest.ask("GET", f"/audio/{task_id}.mp3", Range=asked)
    assert (answer.status, answer.data) == (206, sound[start:end])
    first = len(sound) + start if start < 0 else start
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.data) - 1}/{len(sound)}"


@pytest.mark.parametrize("asked", ["bytes=", "bytes=9-5", "lines=1-2", "bytes=0-1,5-6", "bytes=a-b"])
def test_what_is_no_single_range_is_passed_over(rest: Rest, whole: tuple[str, bytes], asked: str) -> None:
    task_id, sound = whole
    answer = rest.ask("GET", f"/audio/{task_id}.mp3", Range=asked)
    assert (answer.status, answer.data) == (200, sound)


@pytest.mark.parametrize("headers", [{"Range": "bytes=99999999-"}, {"Range": "bytes=-0"}])
def test_a_range_beyond_the_song_is_refused(rest: Rest, whole: tuple[str, bytes], headers: dict[str, str]) -> None:
    answer = rest.ask("GET", f"/audio/{whole[0]}.mp3", **headers)
    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{len(whole[1])}")


def test_a_finished_song_can_be_cached_and_looked_at(rest: Rest, whole: tuple[str, bytes]) -> None:
    task_id, sound = whole
    head = rest.ask("HEAD", f"/audio/{task_id}.mp3")
    assert (head.status, int(head.headers["content-length"]), head.data) == (200, len(sound), b"")
    etag = head.headers["etag"]
    assert rest.ask("GET", f"/audio/{task_id}.mp3", If_None_Match=etag).status == 304
    assert rest.ask("GET", f"/audio/{task_id}.mp3", Range="bytes=0-9", If_Range='"other"').status == 200
    assert rest.ask("GET", f"/audio/{task_id}.mp3?byte_offset=1000").data == sound[1000:]
    assert rest.ask("GET", f"/audio/{task_id}.mp3?byte_offset={len(sound) + 1}").status == 416


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (SONG | {"duration": 5}, "duration"),
        (SONG | {"lenght": 5}, "lenght"),
        (SONG | {"duration_seconds": 20}, "duration"),
        (SONG | {"output_format": "wav"}, "output_format"),
        (SONG | {"seed": "3"}, "seed"),
        (SONG | {"seed": 2**70}, "seed"),
        (SONG | {"voice": "robot"}, "voice"),
        (SONG | {"stems": ["drums", "drums"]}, "stems"),
        (SONG | {"audio": {"bitrate_kbps": 7}}, "audio.bitrate_kbps"),
        (SONG | {"anchor": {"notes": {"notes": [{"pitch": 1}]}}}, "anchor.notes.notes[0].pitch"),
        (SONG | {"prompt": "\ud800"}, "prompt"),
        (SONG | {"retake": {}, "extend": {}}, "extend"),
        ({"duration": 10}, "prompt"),
        ([], "request"),
    ],
)
def test_a_wrong_field_is_named(rest: Rest, body: Any, field: str) -> None:
    answer = rest.generate(body)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json["reason"] == "INVALID_REQUEST"
    assert field in [violation["field"] for violation in answer.json["violations"]]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"seed": NaN}', "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * (1 << 17), "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(rest: Rest, body: bytes, kind: str, status: int) -> None:
    answer = rest.generate(body, Content_Type=kind)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_same_key_brings_the_same_song(rest: Rest) -> None:
    key = str(uuid4())
    first, again = (rest.generate(SONG, Idempotency_Key=key) for _ in range(2))
    assert (first.json["task_id"], first.json["request_id"]) == (again.json["task_id"], key)
    other = rest.generate(SONG | {"seed": 4}, Idempotency_Key=key)
    assert (other.status, other.json["reason"]) == (409, "REQUEST_ID_REUSED")
    assert rest.generate(SONG | {"request_id": str(uuid4())}, Idempotency_Key=key).status == 400


def test_callers_see_their_own_songs(rest: Rest) -> None:
    mine, other = (Rest(rest.address, {"X-Caller": name}) for name in ("mine", "other"))
    task_id = mine.generate(SONG).json["task_id"]
    assert [song["task_id"] for song in mine.ask("GET", MUSIC).json["songs"]] == [task_id]
    assert other.ask("GET", MUSIC).json["songs"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events")):
        assert other.ask(method, f"{MUSIC}/{task_id}{path}").status == 404
    assert other.ask("GET", f"/audio/{task_id}.mp3").status == 200


def test_pages_of_songs(rest: Rest) -> None:
    collector = Rest(rest.address, {"X-Caller": "collector"})
    made = [collector.generate(SONG).json["task_id"] for _ in range(3)]
    first = collector.ask("GET", f"{MUSIC}?page_size=2").json
    second = collector.ask("GET", f"{MUSIC}?page_size=2&page_token={first['next_page_token']}").json
    assert [song["task_id"] for song in first["songs"] + second["songs"]] == made[::-1]
    assert second["next_page_token"] == ""
    for query in ("page_size=x", "page_size=500", "page_token=!", "other=1"):
        assert collector.ask("GET", f"{MUSIC}?{query}").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", f"{MUSIC}/nothing", 404), ("PUT", f"{MUSIC}/generate", 405), ("GET", "/nothing", 404)],
)
def test_what_is_not_there_is_a_problem_too(rest: Rest, method: str, path: str, status: int) -> None:
    answer = rest.ask(method, path)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


def test_engines_and_the_document_are_told(rest: Rest) -> None:
    assert [engine["name"] for engine in rest.ask("GET", "/v1/engines").json["engines"]] == ["fake"]
    paths = rest.ask("GET", "/openapi.json").json["paths"]
    assert {f"{MUSIC}/generate", MUSIC, f"{MUSIC}/{{task_id}}", "/audio/{task_id}.mp3"} <= paths.keys()


def test_pages_from_elsewhere_may_call_where_that_is_set(rest: Rest) -> None:
    def allowed(origin: str) -> str | None:
        asked = {"Origin": origin, "Access_Control_Request_Method": "POST"}
        return rest.ask("OPTIONS", f"{MUSIC}/generate", **asked).headers.get("access-control-allow-origin")

    assert allowed("https://here.example") == "https://here.example"
    assert allowed("https://elsewhere.example") is None


def test_keys_scopes_and_quotas_are_those_of_grpc(tmp_path: Path) -> None:
    (secret, games), (weak, viewer) = new_key("games"), new_key("viewer")
    entries = [
        games.model_dump(mode="json", exclude_none=True) | {"concurrent_songs": 1},
        viewer.model_dump(mode="json", exclude_none=True) | {"scopes": ["engines"]},
    ]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": entries}))
    with running_service(FAKE, API_KEYS=str(tmp_path / "keys.json")) as service:
        ready(service)
        nobody = Rest(service.http_address, {})
        refused = nobody.generate(SONG)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert nobody.generate(SONG, Authorization="Bearer wrong").status == 401
        assert Rest(service.http_address, {"Authorization": f"Bearer {weak}"}).generate(SONG).status == 403
        mine = Rest(service.http_address, {"Authorization": f"Bearer {secret}", "X-Caller": "viewer"})
        task_id = mine.begin(LONG)
        full = mine.generate(SONG)
        assert (full.status, full.json["reason"]) == (429, "QUOTA_EXCEEDED")
        assert int(full.headers["retry-after"]) >= 1
        mine.ask("DELETE", f"{MUSIC}/{task_id}")
        made = mine.generate(SONG).json["task_id"]
        assert nobody.ask("GET", f"{MUSIC}/{made}").status == 401
        assert nobody.ask("GET", f"/audio/{made}.mp3").status == 200


def test_a_drain_lets_songs_and_their_listeners_finish(tmp_path: Path) -> None:
    with running_service(FAKE, STORE__FOLDER=str(tmp_path)) as service:
        ready(service)
        rest = Rest(service.http_address, {})
        task_id = rest.begin(LONG | {"duration": 60})
        connection, response = rest.open("GET", f"/audio/{task_id}.mp3")
        heard = response.read(1000)
        service.process.send_signal(signal.SIGTERM)
        heard += response.read()
        connection.close()
        assert service.process.wait(TIMEOUT_SECONDS) == 0
    assert heard == (tmp_path / f"{task_id}.mp3").read_bytes()
