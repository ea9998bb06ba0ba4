"""Tests of songs over REST: generated, waited for, received, cancelled and listed."""

import hashlib
import json
import socket
import threading
from uuid import uuid4

import pytest

from tests.support.rest import LONG, MUSIC, SONG, Rest

BAD_PAGES = ("page_size=x", "page_size=-1", f"page_size={'9' * 5000}", "page_token=!", "other=1")


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
    assert rest.status_of(task_id) == "running"
    heard += response.read()
    connection.close()
    assert heard == rest.ask("GET", f"/audio/{task_id}.mp3").data
    assert rest.status_of(task_id) == "completed"


def test_a_song_without_listeners_is_made_to_its_end(rest: Rest) -> None:
    task_id = rest.begin(LONG | {"duration": 60})
    rest.wait_until(task_id, "completed")


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
    assert rest.ask("POST", f"{MUSIC}/{task_id}/cancel").json["status"] == "cancelled"


def test_a_song_that_has_ended_is_deleted(rest: Rest) -> None:
    task_id = rest.generate(SONG | {"seed": 9}).json["task_id"]
    kept = rest.ask("POST", f"{MUSIC}/{task_id}/cancel")
    assert (kept.status, kept.json["status"]) == (200, "completed")
    connection, _ = rest.open("GET", f"/audio/{task_id}.mp3")
    gone = rest.ask("DELETE", f"{MUSIC}/{task_id}")
    assert (gone.status, gone.data) == (204, b"")
    connection.close()
    for method, path in (
        ("GET", f"{MUSIC}/{task_id}"),
        ("DELETE", f"{MUSIC}/{task_id}"),
        ("POST", f"{MUSIC}/{task_id}/cancel"),
        ("GET", f"{MUSIC}/{task_id}/events"),
        ("GET", f"/audio/{task_id}.mp3"),
        ("HEAD", f"/audio/{task_id}.mp3"),
    ):
        assert rest.ask(method, path).status == 404, (method, path)
    assert rest.ask("GET", f"{MUSIC}/{task_id}").json["reason"] == "UNKNOWN_SONG"
    assert task_id not in [song["task_id"] for song in rest.ask("GET", MUSIC).json["songs"]]


def test_a_song_that_is_made_is_cancelled_by_the_first_delete_and_deleted_by_the_second(rest: Rest) -> None:
    task_id = rest.begin(LONG)
    first = rest.ask("DELETE", f"{MUSIC}/{task_id}")
    assert (first.status, first.json["status"]) == (200, "cancelled")
    assert [rest.ask("DELETE", f"{MUSIC}/{task_id}").status for _ in range(2)] == [204, 404]


def test_a_song_that_failed_tells_the_same_reason_and_violations_wherever_it_is_asked_for(rest: Rest) -> None:
    task_id = rest.begin(SONG | {"prompt": "invalid"})
    violations = [{"field": "lyrics", "description": "cannot be sung"}]
    _, name, live = list(rest.events(task_id))[-1]
    rest.wait_until(task_id, "failed")
    _, late_name, late = list(rest.events(task_id))[-1]
    assert (name, late_name, late) == ("failed", "failed", live)
    status = rest.ask("GET", f"{MUSIC}/{task_id}").json["error"]
    sound = rest.ask("GET", f"/audio/{task_id}.mp3")
    assert [each["reason"] for each in (late, status, sound.json)] == ["INVALID_REQUEST"] * 3
    assert [each["violations"] for each in (late, status, sound.json)] == [violations] * 3
    assert (late["status"], late["detail"], sound.status) == (400, status["detail"], 409)


def test_a_caller_who_leaves_while_waiting_gives_the_song_up(rest: Rest) -> None:
    body = json.dumps(LONG | {"prompt": "left alone"}).encode()
    host, _, port = rest.address.rpartition(":")
    with socket.create_connection((host, int(port))) as raw:
        head = f"POST {MUSIC}/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        raw.sendall(f"{head}X-Caller: leaver\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        leaver = Rest(rest.address, {"X-Caller": "leaver"})
        pause = threading.Event()
        while not (songs := leaver.ask("GET", MUSIC).json["songs"]):
            pause.wait(0.02)
    leaver.wait_until(songs[0]["task_id"], "cancelled")


def test_the_same_key_brings_the_same_song(rest: Rest) -> None:
    key = str(uuid4())
    first, again = (rest.generate(SONG, Idempotency_Key=key) for _ in range(2))
    assert (first.json["task_id"], first.json["request_id"]) == (again.json["task_id"], key)
    other = rest.generate(SONG | {"seed": 4}, Idempotency_Key=key)
    assert (other.status, other.json["reason"]) == (409, "REQUEST_ID_REUSED")
    assert rest.generate(SONG | {"request_id": str(uuid4())}, Idempotency_Key=key).status == 400
    assert rest.generate(SONG, Idempotency_Key=key.upper()).json["task_id"] == first.json["task_id"]


def test_callers_see_their_own_songs(rest: Rest) -> None:
    mine, other = (Rest(rest.address, {"X-Caller": name}) for name in ("mine", "other"))
    task_id = mine.generate(SONG).json["task_id"]
    assert [song["task_id"] for song in mine.ask("GET", MUSIC).json["songs"]] == [task_id]
    assert other.ask("GET", MUSIC).json["songs"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/events")):
        assert other.ask(method, f"{MUSIC}/{task_id}{path}").status == 404
    assert other.ask("GET", f"/audio/{task_id}.mp3").status == 200


def test_pages_of_songs(rest: Rest) -> None:
    collector = Rest(rest.address, {"X-Caller": "collector"})
    made = [collector.generate(SONG).json["task_id"] for _ in range(3)]
    first = collector.ask("GET", f"{MUSIC}?page_size=2").json
    second = collector.ask("GET", f"{MUSIC}?page_size=2&page_token={first['next_page_token']}").json
    assert [song["task_id"] for song in first["songs"] + second["songs"]] == made[::-1]
    assert second["next_page_token"] == ""
    assert len(collector.ask("GET", f"{MUSIC}?page_size=500").json["songs"]) == 3
    for query in BAD_PAGES:
        assert collector.ask("GET", f"{MUSIC}?{query}").status == 400


def test_pages_of_engines(rest: Rest) -> None:
    for query in ("", "?page_size=1", "?page_size=500"):
        page = rest.ask("GET", f"/v1/engines{query}").json
        assert ([engine["name"] for engine in page["engines"]], page["next_page_token"]) == (["fake"], "")
    for query in BAD_PAGES:
        assert rest.ask("GET", f"/v1/engines?{query}").status == 400
    refused = rest.ask("GET", "/v1/engines?page_token=!").json
    assert [violation["field"] for violation in refused["violations"]] == ["page_token"]
