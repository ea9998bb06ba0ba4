"""What all of REST passes through: the request log, the count of open calls, and answers that end with their client."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any, TypeAlias

from opentelemetry.trace import Tracer, format_trace_id
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from server.api.failures import log_failure
from server.api.open_calls import OpenCalls
from server.api.rest.problems import problem
from server.errors import ServiceError
from server.logs import bind
from server.store.base import StoreFailed
from server.telemetry.call_trace import end_http_call, http_call_span

Endpoint: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

LEFT = 499
"""What is logged of a call whose client has left before its answer."""

logger = logging.getLogger(__name__)


class Door:
    """An endpoint as an ASGI application: its errors become problems, and its calls are counted, traced and logged."""

    def __init__(self, name: str, endpoint: Endpoint, calls: OpenCalls, tracer: Tracer) -> None:
        """`name` is what the log calls it: method and path, without what is particular to one call."""
        self._name = name
        self._endpoint = endpoint
        self._calls = calls
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        code = LEFT

        async def noted(message: Message) -> None:
            nonlocal code
            code = message.get("status", code)
            await send(message)

        request = Request(scope, receive)
        with self._calls.one(), self._line(request, lambda: code):
            response = await self._answer(request)
            await response(scope, receive, noted)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._endpoint(request)
        except Exception as error:
            if not isinstance(error, ServiceError):
                log_failure(error)
            return problem(error)

    @contextmanager
    def _line(self, request: Request, code: Callable[[], int]) -> Iterator[None]:
        peer = f"{request.client.host}:{request.client.port}" if request.client else ""
        started = time.monotonic()
        with http_call_span(self._tracer, self._name, request.headers) as span:
            if span.is_recording():
                bind(trace_id=format_trace_id(span.get_span_context().trace_id))
            try:
                yield
            finally:
                end_http_call(span, code())
                seconds = round(time.monotonic() - started, 4)
                told = {"method": self._name, "peer": peer, "code": code(), "seconds": seconds}
                logger.info("call", extra=told)


class ByMethod:
    """One path, with a door for each method."""

    def __init__(self, doors: Mapping[str, Door]) -> None:
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; HEAD is answered as GET."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._doors[method](scope, receive, send)


class ClientLeft(Exception):
    """The client has gone before its answer was complete."""


async def unless_left(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do the work; raises ClientLeft, and leaves the rest undone, when the client goes away meanwhile."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeft
        working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Stream(StreamingResponse):
    """An answer whose body comes piece by piece, and which ends when the client goes away.

    An error of the song or of its store on the way breaks it off, so that nobody takes what has arrived for all of it.
    """

    def __init__(self, pieces: AsyncGenerator[bytes, None], status_code: int, headers: Mapping[str, str]) -> None:
        super().__init__(pieces, status_code, headers)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all."""
        complete, cause = False, ClientLeft.__name__

        async def noted(message: Message) -> None:
            nonlocal complete
            await send(message)
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            async with aclosing(self._pieces):
                await super().__call__(scope, receive, noted)
        except ServiceError as error:
            cause = type(error).__name__
        except StoreFailed as error:
            log_failure(error)
            cause = type(error).__name__
        if not complete:
            logger.info("an answer was broken off", extra={"cause": cause})
