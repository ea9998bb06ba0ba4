"""Generates the OpenAPI document of the REST API: schemas of bodies from the messages' descriptors and rules, all other
parts from texts in this module.
"""

from functools import cache

from melisma.v1 import music_pb2
from server.api.rest.idempotency import MAX_KEY_CHARACTERS
from server.api.rest.json_format.json_schema import REQUEST, ref, request_schemas, response_schemas
from server.api.rest.json_format.proto_json import Json
from server.api.rest.json_format.song_json import MANIFEST_SUFFIX
from server.api.rest.preferences import BYTES
from server.api.rest.problems import PROBLEM_TYPE
from server.api.rest.streamed_song import HEADERS
from server.audio.codecs.base import Format
from server.audio.codecs.registry import all_formats
from server.song import SongState
from server.version import VERSION

_TEXT = {"type": "string"}
_BINARY = {"type": "string", "format": "binary"}
_VIOLATIONS = {"type": "array", "items": ref("Violation")}
_TIME = {"type": "string", "format": "date-time"}
_PROBLEMS = {
    400: "The request breaks rules of the API; `violations` lists the fields.",
    401: "The call has no API key, or one that the server does not know.",
    403: "The API key lacks the scope, or web pages of that origin may not call this server.",
    404: "The song does not exist, or belongs to another caller.",
    406: "`Accept` names neither JSON nor the media type of the sound.",
    408: "The body of the request did not arrive in time.",
    409: "The song is not complete or was cancelled, or the request id was used for a different request.",
    413: "The body of the request is too large.",
    415: "The body of the request is not JSON.",
    416: "The range or offset begins after the end of the complete song.",
    421: "The server does not answer to the host name of the request.",
    429: "The queue is full, or the caller has reached a limit of its own; `Retry-After` gives the seconds to wait.",
    500: "Internal error of the server, whose log has the cause.",
    503: "The engine is not ready, the range is not made yet, the song store does not answer or cannot store the song "
    "(`NOT_KEPT`), or the server is shutting down or has lost a worker.",
    504: "The song was not complete before the deadline of the call.",
}
_OF_ONE_SONG = (400, 404, 503)
_CALLER = {
    "name": "X-Caller",
    "in": "header",
    "schema": {"type": "string", "maxLength": 64, "pattern": "^[ -~]*$"},
    "description": "Name of the caller, for fair sharing; used only if the server needs no API key.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARACTERS, "pattern": "^[!-~]*$"},
    "description": "Requests with the same key get the same song. A UUID becomes the `request_id`.",
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string"},
    "description": "`respond-async`: respond at once with the song's state, without waiting for its end.",
}
_TASK = {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}}
_LAST_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[0-9]{0,9}$"},
    "description": "Id of the last event that the client has received; the stream continues after it.",
}
_RANGE = {
    "name": "Range",
    "in": "header",
    "schema": {"type": "string"},
    "description": "One range of bytes. Of a song that is being made, the server waits for it for up to half a minute.",
}
_OFFSET = {
    "name": "byte_offset",
    "in": "query",
    "schema": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    "description": "Number of bytes to skip; works also while the song is being made.",
}
_PAGE_SIZE = {
    "name": "page_size",
    "in": "query",
    "schema": {"type": "integer", "minimum": 0, "maximum": (1 << 31) - 1},
    "description": "Most songs or engines of one page; values above 200 count as 200.",
}
_PAGE_TOKEN = {"name": "page_token", "in": "query", "schema": {"type": "string", "maxLength": 200}}


@cache
def document(*, secured: bool) -> Json:
    """Return the OpenAPI document of the REST API; `secured` is True if callers need an API key."""
    found: dict[str, Json] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Melisma REST",
            "version": VERSION,
            "description": "Makes songs from a style prompt and lyrics.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "songs"}, {"name": "sound"}, {"name": "engines"}],
        "paths": _paths(),
        "components": {
            "schemas": {
                **request_schemas(),
                **response_schemas(music_pb2.ListEnginesResponse),
                "Song": _song(),
                "SongPage": _page(),
                "Failure": _failure(),
                "Violation": _violation(),
                "Problem": _problem(),
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
    return found | ({"security": [{"key": []}]} if secured else {})


def _paths() -> Json:
    music, own = "/v1/audio/music", [_TASK, _CALLER]
    song, page = _json("The song.", "Song"), _json("The caller's songs, newest first.", "SongPage")
    event_stream = {"description": "The events: " + _EVENTS, "content": {"text/event-stream": {"schema": _TEXT}}}
    events = {200: event_stream, 204: {"description": "The song has ended and the client has received all its events."}}
    engines = {200: _json("The engines.", music_pb2.ListEnginesResponse.DESCRIPTOR.name)}
    paged = [_CALLER, _PAGE_SIZE, _PAGE_TOKEN]
    return {
        f"{music}/generate": {"post": _generate()},
        music: {"get": _operation("list_songs", "List songs", {200: page}, (400, 503), paged)},
        f"{music}/{{task_id}}": {
            "get": _operation("get_song", "Get the state of a song", {200: song}, _OF_ONE_SONG, own),
            "delete": _deletion(own),
        },
        f"{music}/{{task_id}}/cancel": {
            "post": _operation("cancel_song", "Cancel a song that has not ended", {200: song}, _OF_ONE_SONG, own)
        },
        f"{music}/{{task_id}}/events": {
            "get": _operation("follow_song", "Follow the events of a song", events, _OF_ONE_SONG, [*own, _LAST_ID])
        },
        **{f"/audio/{{task_id}}{each.suffix}": _audio(each) for each in all_formats()},
        f"/audio/{{task_id}}{MANIFEST_SUFFIX}": {"get": _manifest()},
        "/v1/engines": {
            "get": _operation(
                "list_engines", "List the engines and their limits", engines, (400,), paged, tag="engines"
            )
        },
    }


def _deletion(parameters: list[Json]) -> Json:
    cancelled = _json("The song was being made and is now cancelled. A second DELETE deletes it.", "Song")
    answers = {200: cancelled, 204: {"description": "The song had ended and is now deleted."}}
    summary = "Delete a song that has ended, or cancel one that is being made"
    return _operation("delete_song", summary, answers, _OF_ONE_SONG, parameters)


def _generate() -> Json:
    sound = {kind: {"schema": _BINARY} for kind in (*(each.media_type for each in all_formats()), BYTES)}
    made = _json(
        "The complete song; or its sound while it is being made, if `Accept` prefers a media type of sound.", "Song"
    )
    headers = {
        name: {"schema": _TEXT, "description": "Header of a response that is the sound of the song."}
        for name in HEADERS
    }
    answers = {
        200: made | {"content": made["content"] | sound, "headers": headers},
        202: _json("The song, which is still being made.", "Song"),
    }
    problems = (400, 406, 408, 409, 413, 415, 429, 503, 504)
    found = _operation("generate_song", "Make a song", answers, problems, [_CALLER, _KEY, _PREFER])
    return found | {"requestBody": {"required": True, "content": {"application/json": {"schema": ref(REQUEST)}}}}


def _audio(each: Format) -> Json:
    sound = _stream("The sound; without Content-Length while the song is being made.", each.media_type)
    part = _stream("The requested range of bytes of the sound.", each.media_type)
    answers = {200: sound, 206: part, 304: {"description": "The sound has not changed since the client fetched it."}}
    problems, heard = (400, 404, 409, 416, 503), [_TASK, _OFFSET, _RANGE]
    operations = {
        "get": (f"get_{each.name}", "Listen to a song"),
        "head": (f"look_at_{each.name}", "Get the headers of a song's sound"),
    }
    return {
        method: _operation(name, summary, answers, problems, heard, tag="sound", open_to_all=True)
        for method, (name, summary) in operations.items()
    }


def _manifest() -> Json:
    answers = {200: _stream("The C2PA manifest of a complete song.", "application/c2pa")}
    summary = "Get the signed C2PA manifest of a song"
    problems = (404, 409, 429, 503)
    return _operation("get_manifest", summary, answers, problems, [_TASK], tag="sound", open_to_all=True)


_EVENTS = "accepted, plan, progress, section (with lyric times), and at the end finished, failed or cancelled."


def _operation(
    name: str,
    summary: str,
    answers: dict[int, Json],
    problems: tuple[int, ...],
    parameters: list[Json],
    *,
    tag: str = "songs",
    open_to_all: bool = False,
) -> dict[str, Json]:
    codes = {*problems, 421, 500, *(() if open_to_all else (401, 403, 429))}
    problem_answers = {code: _problem_answer(code) for code in sorted(codes)}
    responses = {str(code): answer for code, answer in {**answers, **problem_answers}.items()}
    found: dict[str, Json] = {"operationId": name, "tags": [tag], "summary": summary}
    found |= {"parameters": parameters, "responses": responses}
    return found | ({"security": []} if open_to_all else {})


def _problem_answer(code: int) -> Json:
    found: dict[str, Json] = {"description": _PROBLEMS[code], "content": {PROBLEM_TYPE: {"schema": ref("Problem")}}}
    if code == 429:
        found["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before the next call."}
        }
    return found


def _json(description: str, name: str) -> Json:
    return {"description": description, "content": {"application/json": {"schema": ref(name)}}}


def _stream(description: str, kind: str) -> Json:
    return {"description": description, "content": {kind: {"schema": _BINARY}, BYTES: {"schema": _BINARY}}}


def _song() -> Json:
    properties: dict[str, Json] = {
        "task_id": _TEXT,
        "status": {"type": "string", "enum": [state.value for state in SongState]},
        "audio_url": {
            "type": "string",
            "format": "uri",
            "description": "URL of the sound, playable while the song is being made; needs no API key.",
        },
        "events_url": {"type": "string", "format": "uri"},
        "credentials_url": {
            "type": ["string", "null"],
            "format": "uri",
            "description": "URL of the C2PA manifest of the complete song; null if there is none. Needs no API key.",
        },
        "duration_sec": {
            "type": "number",
            "description": "Length in seconds: 0 until it is planned, then as planned, at the end the actual length.",
        },
        "created_at": _TIME,
        "ended_at": {"type": ["string", "null"], "format": "date-time"},
        "request_id": _TEXT,
        "engine": _TEXT,
        "prompt": _TEXT,
        "seed": {"type": "integer"},
        "size_bytes": {"type": "integer"},
        "sha256": _TEXT,
    }
    return {"type": "object", "properties": properties | {"error": ref("Failure")}, "required": list(properties)}


def _page() -> Json:
    properties = {"songs": {"type": "array", "items": ref("Song")}, "next_page_token": _TEXT}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _failure() -> Json:
    properties = {"reason": _TEXT, "detail": _TEXT, "violations": _VIOLATIONS}
    return {"type": "object", "properties": properties, "required": ["reason", "detail"]}


def _violation() -> Json:
    properties = {
        "field": {
            "type": "string",
            "description": "Name of a field of the body, a parameter or a header; `request` for the whole request.",
        },
        "description": _TEXT,
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


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
