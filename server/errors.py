"""Everything that can go wrong with a song; the one table that maps it to gRPC statuses is in server/status.py.

ServiceError
    InvalidRequest          the request breaks the contract's rules or cannot be planned
    UnknownEngine           no engine of that name is configured
    EngineNotReady          the engine cannot take songs: something has to be installed or set
    ControlNotSupported     the engine has no such control
    Overloaded              the queue is full
    Draining                the server is shutting down
    WorkerLost              the worker that made the song died
    SongDeadlineExceeded    the caller's deadline passed before the song was complete
    SongFailed              a bug: logged whole, told as "internal"
"""

from model.engine import Violation


class ServiceError(Exception):
    """An expected failure of one song; its text is meant for the caller."""


class InvalidRequest(ServiceError):
    """The request breaks the contract's rules or cannot be planned; `violations` names the fields."""

    def __init__(self, *violations: Violation) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations


class UnknownEngine(ServiceError):
    """No engine of that name is configured."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"engine {name!r} is not configured; this server has: {', '.join(known)}")
        self.name = name


class EngineNotReady(ServiceError):
    """The engine cannot take songs; the text says what to install or set."""


class ControlNotSupported(ServiceError):
    """The engine has no such control; `field` is the request field."""

    def __init__(self, field: str, engine: str) -> None:
        super().__init__(f"engine {engine!r} does not support {field!r}")
        self.field = field
        self.engine = engine


class Overloaded(ServiceError):
    """The queue is full; a retry is sensible after `retry_after_seconds`."""

    def __init__(self, text: str, retry_after_seconds: float) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class Draining(ServiceError):
    """The server is shutting down and takes no new songs."""


class WorkerLost(ServiceError):
    """The worker that made the song died; the song may be asked for again."""


class SongDeadlineExceeded(ServiceError):
    """The caller's deadline passed before the song was complete."""


class SongFailed(ServiceError):
    """A bug of ours ended the song. The cause is logged and never told to the caller."""
