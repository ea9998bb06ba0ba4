"""Serves the sound of a song over HTTP: streamed while the song is being made, with its length if known, and in
ranges.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from model.song import Violation
from server.api.rest.byte_range import ByteRange, range_of
from server.api.rest.endpoint import Stream, unless_left
from server.api.rest.json_format.song_json import MANIFEST_SUFFIX, manifest_path
from server.api.rest.preferences import sound_type
from server.audio.codecs.registry import format_named
from server.errors import InvalidRequest, MadeElsewhere, OffsetOutOfRange, SongNotComplete
from server.songs.recordings.recording import Recording
from server.songs.recordings.song_record import failure_of

RANGE_SECONDS = 30.0
"""Longest time, in seconds, to wait for a requested range of a song that is being made."""
AGAIN_SECONDS = 5
_LENGTH_PROBE = ByteRange(0, 2)
_NO_STORE = {"Cache-Control": "no-store"}


async def range_made(request: Request, recording: Recording) -> bool:
    """Wait until the requested range of bytes exists, at most `RANGE_SECONDS`; return False if the range existed
    already.

    After a wait, look the recording (the song's event log) up again: a recording without listeners may have been
    removed from memory meanwhile.

    Raises:
        ClientLeft: the client disconnects meanwhile.
    """
    wanted = None if recording.ended or _offset(request) else range_of(request)
    if wanted is None or wanted.first is None or wanted.end is None or wanted == _LENGTH_PROBE:
        return False
    size = _size(recording)
    end = min(wanted.end, size or wanted.end)
    if end <= recording.song.size_bytes or (size is not None and wanted.first >= size):
        return False
    await unless_left(request.receive, _made(recording, end))
    return True


async def audio_response(request: Request, recording: Recording, *, credentials: bool) -> Response:
    """Return the response to GET or HEAD for the sound of a song. Sound that exists already is read before the response
    begins.

    With `credentials` the header Link has the path of the song's C2PA manifest, if the song is complete.

    Raises:
        StoreFailed: the sound cannot be read.
        SongNotComplete: the song failed or was cancelled.
        OffsetOutOfRange: the song is shorter than the requested range or offset.
        InvalidRequest: `byte_offset` is not a number.
        HTTPException: the range does not exist in time (503).
    """
    offset = _offset(request)
    if not recording.ended:
        return await _growing(request, recording, offset, None if offset else range_of(request))
    if not recording.complete:
        raise SongNotComplete(recording.song.state.value, failure_of(recording.song))
    response = await _whole(request, recording, offset)
    if credentials:
        response.headers["Link"] = f'<{manifest_path(recording.song.song_id)}>; rel="c2pa-manifest"'
    return response


def manifest_response(song_id: str, manifest: bytes) -> Response:
    """Return the response with the C2PA manifest of a song, which caches must not store: each server signs a new one
    for each request.
    """
    named = f'inline; filename="{song_id}{MANIFEST_SUFFIX}"'
    headers = {"Content-Disposition": named, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(manifest, media_type="application/c2pa", headers=headers)


async def sound_of(
    recording: Recording, start: int = 0, end: int | None = None, promised: int | None = None
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a song from `start` to before `end`; up to the end of the song if `end` is `None`.

    `promised` is the size of the whole song, in bytes, that the response's headers have announced.

    Raises:
        ServiceError: the song fails or is cancelled, or another server has started it again and planned another
            size.
    """
    left = None if end is None else end - start
    if left == 0:
        return
    with recording.listened(start) as events:
        async for one in events:
            if promised is not None and one.message.WhichOneof("event") == "plan" and _size(recording) != promised:
                raise MadeElsewhere(
                    f"another server has started the song {recording.song.song_id} again, and its sound may differ: "
                    "listen to it again from its first byte"
                )
            if data := one.message.chunk.data:
                yield data if left is None else data[:left]
                left = None if left is None else max(0, left - len(data))
            if left == 0:
                return


def described(request: Request, recording: Recording) -> dict[str, str]:
    """Return the HTTP headers that describe the sound of a song: file name and media type."""
    delivered = format_named(recording.song.format)
    return {
        "Content-Disposition": f'inline; filename="{recording.song.song_id}{delivered.suffix}"',
        "Content-Type": sound_type(request, delivered.media_type),
        "X-Content-Type-Options": "nosniff",
    }


async def _made(recording: Recording, end: int) -> None:
    """Wait until the first `end` bytes of a song exist, at most `RANGE_SECONDS`. The waiting call does not count as a
    listener.
    """
    with suppress(TimeoutError), recording.listened(sound=False):
        async with asyncio.timeout(RANGE_SECONDS):
            await recording.sound_until(end)


def _size(recording: Recording) -> int | None:
    """Return the size of the whole song in bytes; `None` while it is unknown."""
    plan = recording.plan
    return plan.stream_size_bytes if plan and plan.HasField("stream_size_bytes") else None


async def _growing(request: Request, recording: Recording, offset: int, wanted: ByteRange | None) -> Response:
    """Return the response with the sound of a song that is being made: all of it from the byte `offset` on, or the
    range `wanted`.
    """
    size = _size(recording)
    if wanted and wanted.first is not None and wanted.end is not None and (size or wanted != _LENGTH_PROBE):
        return await _part_so_far(request, recording, wanted.first, wanted.end, size)
    if wanted and size:
        return await _range_response(request, recording, wanted.within(size), size)
    headers = _NO_STORE | {"Accept-Ranges": "bytes" if size else "none"}
    if size is None:
        return await _answer(request, recording, HTTPStatus.OK, headers, offset, None)
    return await _answer(request, recording, HTTPStatus.OK, headers, _checked(offset, size), size)


async def _part_so_far(request: Request, recording: Recording, start: int, end: int, size: int | None) -> Response:
    """Return the response with the part that exists already of a requested range of bytes, from `start` to before
    `end`. `size` is the size of the whole song in bytes, `None` while it is unknown. Players first request two bytes to
    learn the size of the song.
    """
    there = recording.song.size_bytes
    if size and (start >= size or ByteRange(start, end) == _LENGTH_PROBE):
        return await _range_response(request, recording, ByteRange(start, end).within(size), size)
    if start >= there:
        text = f"only {there} bytes of the song are made yet: ask again later, or send byte_offset in place of Range"
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, text, {"Retry-After": str(AGAIN_SECONDS)})
    end = min(end, there)
    headers = _NO_STORE | {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end - 1}/*"}
    return await _answer(request, recording, HTTPStatus.PARTIAL_CONTENT, headers, start, end)


async def _range_response(request: Request, recording: Recording, interval: tuple[int, int], size: int) -> Response:
    """Return the response with a range of bytes of a song that is being made. `interval` is the start of the range and
    the byte after its end, `size` the final size of the song in bytes.
    """
    start, end = interval
    headers = _NO_STORE | {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return await _answer(request, recording, HTTPStatus.PARTIAL_CONTENT, headers, start, end)


async def _whole(request: Request, recording: Recording, offset: int) -> Response:
    size, etag = recording.song.size_bytes, f'"{recording.song.sha256}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, max-age=86400, immutable"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    start, end, status = _checked(offset, size), size, HTTPStatus.OK
    if not offset and (wanted := range_of(request, etag)):
        (start, end), status = wanted.within(size), HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return await _answer(request, recording, status, headers, start, end)


async def _answer(
    request: Request, recording: Recording, status: int, headers: dict[str, str], start: int, end: int | None
) -> Response:
    headers = headers | described(request, recording)
    if end is not None:
        headers["Content-Length"] = str(end - start)
    size_bytes = recording.song.size_bytes
    if recording.ended:
        sound = _blocks(recording, start, size_bytes if end is None else end)
    else:
        sound = sound_of(recording, start, end, _size(recording))
    try:
        first = await anext(sound, b"") if size_bytes > start else b""
    except BaseException:
        await sound.aclose()
        raise
    if request.method == "HEAD":
        await sound.aclose()
        return Stream(_nothing(), status, headers)
    return Stream(sound, status, headers, first)


async def _blocks(recording: Recording, start: int, end: int) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a complete song from `start` to before `end`."""
    with recording.read(start, end) as blocks:
        async for block in blocks:
            yield block


async def _nothing() -> AsyncGenerator[bytes, None]:
    for block in tuple[bytes, ...]():
        yield block


def _checked(offset: int, size: int) -> int:
    if offset > size:
        raise OffsetOutOfRange(offset, size)
    return offset


def _offset(request: Request) -> int:
    text = request.query_params.get("byte_offset", "0")
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise InvalidRequest(Violation("byte_offset", "must be a number of bytes, in digits, such as 0 or 48000"))
    return int(text)
