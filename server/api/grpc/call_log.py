"""Logs every gRPC call and traces it with a span."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Any

import grpc
from grpc.aio import AbortError, InternalError, ServerInterceptor
from opentelemetry.trace import INVALID_SPAN, Span, Tracer

from server.api.ends import grpc_ends
from server.api.grpc.error_mapping import abort
from server.api.grpc.handlers import (
    Context,
    Continuation,
    FoundHandler,
    Handler,
    MeasureCall,
    is_own,
    required,
    unmeasured,
)
from server.api.open_calls import OpenCalls
from server.api.proxies import TrustedProxies
from server.auth.key_life import key_expired
from server.contract.status import outcome_of
from server.errors import ListenerStalled
from server.logs import bind, bound_fields
from server.telemetry.traces.call_trace import End, call_span, end_call, note_fields, trace_names

_STATUS_SECONDS = 0.1
"""Longest time, in seconds, to wait until the status of a call whose client reads nothing can be sent."""

logger = logging.getLogger(__name__)


class RequestLog(ServerInterceptor):
    """Interceptor that logs one line for every call (method, caller, code, seconds) and traces each call with a span.
    Log lines and spans contain nothing of the request's content.

    Methods of other services, such as health checks, are logged at level debug; they have no span and are not counted
    as open calls.
    """

    def __init__(
        self,
        tracer: Tracer,
        calls: OpenCalls,
        server: End,
        proxies: TrustedProxies,
        clock: Callable[[], float] = time.monotonic,
        measure: MeasureCall = unmeasured,
    ) -> None:
        """Set up the request log; `clock` returns monotonic seconds; `measure` is called for each call of Melisma's own
        methods.

        Open calls are counted in `calls`. Spans name the address of this `server`, and the clients that trusted
        `proxies` report.
        """
        self._server = server
        self._proxies = proxies
        self._tracer = tracer
        self._calls = calls
        self._measure = measure
        self._clock = clock

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> FoundHandler:
        """Return the handler of the call, wrapped in logging and tracing."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        logged = self._logged_stream if handler.response_streaming else self._logged_unary
        return logged(handler, handler_call_details.method)

    def _logged_unary(self, handler: Handler, method: str) -> Handler:
        async def call(request: Any, context: Context) -> Any:
            with self._open(method, context) as span, self._line(method, context, span):
                return await required(handler.unary_unary)(request, context)

        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _logged_stream(self, handler: Handler, method: str) -> Handler:
        # A handler that writes its responses itself ends at once when the call is cancelled. grpc.aio would not close a
        # generator; only the garbage collector would.
        async def call(request: Any, context: Context) -> None:
            with suppress(ListenerStalled), self._open(method, context) as span, self._line(method, context, span):
                try:
                    async with aclosing(required(handler.unary_stream)(request, context)) as responses:
                        async for response in responses:
                            await self._calls.taken(_written(context, response))
                except ListenerStalled as error:
                    await _end_stalled(context, error)
                    raise
                await self._calls.before_end()

        wrapped: Any = call
        return grpc.unary_stream_rpc_method_handler(wrapped, handler.request_deserializer, handler.response_serializer)

    @contextmanager
    def _open(self, method: str, context: Context) -> Iterator[Span]:
        if not is_own(method):
            yield INVALID_SPAN
            return
        metadata = context.invocation_metadata() or ()
        texts = {key: value for key, value in metadata if isinstance(value, str)}
        ends = grpc_ends(context.peer(), metadata, self._server, self._proxies)
        with self._calls.one(), call_span(self._tracer, method, texts, ends) as span:
            yield span

    @contextmanager
    def _line(self, method: str, context: Context, span: Span) -> Iterator[None]:
        bind(**trace_names(span))
        # Both values are read at the start, because grpc.aio may have freed their data at the end of the call.
        peer, deadline = context.peer(), self._deadline(context.time_remaining())
        started = self._clock()
        code = grpc.StatusCode.OK
        try:
            yield
        except AbortError:
            code = _status_code(context.code())
            raise
        except ListenerStalled as error:
            code = outcome_of(error).code
            raise
        except (asyncio.CancelledError, GeneratorExit):
            code = self._broken_off(deadline)
            raise
        except BaseException:
            code = grpc.StatusCode.UNKNOWN
            raise
        finally:
            note_fields(span, bound_fields())
            end_call(span, code)
            level = logging.INFO if is_own(method) else logging.DEBUG
            seconds = round(self._clock() - started, 4)
            self._measure(method, code, seconds)
            logger.log(
                level,
                "a gRPC call has ended",
                extra={"method": method, "peer": peer, "code": code.name, "seconds": seconds},
            )

    def _broken_off(self, deadline: float) -> grpc.StatusCode:
        if key_expired():
            return grpc.StatusCode.UNAUTHENTICATED
        return grpc.StatusCode.DEADLINE_EXCEEDED if self._clock() >= deadline else grpc.StatusCode.CANCELLED

    def _deadline(self, remaining_seconds: float | None) -> float:
        return math.inf if remaining_seconds is None else self._clock() + remaining_seconds


async def _written(context: Context, response: Any) -> None:
    """Write a response to a call. If the connection breaks during the write, the call ends as if its client had
    cancelled it.
    """
    try:
        await context.write(response)
    except InternalError:  # gRPC could not send the response, and would log this error with a traceback
        raise asyncio.CancelledError from None


async def _end_stalled(context: Context, error: ListenerStalled) -> None:
    """End a call whose client reads no responses, with the gRPC status that belongs to `error`.

    The client gets the status after all responses that it has not read yet, which stay buffered until the connection is
    closed.
    """
    # After this time gRPC keeps the status, and sends no other one when the coroutine ends.
    with suppress(TimeoutError, InternalError):
        async with asyncio.timeout(_STATUS_SECONDS):
            await abort(context, error)


def _status_code(code: grpc.StatusCode | int) -> grpc.StatusCode:
    # The return type of ServicerContext.code is StatusCode, but grpc.aio returns the number of the code.
    return next(known for known in grpc.StatusCode if code in (known, known.value[0]))
