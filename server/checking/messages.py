"""Messages between the server and its checking process: requests one way, one answer to each the other way."""

from dataclasses import dataclass, field
from typing import TypeAlias

from model.song import SongParams, Violation
from server.logs import Logs
from server.workers.messages import EngineSpec


@dataclass(frozen=True, slots=True)
class CheckerSpec:
    """The settings of a checking process. Other engines of the registry are checked with their defaults.

    At most `threads` requests are checked at the same time, each for at most `cpu_seconds`.
    """

    engines: tuple[EngineSpec, ...]
    threads: int
    cpu_seconds: float
    logs: Logs = Logs()


@dataclass(frozen=True, slots=True)
class CheckerReady:
    """First message of a checking process, unasked: it has started, and its imports are loaded."""


@dataclass(frozen=True, slots=True)
class Check:
    """Check a request. `midi`, unless empty, is its melody. Answer: `Passed`, `Refused` or `CheckFailed`."""

    number: int
    engine: str
    params: SongParams
    midi: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Passed:
    """Result of a check: the request is valid.

    `params` are the request's parameters if the check has parsed a recorded melody into them, else `None`. `plan` is
    the pickled plan for the worker, empty if the engine makes it there.
    """

    number: int
    params: SongParams | None
    plan: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The request cannot be made into a song."""

    number: int
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class CheckFailed:
    """A fault of the checking process; `text` is a traceback for the log."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Alive:
    """Heartbeat, sent periodically while a request is being checked."""


Answer: TypeAlias = Passed | Refused | CheckFailed
FromChecker: TypeAlias = CheckerReady | Alive | Answer
