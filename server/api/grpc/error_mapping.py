"""Maps the errors of every call to statuses."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Never, TypeAlias

import grpc
from grpc.aio import AbortError, ServerInterceptor
from grpc_status import rpc_status

from server.api.failures import log_failure
from server.api.grpc.handlers import Context, Continuation, FoundHandler, Handler, is_own, required
from server.api.grpc.load_report import Trailers
from server.contract.status import status_of
from server.contract.validation import parsed

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

    It also reads the request itself, so that bytes that are no message of the contract get a status of the contract.
    Calls with a stream of requests pass untouched: MusicService has none. Calls of Melisma's own methods end with the
    `trailers`, whatever their status.
    """

    def __init__(self, trailers: EndTrailers = no_trailers) -> None:
        self._trailers = trailers

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> FoundHandler:
        """The handler of the call, wrapped."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        mapped = _mapped_stream if handler.response_streaming else _mapped_unary
        own = is_own(handler_call_details.method)
        return mapped(handler, self._trailers if own else no_trailers)


def _mapped_unary(handler: Handler, trailers: EndTrailers) -> Handler:
    async def call(data: bytes, context: Context) -> Any:
        try:
            response = await required(handler.unary_unary)(_request(handler, data), context)
            context.set_trailing_metadata(trailers())
            return response
        except AbortError:
            raise
        except Exception as error:
            await abort(context, error, trailers())

    return grpc.unary_unary_rpc_method_handler(call, None, handler.response_serializer)


def _mapped_stream(handler: Handler, trailers: EndTrailers) -> Handler:
    async def call(data: bytes, context: Context) -> AsyncIterator[Any]:
        try:
            async with aclosing(required(handler.unary_stream)(_request(handler, data), context)) as responses:
                async for response in responses:
                    yield response
            context.set_trailing_metadata(trailers())
        except AbortError:
            raise
        except Exception as error:
            await abort(context, error, trailers())

    return grpc.unary_stream_rpc_method_handler(call, None, handler.response_serializer)


def _request(handler: Handler, data: bytes) -> Any:
    return parsed(required(handler.request_deserializer), data)


async def abort(context: Context, error: Exception, trailers: Trailers = ()) -> Never:
    """End a call with the status of an error, which is logged where it is a bug."""
    log_failure(error)
    # What was set as trailing metadata before is lost: the status brings its own.
    status = rpc_status.to_status(status_of(error))
    await context.abort_with_status(_Ending(status.code, status.details, (*status.trailing_metadata, *trailers)))
