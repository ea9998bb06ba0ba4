"""Bounds the calls of each caller, the wait for a call's message, and the life of a call by that of its key."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import grpc
from grpc.aio import EOF, ServerInterceptor
from grpc_status import rpc_status

from model.song import Violation
from server.api.call_limits import CallLimits
from server.api.grpc.handlers import Context, Continuation, FoundHandler, Handler, is_own, required
from server.api.peers import host_of
from server.auth.caller import authenticated
from server.auth.key_life import while_key_lasts
from server.contract.status import outcome_of, status_of
from server.errors import WHOLE_REQUEST, InvalidRequest, RequestTooSlow, ServiceError

logger = logging.getLogger(__name__)


class CallBounds(ServerInterceptor):
    """Counts a call from its header on, before there is a message of it; the outermost of the interceptors.

    gRPC counts such calls as well, but bounds only all of them together, and would wait for their message for ever.
    """

    def __init__(self, limits: CallLimits, request_seconds: float) -> None:
        """A message has `request_seconds` to arrive."""
        self._limits = limits
        self._request_seconds = request_seconds

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> FoundHandler:
        """The handler of the call, wrapped."""
        handler = await continuation(handler_call_details)
        return None if handler is None else self._bounded(handler, handler_call_details)

    def _bounded(self, handler: Handler, details: grpc.HandlerCallDetails) -> Handler:
        async def call(requests: Any, context: Context) -> None:
            try:
                with self._counted(details, context):
                    async with while_key_lasts():
                        await self._handle(handler, requests, context)
            except ServiceError as error:
                await _refuse(error, details.method, context)

        bounded: Any = call
        deserializer = handler.request_deserializer if handler.request_streaming else None
        return grpc.stream_stream_rpc_method_handler(bounded, deserializer, handler.response_serializer)

    async def _handle(self, handler: Handler, requests: Any, context: Context) -> None:
        if handler.request_streaming:
            await _streamed(handler, requests, context)
            return
        request = await self._request(context)
        if handler.response_streaming:
            await _told(required(handler.unary_stream)(request, context), context)
        else:
            await context.write(await required(handler.unary_unary)(request, context))

    async def _request(self, context: Context) -> Any:
        """The bytes of the message.

        Raises:
            RequestTooSlow: it does not arrive in time.
            InvalidRequest: there is none.
        """
        try:
            async with asyncio.timeout(self._request_seconds):
                request = await context.read()
        except TimeoutError:
            raise RequestTooSlow(self._request_seconds) from None
        if request is EOF:
            raise InvalidRequest(Violation(WHOLE_REQUEST, "has no message: send one behind the header of the call"))
        return request

    @contextmanager
    def _counted(self, details: grpc.HandlerCallDetails, context: Context) -> Iterator[None]:
        peer = host_of(context.peer())
        counted: AbstractContextManager[None]
        if not is_own(details.method):
            counted = self._limits.without_key(peer)
        else:
            counted = self._limits.of_caller(authenticated.get() or self._client(peer, details))
        with counted:
            yield

    def _client(self, peer: str, details: grpc.HandlerCallDetails) -> str:
        metadata = details.invocation_metadata or ()
        return self._limits.proxies.client(peer, ((key, value) for key, value in metadata if isinstance(value, str)))


async def _streamed(handler: Handler, requests: Any, context: Context) -> None:
    if handler.response_streaming:
        await _told(required(handler.stream_stream)(requests, context), context)
    else:
        await context.write(await required(handler.stream_unary)(requests, context))


async def _told(responses: Any, context: Context) -> None:
    """Pass on what a handler yields; one that writes by itself is awaited."""
    if not hasattr(responses, "__aiter__"):
        await responses
        return
    async for response in responses:
        await context.write(response)


async def _refuse(error: ServiceError, method: str, context: Context) -> None:
    level = logging.INFO if is_own(method) else logging.DEBUG
    told = {"method": method, "peer": context.peer(), "code": outcome_of(error).code.name, "seconds": 0.0}
    logger.log(level, "call refused", extra=told)
    await context.abort_with_status(rpc_status.to_status(status_of(error)))
