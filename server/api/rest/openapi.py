"""The OpenAPI document: bodies and answers from the contract's own descriptors and rules, the rest written out here."""

from functools import cache

from melisma.v1 import music_pb2
from server.api.rest.json_schema import request_schema, told
from server.api.rest.problems import PROBLEM_TYPE
from server.api.rest.proto_json import Json
from server.api.rest.song_json import MANIFEST_SUFFIX
from server.audio.codecs.registry import all_formats
from server.song import SongState
from server.version import VERSION

_TEXT = {"type": "string"}
_VIOLATION = {"type": "object", "properties": {"field": _TEXT, "description": _TEXT}}
_VIOLATIONS = {"type": "array", "items": _VIOLATION}
_TIME = {"type": "string", "format": "date-time"}
_PROBLEMS = {
    400: "The request breaks a rule; `violations` names the fields.",
    401: "There is no API key, or none that is known.",
    403: "The API key lacks the scope.",
    404: "There is no such song, or it is another caller's.",
    405: "The path has no such method.",
    408: "The body did not arrive in time.",
    409: "The song is not complete, was cancelled, or the request's id was used for another request.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The song is complete, and shorter than that.",
    429: "The server is full, or the caller has reached a limit of its own; `Retry-After` says when to come back.",
    500: "A bug; it was logged.",
    503: "The engine is not ready, or the server is shutting down or has lost a worker.",
    504: "The song was not complete in time.",
}
_CALLER = {
    "name": "X-Caller",
    "in": "header",
    "schema": {"type": "string", "maxLength": 64, "pattern": "^[ -~]*$"},
    "description": "Who asks, where the server asks for no key.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "format": "uuid"},
    "description": "The same as `request_id`.",
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": "`respond-async`: do not wait for the song.",
}
_TASK = {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}}
_LAST_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[0-9]{0,9}$"},
    "description": "The last event that was seen.",
}
_RANGE = {
    "name": "Range",
    "in": "header",
    "schema": {"type": "string"},
    "description": "One range of bytes; of a song that is being made one that is there already, with its last byte.",
}
_OFFSET = {
    "name": "byte_offset",
    "in": "query",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    "description": "Bytes to leave out, also while the song is made.",
}
_PAGE_SIZE = {
    "name": "page_size",
    "in": "query",
    "schema": {"type": "integer", "minimum": 0, "maximum": (1 << 31) - 1},
    "description": "More than 200 counts as 200.",
}
_PAGE_TOKEN = {"name": "page_token", "in": "query", "schema": {"type": "string", "maxLength": 200}}


@cache
def document(*, secured: bool) -> Json:
    """The document; `secured`: callers need an API key."""
    found: dict[str, Json] = {
        "openapi": "3.1.0",
        "info": {"title": "Melisma", "version": VERSION, "description": "Style prompt and lyrics in, a song out."},
        "paths": _paths(),
        "components": {
            "schemas": {
                "SongRequest": request_schema(),
                "Song": _song(),
                "SongPage": _page(),
                "Engines": _engines(),
                "Problem": _problem(),
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
    return found | ({"security": [{"key": []}]} if secured else {})


def _paths() -> Json:
    music, own = "/v1/audio/music", [_TASK, _CALLER]
    body = {"required": True, "content": {"application/json": {"schema": _ref("SongRequest")}}}
    song, page = _json("The song.", "Song"), _json("The songs, newest first.", "SongPage")
    made = {200: _json("The song, complete.", "Song"), 202: _json("The song, which is being made.", "Song")}
    told_events = {"description": "The events: " + _EVENTS, "content": {"text/event-stream": {}}}
    events = {200: told_events, 204: {"description": "All was told."}}
    return {
        f"{music}/generate": {
            "post": _operation("Make a song", made, (400, 408, 409, 413, 415, 429, 503, 504), [_CALLER, _KEY, _PREFER])
            | {"requestBody": body}
        },
        music: {"get": _operation("List songs", {200: page}, (400,), [_CALLER, _PAGE_SIZE, _PAGE_TOKEN])},
        f"{music}/{{task_id}}": {
            "get": _operation("Where a song stands", {200: song}, (400, 404), own),
            "delete": _deletion(own),
        },
        f"{music}/{{task_id}}/cancel": {
            "post": _operation("Stop making a song; one that has ended stays as it is", {200: song}, (400, 404), own)
        },
        f"{music}/{{task_id}}/events": {
            "get": _operation("What happens to a song", events, (400, 404), [*own, _LAST_ID])
        },
        **{f"/audio/{{task_id}}{each.suffix}": _audio(each.media_type) for each in all_formats()},
        f"/audio/{{task_id}}{MANIFEST_SUFFIX}": {"get": _manifest()},
        "/v1/engines": {
            "get": _operation(
                "What can be chosen",
                {200: _json("The engines.", "Engines")},
                (400,),
                [_CALLER, _PAGE_SIZE, _PAGE_TOKEN],
            )
        },
    }


def _deletion(parameters: list[Json]) -> Json:
    cancelled = _json("The song was being made and is cancelled. Another DELETE deletes it.", "Song")
    answers = {200: cancelled, 204: {"description": "The song had ended, and nothing is left of it."}}
    return _operation("Delete a song; while it is being made, stop that", answers, (400, 404, 503), parameters)


def _audio(media_type: str) -> Json:
    sound = _stream("The sound; without a length while the song is made.", media_type)
    part = _stream("The range.", media_type)
    answers = {200: sound, 206: part, 304: {"description": "It is the same still."}}
    problems, heard = (400, 404, 409, 416), [_TASK, _OFFSET, _RANGE]
    return {
        "get": _operation("Listen", answers, problems, heard, open_to_all=True),
        "head": _operation("What there is to hear", answers, problems, heard, open_to_all=True),
    }


def _manifest() -> Json:
    answers = {200: _stream("The C2PA manifest of a complete song.", "application/c2pa")}
    summary = "Where the sound comes from, signed by the operator"
    return _operation(summary, answers, (404, 409, 429, 503), [_TASK], open_to_all=True)


_EVENTS = "accepted, plan, progress, section (with lyric times), and at the end finished, failed or cancelled."


def _operation(
    summary: str,
    answers: dict[int, Json],
    problems: tuple[int, ...],
    parameters: list[Json],
    *,
    open_to_all: bool = False,
) -> dict[str, Json]:
    codes = {*problems, 500, *(() if open_to_all else (401, 403))}
    told_problems = {code: _problem_answer(code) for code in sorted(codes)}
    responses = {str(code): answer for code, answer in {**answers, **told_problems}.items()}
    found: dict[str, Json] = {"summary": summary, "parameters": parameters, "responses": responses}
    return found | ({"security": []} if open_to_all else {})


def _problem_answer(code: int) -> Json:
    found: dict[str, Json] = {"description": _PROBLEMS[code], "content": {PROBLEM_TYPE: {"schema": _ref("Problem")}}}
    if code == 429:
        found["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return found


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, name: str) -> Json:
    return {"description": description, "content": {"application/json": {"schema": _ref(name)}}}


def _stream(description: str, kind: str) -> Json:
    return {"description": description, "content": {kind: {"schema": {"type": "string"}}}}


def _song() -> Json:
    properties: dict[str, Json] = {
        "task_id": _TEXT,
        "status": {"type": "string", "enum": [state.value for state in SongState]},
        "audio_url": {"type": "string", "format": "uri", "description": "Plays while the song is made; needs no key."},
        "events_url": {"type": "string", "format": "uri"},
        "credentials_url": {
            "type": ["string", "null"],
            "format": "uri",
            "description": "The C2PA manifest of the complete song; null where there is none. Needs no key.",
        },
        "duration_sec": {"type": "number", "description": "As planned until the song is complete, 0 before."},
        "created_at": _TIME,
        "ended_at": {"type": ["string", "null"], "format": "date-time"},
        "request_id": _TEXT,
        "engine": _TEXT,
        "prompt": _TEXT,
        "seed": {"type": "integer"},
        "size_bytes": {"type": "integer"},
        "sha256": _TEXT,
    }
    error = {
        "type": "object",
        "properties": {"reason": _TEXT, "detail": _TEXT, "violations": _VIOLATIONS},
        "required": ["reason", "detail"],
    }
    return {"type": "object", "properties": properties | {"error": error}, "required": list(properties)}


def _page() -> Json:
    properties = {"songs": {"type": "array", "items": _ref("Song")}, "next_page_token": _TEXT}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _engines() -> Json:
    return told(music_pb2.ListEnginesResponse)


def _problem() -> Json:
    properties: dict[str, Json] = {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "reason": {"type": "string", "description": "The reason that gRPC callers get in google.rpc.ErrorInfo."},
        "violations": _VIOLATIONS,
        "retry_after_seconds": {"type": "number"},
    }
    return {"type": "object", "properties": properties, "required": ["type", "title", "status", "detail"]}
