from pathlib import Path

from starlette.requests import Request

from server.api.rest.endpoint import Stream
from server.api.rest.events import events_response
from tests.support.replica_pair import LONG, pair, request, until


async def test_events_of_a_song_that_others_make_stop_without_an_end_so_that_a_browser_comes_back(
    tmp_path: Path,
) -> None:
    async with pair(LONG[:3], folder=tmp_path, hangs=True) as replicas:
        recording = await replicas.there.generate(request(), "me")
        await until(lambda: len(recording.entries) == 4)
        mirror = await replicas.here.find("song-1", "me")
        asked = Request({"type": "http", "method": "GET", "headers": [], "query_string": b"", "path": "/"})
        response = events_response(asked, mirror, 5.0)
        assert isinstance(response, Stream)
        told = await anext(response._chunks)
        replicas.here.start_draining()
        told += b"".join([piece async for piece in response._chunks])
        assert told.count(b"event: ") == 1
        assert b"event: failed" not in told
