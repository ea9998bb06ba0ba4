"""Messages between the server and its checking process: requests in one direction, one result for each in the other."""

from dataclasses import dataclass, field
from typing import TypeAlias

from model.song import SongParams, Violation
from server.logs import Logs
from server.workers.worker_spec import EngineSpec


@dataclass(frozen=True, slots=True)
class CheckerSpec:
    """The settings of a checking process: the engines with their options, the number of threads, and the limit of CPU
    time.

    At most `threads` requests are checked at the same time, each for at most `cpu_seconds`. Engines of the registry
    that are not listed are checked with their default settings.
    """

    engines: tuple[EngineSpec, ...]
    threads: int
    cpu_seconds: float
    logs: Logs = Logs()


@dataclass(frozen=True, slots=True)
class CheckerReady:
    """First message of a checking process to the server: the process has started and imported its modules."""


@dataclass(frozen=True, slots=True)
class Check:
    """Command to the checking process: check a request. `midi` is a MIDI melody, empty if there is none. The response,
    with the same `number`, is `Passed`, `Refused` or `CheckFailed`.
    """

    number: int
    engine: str
    params: SongParams
    midi: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Passed:
    """Result of a check: the request is valid.

    `params` are the request's parameters if the check has parsed a MIDI melody into them, otherwise `None`. `plan` is
    the pickled plan of the song for the worker, empty if the worker makes the plan itself.
    """

    number: int
    params: SongParams | None
    plan: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Result of a check: the request is invalid for its engine; `violations` has the fields and reasons."""

    number: int
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class CheckFailed:
    """Result of a check that ended with an unexpected error (a bug); `text` is the traceback for the log."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Alive:
    """Heartbeat of the checking process to the server, sent periodically while a request is being checked."""


Answer: TypeAlias = Passed | Refused | CheckFailed
FromChecker: TypeAlias = CheckerReady | Alive | Answer
