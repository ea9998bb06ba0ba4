"""Data type that describes one device of the server: its names, engines and limits."""

from dataclasses import dataclass

from server.workers.messages import Lane


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """Specification of one device and its worker: name in logs and metrics, name in torch ("cpu", "cuda:0"), engines
    and limits.

    Empty `engines` means all engines of the server. At most `running_songs` songs are made at the same time. A batch
    has at most `batch_sections` sections with `batch_tokens` tokens in total. The sections that are being made occupy
    at most `memory_bytes` of the device (0: no limit).
    """

    name: str
    device: str
    engines: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = (Lane.BOTH,)
    running_songs: int = 32
    batch_tokens: int = 8192
    batch_sections: int = 64
    memory_bytes: int = 0

    def loads(self, engine: str) -> bool:
        """Return True if the worker of the device loads `engine`."""
        return not self.engines or engine in self.engines
