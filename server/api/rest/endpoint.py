"""The common part of all REST endpoints: logs and counts calls, and stops a response when its client disconnects."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, aclosing, contextmanager
from http import HTTPStatus
from typing import Any, TypeAlias

from opentelemetry.trace import Tracer
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from model.song import Violation
from server.api.ends import http_ends
from server.api.failures import log_failure
from server.api.open_calls import OpenCalls
from server.api.proxies import TrustedProxies
from server.api.rest.json_format.proto_json import printable
from server.api.rest.problems import problem, problem_response
from server.auth.key_life import while_key_lasts
from server.contract.status import outcome_of
from server.errors import InvalidRequest, ListenerStalled, ServiceError, Unauthenticated
from server.logs import bind, bound_fields
from server.store.base import StoreFailed
from server.telemetry.call_metrics import CallMetrics
from server.telemetry.traces.call_trace import End, end_http_call, http_call_span, note_fields, trace_names

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]

CLIENT_CLOSED_REQUEST = 499
"""Status code in the log for a call whose client disconnected before the response was complete."""

_ANSWERED = "melisma.answered"
"""Key of the ASGI scope for the stack of context managers that are left when the response has been sent."""

logger = logging.getLogger(__name__)


class Endpoint:
    """An endpoint as an ASGI application: counts, traces and logs its calls, and sends errors as problem details."""

    def __init__(
        self,
        name: str,
        handler: Handler,
        calls: OpenCalls,
        tracer: Tracer,
        proxies: TrustedProxies,
        metrics: CallMetrics | None = None,
    ) -> None:
        """Set up the endpoint; `name` is the call's name in the log: method and path, with placeholders for parameters.

        The client's address in the log is the one that trusted `proxies` report.
        """
        self._metrics = metrics
        self._method, _, self._route = name.partition(" ")
        if metrics:
            metrics.serve_http(self._method, self._route)
        self._name = name
        self._handler = handler
        self._calls = calls
        self._tracer = tracer
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI call: run the endpoint, send its response or its error, and log the call."""
        code = CLIENT_CLOSED_REQUEST

        async def noted(message: Message) -> None:
            nonlocal code
            code = message.get("status", code)
            await self._calls.taken(send(message))

        request = Request(scope, receive)
        with self._calls.one(), self._line(request, lambda: code), ExitStack() as answered:
            scope[_ANSWERED] = answered
            response = await self._answer(request)
            try:
                async with while_key_lasts():
                    await response(scope, receive, noted)
            except (ListenerStalled, Unauthenticated) as error:
                log_broken_off(type(error).__name__)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handler(request)
        except Exception as error:
            if not isinstance(error, ServiceError):
                log_failure(error)
            bind(reason=outcome_of(error).reason)
            return problem(error)

    @contextmanager
    def _line(self, request: Request, code: Callable[[], int]) -> Iterator[None]:
        ends = http_ends(request, self._proxies)
        started = time.monotonic()
        with http_call_span(self._tracer, self._name, request.headers, ends) as span:
            bind(**trace_names(span))
            try:
                yield
            finally:
                note_fields(span, bound_fields())
                end_http_call(span, code())
                seconds = round(time.monotonic() - started, 4)
                if self._metrics:
                    self._metrics.http(self._method, self._route, code(), seconds)
                fields = {"method": self._name, "peer": _shown(ends.client), "code": code(), "seconds": seconds}
                logger.info("a REST call has ended", extra=fields)


def _shown(end: End) -> str:
    return f"{end.address}:{end.port}" if end.port else end.address


def while_answered(request: Request, context: AbstractContextManager[None]) -> None:
    """Enter a context manager now and leave it when the response has been sent or the call has ended in another way."""
    answered: ExitStack = request.scope[_ANSWERED]
    answered.enter_context(context)


class MethodRouter:
    """Routes the calls of one path to an endpoint for each HTTP method."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one ASGI call to the endpoint of its HTTP method; HEAD is handled as GET."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._endpoints[method](scope, receive, send)


class OwnRoute(Route):
    """A route that also matches HTTP methods without an endpoint and refuses them with status 405, so that no later
    route is tried.
    """

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return Match.FULL if match is Match.PARTIAL else match, child

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = sorted(self.methods or ())
        if scope["method"] in allowed:
            await super().handle(scope, receive, send)
            return
        text = f"this path does not support the method {printable(scope['method'])}: use {' or '.join(allowed)}"
        refusal = problem_response(HTTPStatus.METHOD_NOT_ALLOWED, text, {"Allow": ", ".join(allowed)})
        await refusal(scope, receive, send)


def check_query(request: Request, names: Collection[str]) -> None:
    """Raise an error for query parameters that the endpoint does not use.

    Raises:
        InvalidRequest: the query has a parameter that is not in `names`, or the same parameter twice.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    takes = f"use {' or '.join(names)}" if names else "it has none, leave it out"
    found = [
        Violation(printable(name), f"is not a parameter of this path: {takes}")
        for name in dict.fromkeys(given)
        if name not in names
    ]
    found += [Violation(name, "must be sent only once in a request") for name in names if given.count(name) > 1]
    if found:
        raise InvalidRequest(*found)


class ClientLeft(Exception):
    """Error: the client has disconnected before its response was complete."""


async def unless_left(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Await `work`; if the client disconnects before `work` is done, cancel `work` and raise ClientLeft."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_client_left(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeft
        working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Stream(StreamingResponse):
    """A streamed response, which ends when the client disconnects.

    After an error of the song or of its store the connection is closed early, so that clients notice that the body is
    incomplete.
    """

    def __init__(
        self, chunks: AsyncGenerator[bytes, None], status_code: int, headers: Mapping[str, str], first: bytes = b""
    ) -> None:
        """Set up the response. `first` is a chunk that was read before the response begins, so an error in reading that
        chunk can still be sent as an error status.
        """
        super().__init__(self._all(), status_code, headers)
        self._first = first
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, chunk by chunk, until its end or until the client disconnects."""
        complete, cause = False, ClientLeft.__name__

        async def noted(message: Message) -> None:
            nonlocal complete
            await send(message)
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            await asyncio.sleep(0)  # let other tasks run: `send` does not wait if the client reads fast or has left

        try:
            async with aclosing(self._chunks):
                await super().__call__(scope, receive, noted)
        except ServiceError as error:
            cause = type(error).__name__
        except StoreFailed as error:
            log_failure(error)
            cause = type(error).__name__
        if not complete:
            log_broken_off(cause)

    async def _all(self) -> AsyncGenerator[bytes, None]:
        if self._first:
            yield self._first
        async for chunk in self._chunks:
            yield chunk


def log_broken_off(cause: str) -> None:
    """Log that a client did not receive the whole response; `cause` is the name of the error class."""
    logger.info("a REST client did not receive the whole response", extra={"cause": cause})
