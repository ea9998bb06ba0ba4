"""Keeps encoder processes running on a Ray cluster (pool): a fixed number for each device, on the node of the device's
worker.
"""

from collections.abc import Callable, Sequence

from typing_extensions import override

from server.encoders.messages import EncoderSpec
from server.encoders.node_encoder import NodeEncoder
from server.encoders.restarting_pool import RestartingEncoders
from server.workers.ray.bridge import Bridge


class NodeEncoders(RestartingEncoders):
    """Keeps encoder processes running on a Ray cluster, on the same nodes as the workers.

    A song keeps its encoder even if it moves to a device of another node; its sound is then sent over the network.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        devices: Sequence[str],
        encoders: int,
        *,
        bridge: Bridge,
        node_id: Callable[[str], str],
        answer_timeout_seconds: float = 10.0,
        restart_backoff_seconds: float = 0.25,
    ) -> None:
        """Set up `encoders` encoders for each device; `bridge` passes messages to and from the Ray cluster; `node_id`
        returns the id of the node on which a device's worker runs, "" if there is no worker. An encoder that does not
        answer a ping within `answer_timeout_seconds` is replaced. The pause before a restart is
        `restart_backoff_seconds`, and doubles with every failed start.
        """
        self._pairs = [device for device in devices for _ in range(encoders)]
        self._spec = spec
        self._bridge = bridge
        self._node_id = node_id
        self._begun: dict[str, str] = {}
        super().__init__(
            len(self._pairs),
            answer_timeout_seconds=answer_timeout_seconds,
            restart_backoff_seconds=restart_backoff_seconds,
        )

    @override
    def address_for(self, song_id: str, device: str) -> str | None:
        """Return the address of the encoder to which a worker of `device` sends a song's sound; `None` while the song
        waits for an encoder.

        If no encoder has got sound of the song yet, the song is moved to an encoder on the node of `device`, if there
        is one.
        """
        address = self.address_of(song_id)
        if address is None or self._begun.get(song_id) == address:
            return address
        node = self._node_id(device)
        self._assignments.move(song_id, [one.address for one in self._running() if one.node_id == node])
        address = self.address_of(song_id)
        assert address is not None
        self._begun[song_id] = address
        return address

    @override
    def leave(self, song_id: str) -> None:
        address = self.address_of(song_id)
        super().leave(song_id)
        self._begun.pop(song_id, None)
        if address is not None and not self._assignments.songs_of(address):
            self._bring_back(address)

    @override
    def _new_encoder(self, number: int, address: str) -> NodeEncoder:
        return NodeEncoder(self._pairs[number], self._spec, self._bridge)

    def _running(self) -> list[NodeEncoder]:
        return [encoder for encoder in self.up.values() if isinstance(encoder, NodeEncoder)]

    def _bring_back(self, address: str) -> None:
        """End the encoder at `address`, which has no songs, if the worker of its device now runs on another node. The
        encoder is then started again on that node.
        """
        encoder = self.up[address]
        if isinstance(encoder, NodeEncoder) and self._node_id(encoder.device) not in ("", encoder.node_id):
            encoder.kill()
