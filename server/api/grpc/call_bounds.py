"""Limits the open gRPC calls of each caller and the time in which a call's message must arrive, and ends calls when
their API key expires.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import grpc
from grpc.aio import EOF, ServerInterceptor
from grpc_status import rpc_status

from model.song import Violation
from server.api.call_limits import CallLimits
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
from server.api.peers import host_of
from server.auth.key_life import while_key_lasts
from server.contract.status import outcome_of, status_of
from server.errors import WHOLE_REQUEST, InvalidRequest, RequestTooSlow, ServiceError, Unauthenticated

logger = logging.getLogger(__name__)


class CallBounds(ServerInterceptor):
    """Outermost gRPC interceptor: limits the open calls of each caller, and the time until a call's message arrives.

    A call is counted from the arrival of its headers. gRPC itself limits only the total number of calls, and waits for
    their messages without a time limit.
    """

    def __init__(self, limits: CallLimits, request_seconds: float, measure: MeasureCall = unmeasured) -> None:
        """Set up the interceptor. The message of a call must arrive within `request_seconds`; `measure` is called for
        each call that this interceptor refuses.
        """
        self._limits = limits
        self._measure = measure
        self._request_seconds = request_seconds

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> FoundHandler:
        """Return the handler of the call, wrapped in the limits of open calls and of time."""
        handler = await continuation(handler_call_details)
        return None if handler is None else self._bounded(handler, handler_call_details)

    def _bounded(self, handler: Handler, details: grpc.HandlerCallDetails) -> Handler:
        handle = self._handle_own if is_own(details.method) else self._handle_open

        async def call(requests: Any, context: Context) -> None:
            try:
                async with while_key_lasts():
                    await handle(handler, requests, context)
            except ServiceError as error:
                if not isinstance(error, Unauthenticated):  # the authentication has already measured such a call
                    self._measure(details.method, outcome_of(error).code, 0.0)
                await _refuse(error, details.method, context)

        bounded: Any = call
        deserializer = handler.request_deserializer if handler.request_streaming else None
        return grpc.stream_stream_rpc_method_handler(bounded, deserializer, handler.response_serializer)

    async def _handle_own(self, handler: Handler, requests: Any, context: Context) -> None:
        with self._limits.of_caller(self._caller(context)):
            if handler.request_streaming:
                await _streamed(handler, requests, context)
            else:
                await _answered(handler, await self._request(context), context)

    async def _handle_open(self, handler: Handler, requests: Any, context: Context) -> None:
        peer = host_of(context.peer())
        if handler.request_streaming:
            with self._limits.without_key(peer):
                await _streamed(handler, requests, context)
            return
        request = await self._request(context, peer)
        with self._limits.without_key(peer) if handler.response_streaming else nullcontext():
            await _answered(handler, request, context)

    async def _request(self, context: Context, peer: str | None = None) -> Any:
        """Wait for the call's request message and return its bytes.

        `peer` is given for a call that needs no API key. Until the message arrives, such a call counts towards the
        limit of arriving calls of this address.

        Raises:
            RequestTooSlow: the message did not arrive in time, or the call was ended to admit newer ones.
            InvalidRequest: the client sent no message.
        """
        try:
            async with asyncio.timeout(self._request_seconds) as limit:
                with self._arriving(peer, limit):
                    request = await context.read()
        except TimeoutError:
            raise RequestTooSlow(self._request_seconds) from None
        if request is EOF:
            raise InvalidRequest(
                Violation(WHOLE_REQUEST, "is missing: send one request message after the headers of the call")
            )
        return request

    @contextmanager
    def _arriving(self, peer: str | None, limit: asyncio.Timeout) -> Iterator[None]:
        if peer is None:
            yield
            return
        slots = self._limits.arriving
        slot = slots.admit(peer, lambda: limit.reschedule(asyncio.get_running_loop().time()))
        try:
            yield
        finally:
            if slot is not None:
                slots.release(slot)

    def _caller(self, context: Context) -> str:
        metadata = context.invocation_metadata() or ()
        texts = ((key, value) for key, value in metadata if isinstance(value, str))
        return self._limits.caller_at(host_of(context.peer()), texts)


async def _answered(handler: Handler, request: Any, context: Context) -> None:
    if handler.response_streaming:
        await _write_all(required(handler.unary_stream)(request, context), context)
    else:
        await context.write(await required(handler.unary_unary)(request, context))


async def _streamed(handler: Handler, requests: Any, context: Context) -> None:
    if handler.response_streaming:
        await _write_all(required(handler.stream_stream)(requests, context), context)
    else:
        await context.write(await required(handler.stream_unary)(requests, context))


async def _write_all(responses: Any, context: Context) -> None:
    """Write the responses of a handler to the stream. If `responses` is a coroutine, which writes the responses itself,
    await it.
    """
    if not hasattr(responses, "__aiter__"):
        await responses
        return
    async for response in responses:
        await context.write(response)


async def _refuse(error: ServiceError, method: str, context: Context) -> None:
    level = logging.INFO if is_own(method) else logging.DEBUG
    outcome = outcome_of(error)
    fields = {"method": method, "peer": context.peer(), "code": outcome.code.name, "reason": outcome.reason}
    logger.log(level, "a gRPC call was refused before it reached its method", extra={**fields, "seconds": 0.0})
    await context.abort_with_status(rpc_status.to_status(status_of(error)))
