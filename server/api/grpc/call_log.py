"""What every call passes through: the request log on the outside, the mapping of errors to statuses inside of it."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Never, TypeAlias

import grpc
from grpc.aio import AbortError, ServerInterceptor, ServicerContext
from grpc_status import rpc_status
from opentelemetry.trace import INVALID_SPAN, Span, Tracer, format_trace_id

from server.api.grpc.load_report import Trailers
from server.api.open_calls import OpenCalls
from server.contract.status import INTERNAL, outcome_of, status_of
from server.contract.validation import parsed
from server.logs import bind
from server.telemetry.call_trace import call_span, end_call

_Context: TypeAlias = ServicerContext[Any, Any]
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Found: TypeAlias = "_Handler | None"
_Continuation: TypeAlias = Callable[[grpc.HandlerCallDetails], Awaitable[_Found]]

logger = logging.getLogger(__name__)

OWN_METHODS = "/melisma."


EndTrailers: TypeAlias = Callable[[], Trailers]
"""What to say of the server at the end of a call, as trailing metadata."""


def no_trailers() -> Trailers:
    """Nothing."""
    return ()


@dataclass(frozen=True)
class _Ending(grpc.Status):
    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]


class ErrorMapping(ServerInterceptor):
    """Turns what a handler raises into a status of `contract.status`; a bug is logged whole and told as "internal".

    It also reads the request itself, so that bytes that are no message of the contract get a status of ours.
    Calls with a stream of requests pass untouched: MusicService has none. Calls of Melisma's own methods end with the
    `trailers`, whatever their status.
    """

    def __init__(self, trailers: EndTrailers = no_trailers) -> None:
        self._trailers = trailers

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> _Found:
        """The handler of the call, wrapped."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        mapped = _mapped_stream if handler.response_streaming else _mapped_unary
        own = handler_call_details.method.startswith(OWN_METHODS)
        return mapped(handler, self._trailers if own else no_trailers)


def _mapped_unary(handler: _Handler, trailers: EndTrailers) -> _Handler:
    async def call(data: bytes, context: _Context) -> Any:
        try:
            response = await _own(handler.unary_unary)(_request(handler, data), context)
            context.set_trailing_metadata(trailers())
            return response
        except AbortError:
            raise
        except Exception as error:
            await _abort(context, error, trailers())

    return grpc.unary_unary_rpc_method_handler(call, None, handler.response_serializer)


def _mapped_stream(handler: _Handler, trailers: EndTrailers) -> _Handler:
    async def call(data: bytes, context: _Context) -> AsyncIterator[Any]:
        try:
            async with aclosing(_own(handler.unary_stream)(_request(handler, data), context)) as responses:
                async for response in responses:
                    yield response
            context.set_trailing_metadata(trailers())
        except AbortError:
            raise
        except Exception as error:
            await _abort(context, error, trailers())

    return grpc.unary_stream_rpc_method_handler(call, None, handler.response_serializer)


def _request(handler: _Handler, data: bytes) -> Any:
    return parsed(_own(handler.request_deserializer), data)


async def _abort(context: _Context, error: Exception, trailers: Trailers) -> Never:
    if outcome_of(error) is INTERNAL:
        logger.error("A call failed because of a bug", exc_info=error)
    # What was set as trailing metadata before is lost: the status brings its own.
    status = rpc_status.to_status(status_of(error))
    await context.abort_with_status(_Ending(status.code, status.details, (*status.trailing_metadata, *trailers)))


class RequestLog(ServerInterceptor):
    """Writes one line for every call: method, caller, code, seconds; and its span. Nothing that was asked for is in it.

    Methods that are not Melisma's own, such as health checks, are logged at level debug and have no span; nor are they
    counted in `calls`.
    """

    def __init__(self, tracer: Tracer, calls: OpenCalls, clock: Callable[[], float] = time.monotonic) -> None:
        self._tracer = tracer
        self._calls = calls
        self._clock = clock

    async def intercept_service(
        self, continuation: _Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> _Found:
        """The handler of the call, wrapped."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        logged = self._logged_stream if handler.response_streaming else self._logged_unary
        return logged(handler, handler_call_details.method)

    def _logged_unary(self, handler: _Handler, method: str) -> _Handler:
        async def call(request: Any, context: _Context) -> Any:
            with self._open(method, context) as span, self._line(method, context, span):
                return await _own(handler.unary_unary)(request, context)

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _logged_stream(self, handler: _Handler, method: str) -> _Handler:
        # A coroutine that writes hears of a cancel at once; grpc.aio leaves a generator to the garbage collector.
        async def call(request: Any, context: _Context) -> None:
            with self._open(method, context) as span, self._line(method, context, span):
                async with aclosing(_own(handler.unary_stream)(request, context)) as responses:
                    async for response in responses:
                        await context.write(response)
                await self._calls.before_end()

        wrapped: Any = call
        return grpc.unary_stream_rpc_method_handler(wrapped, handler.request_deserializer, handler.response_serializer)

    @contextmanager
    def _open(self, method: str, context: _Context) -> Iterator[Span]:
        if not method.startswith(OWN_METHODS):
            yield INVALID_SPAN
            return
        metadata = context.invocation_metadata() or ()
        texts = {key: value for key, value in metadata if isinstance(value, str)}
        with self._calls.one(), call_span(self._tracer, method, texts) as span:
            yield span

    @contextmanager
    def _line(self, method: str, context: _Context, span: Span) -> Iterator[None]:
        if span.is_recording():
            bind(trace_id=format_trace_id(span.get_span_context().trace_id))
        # Once the call is over, grpc.aio may have freed what the context answers these two from.
        peer, deadline = context.peer(), self._deadline(context.time_remaining())
        started = self._clock()
        code = grpc.StatusCode.OK
        try:
            yield
        except AbortError:
            code = _status_code(context.code())
            raise
        except (asyncio.CancelledError, GeneratorExit):
            late = self._clock() >= deadline
            code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
            raise
        except BaseException:
            code = grpc.StatusCode.UNKNOWN
            raise
        finally:
            end_call(span, code)
            level = logging.INFO if method.startswith(OWN_METHODS) else logging.DEBUG
            seconds = round(self._clock() - started, 4)
            logger.log(level, "call", extra={"method": method, "peer": peer, "code": code.name, "seconds": seconds})

    def _deadline(self, remaining_seconds: float | None) -> float:
        return math.inf if remaining_seconds is None else self._clock() + remaining_seconds


def _status_code(code: grpc.StatusCode | int) -> grpc.StatusCode:
    # grpc.aio promises a StatusCode here and hands out its number.
    return next(known for known in grpc.StatusCode if code in (known, known.value[0]))


def _own(part: Any) -> Any:
    """A part of a handler that its kind has to have; grpc's type cannot tell the kinds apart."""
    if part is None:
        raise TypeError("The handler lacks the method of its own kind. This is a bug.")
    return part
