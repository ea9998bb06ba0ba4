"""Decides when the next command of a lane (command queue of a worker) is sent: early enough that the device never
waits, and late enough that new songs are still considered.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from server.workers.messages import Command, Done, Failed, Reply

# Between two commands a device is idle for about a millisecond. Sending ahead is worth its cost only for long steps.
_LEAD_SECONDS, _LONG_STEP_SECONDS = 0.002, 0.01
_MOST_UNDERWAY, _MOST_LEAD_SECONDS = 8, 0.05
_SMOOTHING = 0.1


class Pacing(Protocol):
    """Protocol: tracks the unanswered commands of one lane (command queue of a worker), and says when the next one
    should be sent.
    """

    def sent(self, command: Command, step_seconds: float | None) -> None:
        """Record a command that was sent. Denoising steps are expected to take `step_seconds`, `None` if unknown."""

    def replied(self, reply: Reply) -> None:
        """Record the reply to the oldest unanswered command."""

    def due_in(self) -> float | None:
        """Return the seconds until the next command should be sent; `None` if it should not be sent before the next
        reply.
        """


class NearPacing:
    """Pacing for a worker on this computer: one command at a time. During a long step the next command is sent 2 ms
    before the step's expected end.
    """

    def __init__(self) -> None:
        self._steps: deque[float | None] = deque()

    def sent(self, command: Command, step_seconds: float | None) -> None:
        """Record a command that was sent. Denoising steps are expected to take `step_seconds`, `None` if unknown."""
        self._steps.append(step_seconds)

    def replied(self, reply: Reply) -> None:
        """Record the reply to the oldest unanswered command."""
        self._steps.popleft()

    def due_in(self) -> float | None:
        """Return the seconds from the last reply until the next command should be sent; `None` if it should not be sent
        before the next reply.
        """
        if len(self._steps) != 1:
            return None
        (seconds,) = self._steps
        return None if seconds is None or seconds < _LONG_STEP_SECONDS else seconds - _LEAD_SECONDS


@dataclass(slots=True)
class _Underway:
    kind: type[Command]
    sent_at: float
    seconds: float | None
    alone: bool


@dataclass(slots=True)
class DistantPacing:
    """Pacing for a worker with slow messages, on another computer: several commands are sent ahead.

    The commands on their way should keep the device busy for about twice the measured time that messages take
    (`overhead_seconds`).
    """

    clock: Callable[[], float]
    overhead_seconds: float = _LEAD_SECONDS
    _underway: deque[_Underway] = field(default_factory=deque)
    _seconds: dict[type[Command], float] = field(default_factory=dict)
    _replied_at: float = 0.0

    def sent(self, command: Command, step_seconds: float | None) -> None:
        """Record a command that was sent. Denoising steps are expected to take `step_seconds`; other commands are
        expected to take the mean time of the last ones of their kind.
        """
        kind = type(command)
        seconds = self._seconds.get(kind) if step_seconds is None else step_seconds
        self._underway.append(_Underway(kind, self.clock(), seconds, not self._underway))

    def replied(self, reply: Reply) -> None:
        """Record the reply to the oldest unanswered command, and measure the duration of the command and of the
        messages.
        """
        command, now = self._underway.popleft(), self.clock()
        self._replied_at = now
        if isinstance(reply, Failed):
            return
        seconds = 0.0 if isinstance(reply, Done) else reply.seconds
        known = self._seconds.get(command.kind, seconds)
        self._seconds[command.kind] = known + _SMOOTHING * (seconds - known)
        if command.alone:
            measured = max(0.0, now - command.sent_at - seconds)
            self.overhead_seconds += _SMOOTHING * (measured - self.overhead_seconds)

    def due_in(self) -> float | None:
        """Return the seconds until the next command should be sent; `None` if it should not be sent before the next
        reply.
        """
        if len(self._underway) >= _MOST_UNDERWAY:
            return None
        left = 0.0
        for command in self._underway:
            if command.seconds is None:
                return None
            left += command.seconds
        oldest = self._underway[0]
        worked = self.clock() - max(oldest.sent_at, self._replied_at)
        lead = min(max(_LEAD_SECONDS, 2.0 * self.overhead_seconds), _MOST_LEAD_SECONDS)
        return max(0.0, left - worked - lead)
