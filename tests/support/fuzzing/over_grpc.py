"""Sends random calls to a gRPC port, and cancels each song that they begin once the server has sent its plan."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from google.protobuf.descriptor import Descriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from melisma.orca.v1.load_report_pb2 import LoadReportRequest
from melisma.v1 import music_pb2
from tests.support.fuzzing import messages, texts
from tests.support.fuzzing.findings import ANSWER_SECONDS, GOOD_SHARE, PLANNED, Findings, chance_of, send_all
from tests.support.fuzzing.songs import good_song

GENERATE = "/melisma.v1.MusicService/Generate"
FAULTS = frozenset({"INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED", "DATA_LOSS", "ABORTED"})

_SERVICES = (
    music_pb2.DESCRIPTOR.services_by_name["MusicService"],
    health_pb2.DESCRIPTOR.services_by_name["Health"],
    reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
)
_LOAD = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics"
METHODS: Sequence[tuple[str, Any]] = (
    *(
        (f"/{service.full_name}/{method.name}", method.input_type)
        for service in _SERVICES
        for method in service.methods
    ),
    (_LOAD, LoadReportRequest.DESCRIPTOR),
)
_ENDLESS = frozenset({"/grpc.health.v1.Health/Watch", _LOAD})
_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_MESSAGES_BEFORE_SOUND = 2
_METADATA = (
    ("x-caller", "me"),
    ("x-caller", "a" * 65),
    ("x-caller", " "),
    ("traceparent", "00-x"),
    ("x-a", "b" * 9_000),
)


@dataclass
class Sender:
    """Sends random calls to the server at `address`, with requests for songs of `engine`. Each call depends only on the
    seed, the number of the call, and `good_share`, the share of valid song requests.
    """

    address: str
    engine: str
    seed: int
    good_share: float = GOOD_SHARE
    findings: Findings = field(default_factory=Findings)

    async def send(self, numbers: range) -> None:
        """Send the calls with these numbers."""
        async with grpc.aio.insecure_channel(self.address, _OPTIONS) as channel:
            await send_all(numbers, lambda number: self._send_one(channel, number))

    async def _send_one(self, channel: grpc.aio.Channel, number: int) -> None:
        chance = chance_of(self.seed, number)
        method, data = call(chance, self.engine, self.good_share)
        metadata = [chance.choice(_METADATA)] if chance.random() < 0.03 else []
        told = await answer(channel, method, data, metadata)
        self.findings.answers[told] += 1
        if told in FAULTS:
            self.findings.fault(f"{self.seed}:{number} {method}", told, data)


def call(chance: random.Random, engine: str, good_share: float) -> tuple[str, bytes]:
    """Return the name of a random method and the bytes of its request; with the probability `good_share` it is a valid
    request for a song.
    """
    if chance.random() < good_share:
        return GENERATE, good_song(chance, engine).SerializeToString()
    if chance.random() < 0.8:
        return GENERATE, _generate(chance, engine)
    method, kind = chance.choice(METHODS)
    return method, messages.message(chance, kind, 0.7)


def _generate(chance: random.Random, engine: str) -> bytes:
    kind: Descriptor = music_pb2.GenerateRequest.DESCRIPTOR
    good = good_song(chance, engine).SerializeToString()
    way = chance.random()
    if way < 0.55:
        return messages.extended(chance, kind, good)
    if way < 0.85:
        return messages.message(chance, kind)
    return texts.damaged(chance, good if way < 0.95 else chance.randbytes(chance.randrange(200)))


async def answer(channel: grpc.aio.Channel, method: str, data: bytes, metadata: Sequence[tuple[str, str]] = ()) -> str:
    """Make one call, and return the name of its status. A song is cancelled once its plan, the second message of the
    stream, has arrived; then `PLANNED` is returned. An endless stream is cancelled after its first message.
    """
    raw: Any = channel.unary_stream(method)
    sent = raw(data, timeout=ANSWER_SECONDS, metadata=tuple(metadata))
    told = 0
    try:
        async for _ in sent:
            told += 1
            if told == 1 and method in _ENDLESS:
                sent.cancel()
                return "OK"
            if told == _MESSAGES_BEFORE_SOUND and method == GENERATE:
                sent.cancel()
                return PLANNED
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"
