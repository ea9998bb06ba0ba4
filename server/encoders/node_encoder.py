"""Starts, commands and stops one encoder process on a node of a Ray cluster, beside the worker of a device, for the
server.
"""

import asyncio
import pickle
from contextlib import suppress
from typing import cast

from server.encoders.base import EncoderDied
from server.encoders.messages import EncoderReady, EncoderSpec, FromEncoder, ToEncoder
from server.workers.base import WorkerDied
from server.workers.ray.bridge import Bridge
from server.workers.ray.messages import (
    CompanionEnded,
    CompanionMessage,
    CompanionStarted,
    EndCompanion,
    OfCompanion,
    SendToCompanion,
    StartCompanion,
)
from server.workers.ray.node.socket_path import joined

_PLACED_SECONDS = 300.0
_END_SECONDS = 35.0
"""Longest time, in seconds, that ending the encoder process on its node takes before the process is given up as
lost.
"""


class _ClusterLost(Exception):
    """Error: the connection to the cluster was lost before the encoder had started."""


class NodeEncoder:
    """Handle of an encoder process on the node of the worker of `device`, which sends its sound to the encoder without
    the network.
    """

    def __init__(self, device: str, spec: EncoderSpec, bridge: Bridge) -> None:
        self.device = device
        self._spec = spec
        self._bridge = bridge
        self._number: int | None = None
        self._started: asyncio.Future[CompanionStarted] | None = None
        self._messages: asyncio.Queue[FromEncoder | None] = asyncio.Queue()
        self._ended: CompanionEnded | None = None
        self._gone = asyncio.Event()
        self.node_id = ""
        """Id of the cluster node of the encoder; empty before the encoder has started."""
        self.address = ""
        """Address of the encoder: the node and the path of the Unix socket there; empty before the encoder has
        started.
        """
        self.sound = ""
        """Fingerprint of the encoding, a hash that is equal for encoders that make the same bytes. It is empty before
        the encoder has started, or if it was not requested.
        """

    @property
    def pid(self) -> int | None:
        """Always `None`: the process is on another computer or in another container, where process ids have another
        meaning.
        """
        return None

    async def start(self, timeout_seconds: float) -> None:
        """Start the encoder process as soon as the device has a worker, and wait until it accepts sound.

        Raises:
            EncoderDied: the cluster cannot be joined, the device has no worker for some minutes, or the process
                ended.
        """
        try:
            async with asyncio.timeout(_PLACED_SECONDS + timeout_seconds):
                started = None
                while started is None:
                    await asyncio.shield(self._bridge.connect())
                    with suppress(_ClusterLost):
                        started = await self._start()
        except WorkerDied as error:
            raise EncoderDied(str(error)) from error
        except TimeoutError:
            raise EncoderDied(
                f"the encoder was not started within {_PLACED_SECONDS + timeout_seconds:g} seconds, because device "
                f"{self.device} has no worker, or its node cannot start encoders: see the log"
            ) from None
        self.node_id, self.address = started.node_id, joined(started.node_id, started.address)
        self.sound = cast(EncoderReady, pickle.loads(started.first)).sound

    def send(self, message: ToEncoder) -> None:
        """Send a command to the encoder process."""
        assert self._number is not None
        self._bridge.send(SendToCompanion(self._number, pickle.dumps(message, pickle.HIGHEST_PROTOCOL)))

    async def receive(self) -> FromEncoder:
        """Wait for the encoder's next message.

        Raises:
            EncoderDied: the process has ended.
        """
        message = await self._messages.get()
        if message is None:
            self._messages.put_nowait(None)
            raise EncoderDied(self._ended.text if self._ended else f"the encoder of device {self.device} was stopped")
        return message

    def kill(self) -> None:
        """Request the end of the encoder process, without waiting for it."""
        if self._number is not None:
            self._bridge.send(EndCompanion(self._number))

    async def stop(self, grace_seconds: float) -> None:
        """End the encoder process, and wait until it has ended or its node is given up as lost."""
        if self._number is None:
            return
        if self._ended is None:
            self.kill()
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS + grace_seconds):
                    await self._gone.wait()
        self._bridge.leave(self._number)

    async def _start(self) -> CompanionStarted:
        self._started = asyncio.get_running_loop().create_future()
        number = self._number = self._bridge.enter_companion(self._take)
        spec = pickle.dumps(self._spec, pickle.HIGHEST_PROTOCOL)
        self._bridge.send(StartCompanion(number, self.device, "server.encoders.encoder", spec))
        try:
            return await self._started
        except _ClusterLost:
            self._bridge.leave(number)
            self._number = None
            raise

    def _take(self, message: OfCompanion) -> None:
        match message:
            case CompanionMessage():
                self._messages.put_nowait(cast(FromEncoder, pickle.loads(message.message)))
            case CompanionStarted():
                if self._started is not None and not self._started.done():
                    self._started.set_result(message)
            case CompanionEnded(cluster_lost=True) if self._started is not None and not self._started.done():
                self._started.set_exception(_ClusterLost)
            case CompanionEnded():
                self._ended = message
                self._gone.set()
                self._messages.put_nowait(None)
                if self._started is not None and not self._started.done():
                    self._started.set_exception(EncoderDied(message.text))
