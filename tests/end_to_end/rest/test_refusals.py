"""Tests of requests that REST refuses, and of the OpenAPI document and lists."""

from typing import Any

import pytest

from tests.support.rest import MUSIC, SONG, Rest


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (SONG | {"duration": 2}, "duration"),
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
        (SONG | {"pro\ud83dmpt": "pop"}, r"pro\ud83dmpt"),
        (SONG | {"retake": {}, "extend": {}}, "extend"),
        (SONG | {"mode": "whole"}, "mode"),
        (SONG | {"lora": "rap", "omega": 1.0}, "omega"),
        (SONG | {"ace_step": {"mode": "whole", "steps": 3}}, "ace_step.steps"),
        (SONG | {"ace_step": {"omega": 101}}, "ace_step.omega"),
        (SONG | {"engine": "studio", "ace_step": {"sampler": "heun"}}, "engine_options"),
        ({"prompt": "x", "repaint": {"end_seconds": 3}}, "repaint.audio"),
        ({"prompt": "x", "repaint": {"audio": "", "end_seconds": 3}}, "repaint.audio"),
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
        (b'{"prompt": "x"}', "application/json; charset=utf-16", 415),
        ('{"prompt": "x"}'.encode("utf-16"), "application/json", 400),
        ('{"prompt": "x"}'.encode("utf-32"), "application/json; charset=utf-8", 400),
        (b"{}", "text/plain", 415),
        (b" " * (1 << 17), "application/json", 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(rest: Rest, body: bytes, kind: str, status: int) -> None:
    answer = rest.generate(body, Content_Type=kind)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"prompt": "x", "seed": 1' + b"0" * 400 + b"}", "seed"),
        (b'{"prompt": "x", "seed": 1' + b"0" * 5_000 + b"}", "seed"),
        (b'{"prompt": "x", "duration": 1' + b"0" * 5_000 + b"}", "duration"),
        (b'{"prompt": "x", "prompt": "y"}', "prompt"),
        (b'{"prompt": "x", "audio": {"bitrate_kbps": 96, "bitrate_kbps": 128}}', "bitrate_kbps"),
        (b'{"prompt": "x", "anchor": {"notes": {"notes": [' + b"{}," * 600 + b"{}]}}}", "anchor.notes.notes"),
        (b"[" * 50_000, "request"),
        (b'{"prompt": "\\ud800"}', "prompt"),
    ],
)
def test_json_that_holds_too_much_or_two_things_is_refused_by_its_field(rest: Rest, body: bytes, field: str) -> None:
    answer = rest.generate(body)
    assert (answer.status, [violation["field"] for violation in answer.json["violations"]]) == (400, [field])


@pytest.mark.parametrize("page_size", ["9" * 5_000, "9" * 300, "9" * 19, "-1", "%D9%A1", "1_0", "%20", "0x1", "1.0"])
def test_a_page_size_that_is_no_number_is_refused_by_its_field(rest: Rest, page_size: str) -> None:
    for path in (MUSIC, "/v1/engines"):
        answer = rest.ask("GET", f"{path}?page_size={page_size}")
        assert (answer.status, [each["field"] for each in answer.json["violations"]]) == (400, ["page_size"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", f"{MUSIC}/nothing", 404), ("PUT", f"{MUSIC}/generate", 405), ("GET", "/nothing", 404)],
)
def test_what_is_not_there_is_a_problem_too(rest: Rest, method: str, path: str, status: int) -> None:
    answer = rest.ask(method, path)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


def test_engines_and_the_document_are_told(rest: Rest) -> None:
    (engine,) = rest.ask("GET", "/v1/engines").json["engines"]
    assert (engine["name"], engine["channels"]) == ("fake", 2)
    assert (engine["license"], engine["commercial_use_allowed"], engine["attribution"]) == ("CC0-1.0", True, "")
    paths = rest.ask("GET", "/openapi.json").json["paths"]
    assert {f"{MUSIC}/generate", MUSIC, f"{MUSIC}/{{task_id}}", "/audio/{task_id}.mp3"} <= paths.keys()


def test_pages_from_elsewhere_may_call_where_that_is_set(rest: Rest) -> None:
    def allowed(origin: str) -> str | None:
        asked = {"Origin": origin, "Access_Control_Request_Method": "POST"}
        return rest.ask("OPTIONS", f"{MUSIC}/generate", **asked).headers.get("access-control-allow-origin")

    assert allowed("https://here.example") == "https://here.example"
    assert allowed("https://elsewhere.example") is None
