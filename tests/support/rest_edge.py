"""The REST API on a real port, with a fake runner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry.trace import NoOpTracer
from prometheus_client import CollectorRegistry

from server.api.http.server import serving_http
from server.api.open_calls import OpenCalls
from server.api.rest.public_address import REQUESTED_ADDRESS, PublicAddress
from server.api.rest.routes import Api
from server.contract.wire_scan import RequestLimits
from server.errors import ServiceError
from server.song import Accepted, SongEvent, SongRequest
from server.songs.ports import EventSink
from server.songs.service import Songs
from server.telemetry.call_metrics import CallMetrics
from tests.support.edge import songs_of
from tests.support.fake_runner import FakeJob, FakeRunner
from tests.support.http_app import build_http
from tests.support.rest import Answer, Rest


class ToldRunner(FakeRunner):
    """A fake runner for one song without events of its own: the test appends the events, and `begun` is set once the
    song has been requested.
    """

    def __init__(self) -> None:
        super().__init__((), hangs=True)
        self._sink: EventSink | None = None
        self.begun = asyncio.Event()

    def begin(self, request: SongRequest, accepted: Accepted, sink: EventSink) -> FakeJob:
        self._sink = sink
        self.begun.set()
        return super().begin(request, accepted, sink)

    def append(self, *events: SongEvent) -> None:
        """Append events to the song."""
        assert self._sink is not None
        for event in events:
            self._sink.append(event)

    def fail(self, error: ServiceError) -> None:
        """End the song with an error."""
        assert self._sink is not None
        self._sink.end(error)


@asynccontextmanager
async def rest_edge(
    runner: FakeRunner, address: PublicAddress = REQUESTED_ADDRESS, linger_seconds: float = 10.0
) -> AsyncIterator[Rest]:
    """Context manager with a REST client of a server with a fake runner of the engine "fake". `address` is the base of
    the URLs in responses; a song without a listener is made for `linger_seconds`.
    """
    async with songs_of(runner, linger_seconds) as songs, rest_of(songs, address) as rest:
        try:
            yield rest
        finally:
            runner.stop()


@asynccontextmanager
async def rest_of(
    songs: Songs, address: PublicAddress = REQUESTED_ADDRESS, metrics: CallMetrics | None = None
) -> AsyncIterator[Rest]:
    """Context manager with a REST client of an HTTP server for a songs service. `address` is the base of the URLs in
    responses; `metrics` counts the calls.
    """
    api = Api(songs, None, sizes=RequestLimits(), heartbeat_seconds=1.0, address=address)
    routes = api.routes(OpenCalls(), NoOpTracer(), metrics)
    app = build_http(CollectorRegistry(), readiness_problem=lambda: None, more=routes)
    async with serving_http(app, "127.0.0.1", 0) as bound:
        yield Rest(bound, {"X-Caller": "me"})


async def ask(rest: Rest, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Send one request in a thread, so that the server in this event loop can respond; return the whole response."""
    return await asyncio.to_thread(rest.ask, method, path, body, **headers)
