"""Sends random requests to an HTTP port, and cancels each song that they begin once the server has sent its plan."""

import asyncio
import json
from dataclasses import dataclass, field

from tests.support.fuzzing import http_requests
from tests.support.fuzzing.findings import ANSWER_SECONDS, GOOD_SHARE, PLANNED, Findings, chance_of, send_all

_NOTHING = "no answer"
_FAULTS = frozenset({_NOTHING, "late"})
_ACCEPTED, _SERVER_ERROR, _UNAVAILABLE, _NO_SUCH_METHOD = 202, 500, 503, 501
_MOST_BYTES = 1 << 16


@dataclass
class Sender:
    """Sends random requests to one server about songs of one engine; each depends only on the seed, the number of the
    request, and `good_share`, the share of valid song requests. `findings` counts the responses.
    """

    host: str
    port: int
    engine: str
    seed: int
    good_share: float = GOOD_SHARE
    findings: Findings = field(default_factory=Findings)

    async def send(self, numbers: range) -> None:
        """Send the requests with these numbers."""
        await send_all(numbers, self._send_one)

    async def _send_one(self, number: int) -> None:
        chance = chance_of(self.seed, number)
        good = chance.random() < self.good_share
        data = (http_requests.good_generate if good else http_requests.request)(chance, self.engine)
        told, body = await self.ask(data)
        self.findings.answers[told] += 1
        if told in _FAULTS or (told.isdigit() and int(told) >= _SERVER_ERROR and int(told) != _UNAVAILABLE):
            self.findings.fault(f"{self.seed}:{number}", f"{told} {body[-300:]!r}", data)
        if told == str(_ACCEPTED):
            await self._cancel_when_planned(f"/v1/audio/music/{json.loads(body)['task_id']}", data)

    async def _cancel_when_planned(self, place: str, asked: bytes) -> None:
        _, told = await self.ask(http_requests.plain(f"{place}/events", like=asked), until=b"event: plan")
        self.findings.answers[PLANNED] += b"event: plan" in told
        cancelled, _ = await self.ask(http_requests.plain(f"{place}/cancel", b"POST", like=asked))
        if cancelled != "200":
            self.findings.fault(place, f"cancelling: {cancelled}", asked)

    async def ask(self, data: bytes, until: bytes | None = None) -> tuple[str, bytes]:
        """Send a request; return the status and the first bytes of the response's body, up to its end or the bytes
        `until`.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return _read(await self._exchanged(data, until))
        except TimeoutError:
            return "late", b""
        except OSError:
            return _NOTHING, b""

    async def _exchanged(self, data: bytes, until: bytes | None) -> bytes:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        received = b""
        try:
            writer.write(data)
            while len(received) < _MOST_BYTES and (until is None or until not in received):
                if not (piece := await reader.read(_MOST_BYTES)):
                    break
                received += piece
        except ConnectionError:
            if not received:
                raise
        finally:
            writer.close()
        return received


def _read(received: bytes) -> tuple[str, bytes]:
    head, _, body = received.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100"):
        head, _, body = body.partition(b"\r\n\r\n")
    return (head[9:12].decode() if head.startswith(b"HTTP/1.1 ") else _NOTHING), body
