"""Specification of the server's devices: names, engines and limits."""

from dataclasses import dataclass

from server.workers.messages import Lane


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device and its worker: its name in logs and metrics, its name in torch ("cpu", "cuda:0"), and its limits.

    Empty `engines` means all engines of the server. At most `running_songs` are made at the same time; a step has at
    most `batch_sections` with `batch_tokens` in total; open sections occupy at most `memory_bytes` (0: no limit).
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
