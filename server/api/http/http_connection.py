"""Serves one HTTP connection, with a time limit for every wait: for headers, for the next request, and for a body that
the application does not read.
"""

import asyncio
from contextlib import suppress
from typing import Any

import h11
from typing_extensions import Buffer, override
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.api.peer_slots import PeerSlot, PeerSlots

_READ_BYTES = 4 << 10
LINGER_SECONDS = 1.0
LINGER_BYTES = 1 << 20
"""Most bytes of a request body that are read and discarded after its response has been sent; then the connection is
closed. Until then the client can still read the response."""

_REFUSAL = (
    b'{"type":"about:blank","title":"Bad Request","status":400,"reason":"INVALID_REQUEST","detail":"this is not a '
    b'valid request of HTTP/1.1, or its headers are too large, or it has both Content-Length and Transfer-Encoding"}'
)
_REFUSAL_HEADERS = [
    (b"content-type", b"application/problem+json"),
    (b"content-length", str(len(_REFUSAL)).encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"connection", b"close"),
]


class _Parser(h11.Connection):
    """HTTP/1.1 parser that refuses ambiguous requests (request smuggling) and notifies the connection when a request
    begins and ends.
    """

    def __init__(self, connection: "HttpConnection", limit_bytes: int) -> None:
        super().__init__(h11.SERVER, limit_bytes)
        self._connection = connection
        self._limit_bytes = limit_bytes

    @override
    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._check(event)
            self._connection.request_began()
        elif isinstance(event, h11.EndOfMessage):
            self._connection.request_ended()
        return event

    def _check(self, request: h11.Request) -> None:
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in request.headers}:
            # RFC 9112, 6.1: probably an attempt to smuggle a request past a proxy.
            raise h11.RemoteProtocolError(
                "the request has both Content-Length and Transfer-Encoding: send only one of them"
            )
        # h11 limits the size of headers only if they arrive in several parts.
        if len(request.target) + sum(len(name) + len(value) for name, value in request.headers) > self._limit_bytes:
            raise h11.RemoteProtocolError("the headers of the request are too large: send fewer or shorter ones")


class HttpConnection(H11Protocol, asyncio.BufferedProtocol):
    """A uvicorn connection that is counted in `connections`, and closed if its peer keeps the server waiting.

    The headers of a request must arrive within `header_seconds`. Between requests uvicorn's timeout applies. At most 4
    KiB are read at a time: in the worst case every few bytes are a chunk of a body, and parsing many chunks would block
    the event loop.
    """

    def __init__(
        self, *arguments: Any, held: PeerSlot, connections: PeerSlots, header_seconds: float, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        assert self.config.h11_max_incomplete_event_size is not None
        self.conn = _Parser(self, self.config.h11_max_incomplete_event_size)
        self._held, self._slots, self._header_seconds = held, connections, header_seconds
        self._deadline: asyncio.TimerHandle | None = None
        self._unread_bytes = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._held.abort = transport.abort
        self._close_in(self._header_seconds)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._keep_open()
        self._slots.release(self._held)
        super().connection_lost(exc)

    @override
    def get_buffer(self, sizehint: int) -> Buffer:
        self._buffer = bytearray(_READ_BYTES)
        return self._buffer

    @override
    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._buffer[:nbytes]))

    @override
    def data_received(self, data: bytes) -> None:
        if self._held.waiting and self._deadline is None:
            self._close_in(self._header_seconds)
        if self._lingers:
            self._unread_bytes += len(data)
            if self._unread_bytes > LINGER_BYTES:
                self.transport.abort()
                return
        super().data_received(data)

    def request_began(self) -> None:
        """Handle the arrival of a request's headers: cancel their time limit, and mark the connection as not
        waiting.
        """
        self._keep_open()
        self._held.waiting = False
        self._unread_bytes = 0

    def request_ended(self) -> None:
        """Handle the end of a request's body: cancel the time limit for a body that arrives after its response."""
        if self._lingers:
            self._keep_open()

    @override
    def on_response_complete(self) -> None:
        if self._lingers and not self.transport.is_closing():
            self._close_in(LINGER_SECONDS)
        self._slots.mark_waiting(self._held)
        super().on_response_complete()
        if self._held.waiting and not self._lingers and self.conn.trailing_data[0]:
            self._close_in(self._header_seconds)

    @override
    def send_400_response(self, msg: str) -> None:
        answer = h11.Response(status_code=400, headers=_REFUSAL_HEADERS, reason=b"Bad Request")
        with suppress(h11.LocalProtocolError):  # a response has begun, or the request is HEAD
            for event in (answer, h11.Data(data=_REFUSAL), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def _lingers(self) -> bool:
        """Return True while a request is still arriving although its response has been sent."""
        answered = self.cycle is not None and self.cycle.response_complete  # type: ignore[redundant-expr]
        return answered and self.conn.their_state is h11.SEND_BODY

    def _close_in(self, seconds: float) -> None:
        self._keep_open()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _keep_open(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
