"""Starts a song and streams its sound in the response to the same call."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from server.api.rest.audio import described, sound_of
from server.api.rest.endpoint import Stream, unless_left
from server.songs.recordings.recording import Recording

HEADERS = tuple(
    f"Melisma-{name}"
    for name in ("Task-Id", "Request-Id", "Engine", "Seed", "Duration-Seconds", "Sample-Count", "Key", "Tempo-Bpm")
)
"""Response headers that describe the song, such as `Melisma-Seed`. Headers without a value are left out."""


async def streamed(request: Request, recording: Recording, location: str) -> Response:
    """Wait until the song has sound, and return a response that streams the sound; `location` is the URL of the song.

    Raises:
        ServiceError: the song fails before it has sound.
        ClientLeft: the client disconnects before that; the song then continues or ends as if any listener had left.
    """
    chunks = _begun(recording)
    await unless_left(request.receive, _first(chunks))
    values = zip(HEADERS, _facts(recording), strict=True)
    facts = {name: quote(str(value), safe=" #+/:.-") for name, value in values if value not in ("", None)}
    headers = (
        described(request, recording) | facts | {"Location": location, "Cache-Control": "no-store", "Vary": "Accept"}
    )
    return Stream(chunks, HTTPStatus.OK, headers)


async def _begun(recording: Recording) -> AsyncGenerator[bytes, None]:
    """Yield an empty chunk when the song has its first sound, and then the chunks of its sound."""
    async with aclosing(sound_of(recording)) as chunks:
        first = await anext(chunks, b"")
        yield b""
        yield first
        async for chunk in chunks:
            yield chunk


async def _first(chunks: AsyncGenerator[bytes, None]) -> None:
    await anext(chunks)


def _facts(recording: Recording) -> Iterator[Any]:
    song, plan = recording.song, recording.plan
    yield from (song.song_id, song.request_id, song.engine, song.seed, f"{song.duration_seconds:g}")
    yield plan.sample_count if plan and plan.sample_count_exact else None
    yield plan.key if plan else None
    yield f"{plan.tempo_bpm:g}" if plan and plan.HasField("tempo_bpm") else None
