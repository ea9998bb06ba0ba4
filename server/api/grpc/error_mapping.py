"""Maps the exceptions of all gRPC calls to gRPC statuses."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from typing import Any, Never, TypeAlias

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from grpc.aio import AbortError, ServerInterceptor
from grpc_status import rpc_status

from server.api.failures import log_failure
from server.api.grpc.handlers import Context, Continuation, FoundHandler, Handler, is_own, required
from server.api.grpc.load_report import Trailers
from server.contract.status import outcome_of, status_of
from server.contract.validation import parsed
from server.contract.wire_scan import RequestLimits, scan, scan_foreign
from server.errors import InvalidRequest
from server.logs import bind

EndTrailers: TypeAlias = Callable[[], Trailers]
"""Function that returns the trailing metadata of a call, which describe the load of the server."""
Reader: TypeAlias = Callable[[bytes], Any]
"""Function that parses the bytes of a request message; raises InvalidRequest if they cannot be parsed."""

DEFAULT_LIMITS = RequestLimits()


def no_trailers() -> Trailers:
    """Return no trailing metadata; the default for calls without a load report."""
    return ()


@dataclass(frozen=True)
class _Ending(grpc.Status):
    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str | bytes], ...]


class ErrorMapping(ServerInterceptor):
    """Interceptor that maps the exceptions of handlers to gRPC statuses by `contract.status`. A bug is logged with its
    traceback and sent as INTERNAL.

    The interceptor also checks the bytes of a request before they are parsed: bytes that are not a message of the API,
    or exceed `limits`, are refused. The messages of other services (health, reflection) have a common size limit. Calls
    of Melisma's own methods end with the trailing metadata `trailers`, whatever their status.
    """

    def __init__(self, trailers: EndTrailers = no_trailers, limits: RequestLimits = DEFAULT_LIMITS) -> None:
        self._trailers = trailers
        self._limits = limits

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> FoundHandler:
        """Return the handler of the call, wrapped in the mapping of exceptions to statuses."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        read = self._reader(handler, method)
        if handler.request_streaming:
            return _mapped_streams(handler, read)
        mapped = _mapped_stream if handler.response_streaming else _mapped_unary
        return mapped(handler, read, self._trailers if is_own(method) else no_trailers)

    def _reader(self, handler: Handler, method: str) -> Reader:
        """Return the function that checks and parses the request bytes of a method."""
        parse = required(handler.request_deserializer)
        if not is_own(method):
            return lambda data: parsed(parse, scan_foreign(data))
        message = _request_type(method)
        return lambda data: parsed(parse, scan(message, data, self._limits))


@cache
def _request_type(method: str) -> Descriptor:
    """Return the request type of one of Melisma's own methods, such as /melisma.v1.MusicService/Generate."""
    name = method.removeprefix("/").replace("/", ".")
    return descriptor_pool.Default().FindMethodByName(name).input_type


def _mapped_unary(handler: Handler, read: Reader, trailers: EndTrailers) -> Handler:
    async def call(data: bytes, context: Context) -> Any:
        try:
            response = await required(handler.unary_unary)(read(data), context)
            context.set_trailing_metadata(trailers())
            return response
        except AbortError:
            raise
        except Exception as error:
            await abort(context, error, trailers())

    return grpc.unary_unary_rpc_method_handler(call, None, handler.response_serializer)


def _mapped_stream(handler: Handler, read: Reader, trailers: EndTrailers) -> Handler:
    async def call(data: bytes, context: Context) -> AsyncIterator[Any]:
        try:
            async with aclosing(required(handler.unary_stream)(read(data), context)) as responses:
                async for response in responses:
                    yield response
            context.set_trailing_metadata(trailers())
        except AbortError:
            raise
        except Exception as error:
            await abort(context, error, trailers())

    return grpc.unary_stream_rpc_method_handler(call, None, handler.response_serializer)


def _mapped_streams(handler: Handler, read: Reader) -> Handler:
    """Return a handler of bidirectional streams that ends the call with a status for an invalid request message; `read`
    checks and parses each message. Other errors of the handler are not mapped.
    """
    answer = required(handler.stream_stream)

    async def call(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[Any]:
        async def messages() -> AsyncIterator[Any]:
            async for data in requests:
                yield read(data)

        try:
            async with aclosing(answer(messages(), context)) as responses:
                async for response in responses:
                    yield response
        except InvalidRequest as error:
            await abort(context, error)

    return grpc.stream_stream_rpc_method_handler(call, None, handler.response_serializer)


async def abort(context: Context, error: Exception, trailers: Trailers = ()) -> Never:
    """End a call with the gRPC status for an error; the error is also logged if it is a bug or an error of the song
    store.
    """
    log_failure(error)
    bind(reason=outcome_of(error).reason)
    # abort_with_status replaces trailing metadata that was set before.
    status = rpc_status.to_status(status_of(error))
    await context.abort_with_status(_Ending(status.code, status.details, (*status.trailing_metadata, *trailers)))
