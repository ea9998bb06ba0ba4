"""Ends connections on which a request goes on after its answer: nobody reads the rest."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_DISCARDED_BYTES = 4 << 20
MAX_DISCARD_SECONDS = 1.0
"""Time and bytes for the rest of a body, since a client that still sends hears no answer."""


class UnreadBodies:
    """Middleware that answers requests whose body was not read with `Connection: close`.

    Some of the rest of such a body is read and thrown away first. A request that gives its length in two ways is its
    connection's last one, too (RFC 9112, section 6.1).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send, Headers(scope=scope))
        await self._app(scope, body.receive, body.send)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


class _Body:
    """The body of one request, and how far it was read."""

    def __init__(self, receive: Receive, send: Send, headers: Headers) -> None:
        self._receive = receive
        self._send = send
        self._complete = False
        self._waits = "expect" in headers
        self._told_twice = "transfer-encoding" in headers and "content-length" in headers

    async def receive(self) -> Message:
        """The next message from the client."""
        self._waits = False
        message = await self._receive()
        self._complete = self._complete or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a message; the first of an answer says whether the connection ends with it."""
        if message["type"] == "http.response.start":
            if not self._complete and not self._waits:
                await self._discard()
            if not self._complete or self._told_twice:
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await self._send(message)

    async def _discard(self) -> None:
        left = MAX_DISCARDED_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_DISCARD_SECONDS):
                while not self._complete and left > 0:
                    left -= len((await self.receive()).get("body", b""))
