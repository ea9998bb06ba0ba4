"""A song's sound over HTTP: as it comes while the song is made, with its length once it is complete, and in ranges."""

import re
from collections.abc import AsyncGenerator
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from model.song import Violation
from server.api.rest.endpoint import Stream
from server.api.rest.song_json import MANIFEST_SUFFIX, manifest_path
from server.audio.codecs.registry import format_named
from server.errors import InvalidRequest, OffsetOutOfRange, SongNotComplete
from server.songs.recording import Recording, failure_of

_LENGTH_PROBE_BYTES = 2
_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")


def audio_response(request: Request, recording: Recording, *, credentials: bool) -> Response:
    """The answer to GET or HEAD. `credentials`: there is a C2PA manifest of the song, which its headers then name.

    Raises:
        SongNotComplete: the song has ended before it was complete.
        OffsetOutOfRange: the song is complete, and shorter than the range or offset that is asked for.
        InvalidRequest: `byte_offset` is no number.
    """
    offset = _offset(request)
    if not recording.ended:
        return _growing(request, recording, offset)
    if not recording.complete:
        raise SongNotComplete(recording.song.state.value, failure_of(recording.song))
    response = _whole(request, recording, offset)
    if credentials:
        response.headers["Link"] = f'<{manifest_path(recording.song.song_id)}>; rel="c2pa-manifest"'
    return response


def manifest_response(song_id: str, manifest: bytes) -> Response:
    """The answer with a C2PA manifest. It is not the same from every server, nor after a new start: nobody keeps it."""
    named = f'inline; filename="{song_id}{MANIFEST_SUFFIX}"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(manifest, media_type="application/c2pa", headers=headers)


def _growing(request: Request, recording: Recording, offset: int) -> Response:
    """The sound of a song that is being made: all there will be, or a range that is there already."""
    if not offset and (there := _range_so_far(request, recording.song.size_bytes)):
        start, end = there
        headers = {"Cache-Control": "no-store", "Accept-Ranges": "bytes", "Content-Length": str(end - start)}
        headers["Content-Range"] = f"bytes {start}-{end - 1}/*"
        return _answer(request, recording, HTTPStatus.PARTIAL_CONTENT, headers, start, end)
    headers = {"Cache-Control": "no-store", "Accept-Ranges": "none"}
    return _answer(request, recording, HTTPStatus.OK, headers, offset, None)


def _whole(request: Request, recording: Recording, offset: int) -> Response:
    size, etag = recording.song.size_bytes, f'"{recording.song.sha256}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, max-age=86400, immutable"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if offset > size:
        raise OffsetOutOfRange(offset, size)
    start, end, status = offset, size, HTTPStatus.OK
    if not offset and (wanted := _range(request, etag, size)):
        (start, end), status = wanted, HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    return _answer(request, recording, status, headers, start, end)


def _answer(
    request: Request, recording: Recording, status: int, headers: dict[str, str], start: int, end: int | None
) -> Response:
    delivered = format_named(recording.song.format)
    named = {
        "Content-Disposition": f'inline; filename="{recording.song.song_id}{delivered.suffix}"',
        "Content-Type": delivered.media_type,
    }
    headers = headers | named | {"X-Content-Type-Options": "nosniff"}
    return Stream(_sound(recording, start, start if request.method == "HEAD" else end), status, headers)


async def _sound(recording: Recording, start: int, end: int | None) -> AsyncGenerator[bytes, None]:
    """The bytes from `start` to before `end`, `None` for all there will be."""
    left = None if end is None else end - start
    if left == 0:
        return
    with recording.listened(start) as told:
        async for one in told:
            if data := one.message.chunk.data:
                yield data if left is None else data[:left]
                left = None if left is None else max(0, left - len(data))
            if left == 0:
                return


def _offset(request: Request) -> int:
    text = request.query_params.get("byte_offset", "0")
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise InvalidRequest(Violation("byte_offset", "must be a number of bytes"))
    return int(text)


def _range_so_far(request: Request, size: int) -> tuple[int, int] | None:
    """One range whose first and last byte are named, and there, as start and end; `None` for anything else.

    A song has nothing to compare with `If-Range` before it is complete. A player that asks for the first two bytes
    wants to learn the length, which nobody knows yet: it gets the stream.
    """
    found = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if not found or None in found.groups() or "if-range" in request.headers:
        return None
    start, end = int(found[1]), int(found[2]) + 1
    return (start, end) if start < end <= size and end > _LENGTH_PROBE_BYTES else None


def _range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Start and end of a single byte range; `None` for all of it, and for any other range."""
    found = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if not found or request.headers.get("if-range", etag) != etag or found.groups() == (None, None):
        return None
    first, last = (None if text is None else int(text) for text in found.groups())
    if first is None:
        start, end = max(0, size - (last or 0)), size
    else:
        start, end = first, size if last is None else min(size, last + 1)
        if last is not None and last < first:
            return None
    if start >= size:
        raise OffsetOutOfRange(start, size)
    return start, end
