"""The kinds of encoder pools, for tests that all of them have to pass."""

import asyncio
from typing import Protocol

from server.encoders.base import EncoderPoolObserver
from server.encoders.encoder_process import EncoderProcess
from server.encoders.local_pool import LocalEncoders
from server.encoders.node_pool import NodeEncoders
from server.encoders.restarting_pool import RestartingEncoders
from server.workers.device_spec import DeviceSpec
from server.workers.ray.pool import RayPool
from tests.support.encoders.in_process import in_process_encoders
from tests.support.fakes import FAKE_ENCODER
from tests.support.workers.fake_cluster import DriverTask
from tests.support.workers.in_process_pool import IN_PROCESS_FAKE
from tests.support.workers.observers import FakeObserver

CPU = DeviceSpec("cpu", "cpu")


class EncoderKind(Protocol):
    """Protocol of one kind of encoder pool."""

    def pool(self, encoders: int = 1) -> RestartingEncoders:
        """Return a pool of fake encoders, which are restarted without delay; `encoders` is their number."""


class ProcessEncoders:
    """Encoder pools with encoder processes."""

    def pool(self, encoders: int = 1) -> LocalEncoders:
        return LocalEncoders(
            lambda address: EncoderProcess(address, FAKE_ENCODER), encoders, restart_backoff_seconds=0.0
        )


class OnNode(NodeEncoders):
    """A pool of encoders on the node of a simulated cluster's worker; `run` also runs the pool of that worker."""

    def __init__(self, encoders: int) -> None:
        self._workers = RayPool([CPU], [IN_PROCESS_FAKE], address="head:6379", new_process=lambda: DriverTask([]))
        bridge, node_id = self._workers.bridge, self._workers.node_id
        super().__init__(FAKE_ENCODER, ["cpu"], encoders, bridge=bridge, node_id=node_id, restart_backoff_seconds=0.0)

    async def run(self, observer: EncoderPoolObserver) -> None:
        workers = asyncio.create_task(self._workers.run(FakeObserver()))
        try:
            await super().run(observer)
        finally:
            workers.cancel()
            await asyncio.gather(workers, return_exceptions=True)


class ClusterEncoders:
    """Encoder pools with encoders on the nodes of a simulated cluster."""

    def pool(self, encoders: int = 1) -> OnNode:
        return OnNode(encoders)


class InProcessEncoders:
    """Encoder pools with threads of this process."""

    def pool(self, encoders: int = 1) -> LocalEncoders:
        return in_process_encoders(encoders=encoders)
