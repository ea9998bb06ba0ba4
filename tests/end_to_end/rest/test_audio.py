"""Tests of the sound of a completed song over REST: byte ranges and caching."""

import pytest

from tests.support.rest import Rest


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
