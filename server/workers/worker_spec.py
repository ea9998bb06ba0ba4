"""Start parameters of a worker process and of its engines."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.logs import Logs
from server.workers.messages import Lane


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Specification of an engine to load: its name, its factory "module:Class" if it is not in the registry, and its
    options.

    `variables` has the environment variable of each option, by the option's name, for error texts.
    """

    name: str
    factory: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """Start parameters of a worker process: its device, engines, number of compute threads, lanes (command queues) and
    log. With `threads` 0 the libraries choose the number of compute threads.

    The worker computes the sound fingerprints (hashes of a test song) of the engines in `fingerprinted`.
    """

    device: str
    engines: tuple[EngineSpec, ...]
    threads: int = 0
    lanes: tuple[Lane, ...] = (Lane.BOTH,)
    logs: Logs = Logs()
    fingerprinted: frozenset[str] = frozenset()
