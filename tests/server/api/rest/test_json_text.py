"""Tests that JSON bodies are checked against limits before they are parsed."""

import json
import math

import pytest
from starlette.exceptions import HTTPException

from benchmarks.attacks import payloads
from melisma.v1 import music_pb2
from server.api.rest.json_format.json_text import MAX_ESCAPES, read_json
from server.api.rest.json_format.proto_json import filled
from server.contract.wire_scan import RequestLimits
from server.errors import MAX_VIOLATIONS, InvalidRequest

LIMITS = RequestLimits(request_bytes=256 << 10, recording_bytes=4 << 20)
NO_JSON = "request: is not valid JSON"
NO_TEXT = "request: is not UTF-8 text"
TOO_LARGE = "413: the body must have at most 262144 bytes, the recording not counted"
TOO_DEEP = "request: is nested too deeply"
TOO_MANY = "request: has too many values"
TOO_MANY_ESCAPES = f"request: must have at most {MAX_ESCAPES} escaped"


def answer(data: bytes) -> str:
    """Return the error for a JSON body; "passed" if its size and structure are allowed."""
    try:
        filled(music_pb2.GenerateRequest(), read_json(data, LIMITS))
    except (HTTPException, InvalidRequest) as error:
        return str(error)
    return "passed"


def test_what_the_contract_allows_passes() -> None:
    notes = {"notes": {"notes": [{"pitch": 60, "length_beats": 0.25}] * 512}}
    bodies = [
        json.dumps({"prompt": "x", "lyrics": "春" * 10_000}),
        json.dumps({"prompt": "x", "lyrics": "\U0001d11e" * 10_000}),
        json.dumps({"prompt": "x", "anchor": notes}, indent=4),
        json.dumps({"prompt": "x", "anchor": {"midi": "A" * 87_380}}),
        json.dumps({"prompt": "x", "repaint": {"audio": "A" * 3_000_000}}),
        json.dumps({"prompt": "x", "edit": {"audio": "A/" * 32 * 20_000}})
        .replace("/", "\\/")
        .replace("A\\/" * 31, "A" * 62),
        '\ufeff{"prompt": "x"}',
        ' \r\n\t{"prompt" : "a\\"b\\\\", "lyrics": "[verse], {a}: b"} \n',
    ]
    assert [answer(body.encode()) for body in bodies] == ["passed"] * len(bodies)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(payloads.json_notes(4_000_000), TOO_MANY, id="notes"),
        pytest.param(payloads.json_notes(1_600), "anchor.notes.notes: must have at most 512 elements", id="532 notes"),
        pytest.param(payloads.json_unknown(300_000), TOO_MANY, id="unknown fields"),
        pytest.param(b"," * 4_000_000, TOO_MANY, id="commas"),
        pytest.param(b'"' * 4_000_000, TOO_MANY, id="quotes"),
        pytest.param(payloads.json_nested(100_000), TOO_DEEP, id="lists"),
        pytest.param(b'{"a":' * 40_000, TOO_DEEP, id="objects"),
        pytest.param(
            payloads.json_escapes(4_000_000), f"request: must have at most {MAX_ESCAPES} escaped", id="escapes"
        ),
        pytest.param(b'{"prompt":"' + b"\\" * 400_000, f"request: must have at most {MAX_ESCAPES}", id="backslashes"),
        pytest.param(b" " * 4_000_000 + b"{}", TOO_LARGE, id="blanks before"),
        pytest.param(b"{}" + b" " * 4_000_000, TOO_LARGE, id="blanks behind"),
        pytest.param(b'{"prompt":"' + b"x" * 300_000 + b'"}', TOO_LARGE, id="a long prompt"),
        pytest.param(b'{"audio":{"audio":1},"x":"' + b"x" * 300_000 + b'"}', TOO_LARGE, id="no recording"),
        pytest.param(b'{"prompt":"' + b"x" * 100_000, NO_JSON, id="an open string"),
        pytest.param(b'{"prompt":"' + b'\\"' * 40_000, NO_JSON, id="an open string of quotes"),
        pytest.param(b"", NO_JSON, id="nothing"),
        pytest.param(b"\xff\xfe", NO_TEXT, id="no text"),
        pytest.param('{"prompt":"x"}'.encode("utf-16"), NO_TEXT, id="UTF-16"),
        pytest.param('{"prompt":"x"}'.encode("utf-16-be"), NO_JSON, id="UTF-16, big end first"),
        pytest.param('{"prompt":"x"}'.encode("utf-32"), NO_TEXT, id="UTF-32"),
        pytest.param('{"prompt":"é"}'.encode("latin-1"), NO_TEXT, id="Latin-1"),
        pytest.param(b'{"duration_seconds":NaN}', NO_JSON, id="NaN"),
        pytest.param(b'{"prompt":"a","prompt":"b"}', "prompt: is given twice", id="a name twice"),
        pytest.param(b'{"audio":{"format":"mp3","format":"mp3"}}', "format: is given twice", id="a name twice inside"),
        pytest.param(b'{"a\\ud800":1,"a\\ud800":2}', "a\\ud800: is given twice", id="half a character twice"),
        pytest.param(b'{"a\\ud800":1}', "a\\ud800: is not a field", id="half a character"),
        pytest.param(b'{"prompt":"\\ud800"}', "prompt: has one half of a surrogate pair", id="half a value"),
        pytest.param(payloads.json_number(40), "seed: is too large", id="41 digits"),
        pytest.param(payloads.json_number(400), "seed: is too large", id="401 digits"),
        pytest.param(payloads.json_number(5_000), "seed: is too large", id="5,001 digits"),
        pytest.param(b'{"steps":-1' + b"0" * 5_000 + b"}", "steps: is too large", id="5,001 digits below zero"),
        pytest.param(b'{"steps":1e400}', "steps: is too large", id="a large power"),
        pytest.param(
            b'{"audio":{"bitrate_kbps":' + b"9" * 500 + b"}}", "audio.bitrate_kbps: is too large", id="inside"
        ),
    ],
)
def test_what_is_too_much_is_refused_in_words(data: bytes, told: str) -> None:
    assert answer(data).startswith(told)


def test_a_fraction_of_thousands_of_digits_is_no_number_of_any_field() -> None:
    message = filled(music_pb2.GenerateRequest(), read_json(b'{"duration_seconds":0.' + b"1" * 5000 + b"}", LIMITS))
    assert math.isinf(message.duration_seconds)


def test_only_so_many_faults_are_told() -> None:
    with pytest.raises(InvalidRequest) as refused:
        filled(music_pb2.GenerateRequest(), read_json(payloads.json_unknown(4_000), LIMITS))
    assert len(refused.value.violations) == MAX_VIOLATIONS
