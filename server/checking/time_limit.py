"""Runs checks of requests in threads, each within a limit of CPU time."""

import ctypes
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from model.song import Violation
from server.checking.messages import Alive, Answer, Check, FromChecker, Refused
from server.errors import WHOLE_REQUEST

_LOOK_SECONDS = 0.1
_TOO_LONG = "takes too long to check: use shorter lyrics, a shorter prompt or a shorter melody"


class _TimeIsUp(BaseException):
    """Raised inside a check that has used up its CPU time. The base class is not `Exception`, so that the checked code
    does not catch it.
    """


class CheckThreads:
    """Runs checks of requests in several threads, and ends each check that has used up its CPU time.

    While checks run, heartbeats are sent periodically. A check that does not release the interpreter lock delays the
    heartbeats.
    """

    def __init__(
        self,
        answer: Callable[[Check], Answer],
        send: Callable[[FromChecker], None],
        threads: int,
        cpu_seconds: float,
        guard: Callable[[Callable[[], None]], None],
    ) -> None:
        """Set up the check threads. `answer` makes a check and `send` sends messages to the server; `guard` runs the
        functions of threads, and ends the process after an error in them.

        `cpu_seconds` is the processor time that one check may use.
        """
        self._answer = answer
        self._send_unlocked = send
        self._cpu_seconds = cpu_seconds
        self._checks: SimpleQueue[Check] = SimpleQueue()
        self._changed = threading.Condition()
        self._until: dict[int, float] = {}
        self._sending = threading.Lock()
        for body in (*[self._work] * threads, self._watch):
            threading.Thread(target=guard, args=(body,), daemon=True).start()

    def put(self, check: Check) -> None:
        """Queue a request for its check by one of the threads, which sends the result to the server."""
        self._checks.put(check)

    def _work(self) -> None:
        while True:
            check = self._checks.get()
            try:
                answer = self._limited(check)
            except _TimeIsUp:
                answer = Refused(check.number, (Violation(WHOLE_REQUEST, _TOO_LONG),))
            self._send(answer)

    def _limited(self, check: Check) -> Answer:
        thread = threading.get_ident()
        with self._changed:
            self._until[thread] = _cpu_time(thread) + self._cpu_seconds
            self._changed.notify()
        try:
            return self._answer(check)
        finally:
            with self._changed:
                del self._until[thread]
                _interrupt(thread, None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._until))
            time.sleep(_LOOK_SECONDS)
            with self._changed:
                for thread, until in self._until.items():
                    if _cpu_time(thread) > until:
                        _interrupt(thread, _TimeIsUp)
                busy = bool(self._until)
            if busy:
                self._send(Alive())

    def _send(self, message: FromChecker) -> None:
        with self._sending:
            self._send_unlocked(message)


def _cpu_time(thread: int) -> float:
    return time.clock_gettime(time.pthread_getcpuclockid(thread))


def _interrupt(thread: int, error: type[BaseException] | None) -> None:
    """Raise an exception in another thread when that thread next runs Python code. `None` cancels an exception that is
    still pending.
    """
    raised = ctypes.c_void_p(None) if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
