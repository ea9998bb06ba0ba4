"""Runs the process that checks requests, restarts it when it dies or hangs, and shares its time among callers."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from server.background import first_of
from server.checking.messages import Alive, Answer, Check, CheckerReady, CheckerSpec, CheckFailed, Passed, Refused
from server.checking.turns import TooManyWait, Turns
from server.errors import ChecksOverloaded, EngineNotReady, InvalidRequest, SongFailed, WorkerLost
from server.logs import Logs, without_words
from server.song import SongRequest
from server.workers.pipes.piped_process import PipedProcess, ProcessEnded
from server.workers.worker_spec import EngineSpec

_log = logging.getLogger(__name__)

MODULE = "server.checking.checker"
_THREADS = 4
_THREADS_PER_CALLER = 2
_RETRY_AFTER_SECONDS = 1.0
_END_GRACE_SECONDS = 1.0
_MAX_BACKOFF_SECONDS = 30.0
_HOPELESS_STARTS = 5
_MAX_TRIES = 2


Wait: TypeAlias = Callable[[], Coroutine[Any, Any, object]]


async def at_once() -> None:
    """Return without waiting. As the default of `start_after` it lets the checking process start immediately."""


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """Limits of one check in seconds (CPU time, time without a heartbeat, total time), of the start of the process, and
    of the queue of checks.

    At most `waiting` requests wait, at most `waiting_per_caller` of one caller. Waiting requests and those being
    checked together have at most `waiting_bytes`.
    """

    cpu_seconds: float = 1.0
    silent_seconds: float = 3.0
    total_seconds: float = 10.0
    start_seconds: float = 60.0
    waiting: int = 1024
    waiting_per_caller: int = 512
    waiting_bytes: int = 64 << 20


@dataclass(eq=False, slots=True)
class _Asked:
    """A queued request with the future for its result: `size` in bytes, sent `tries` times, last at `sent_at`."""

    check: Check
    caller: str
    size: int
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    tries: int = 0
    sent_at: float = 0.0


class LocalChecker:
    """Checks requests in one process beside the server. Not thread-safe: use it on one event loop, within `running`."""

    def __init__(
        self,
        engines: Iterable[EngineSpec],
        limits: CheckLimits = CheckLimits(),  # a default value, which is immutable
        *,
        logs: Logs = Logs(),
        log_requests: bool = False,
        new_process: Callable[[], PipedProcess] = lambda: PipedProcess(MODULE),
        restart_backoff_seconds: float = 0.1,
    ) -> None:
        """Set up the checker. With `log_requests`, log lines about bugs contain the prompts and lyrics. `new_process`
        creates the handle of a checking process.

        The pause before a restart is `restart_backoff_seconds`, and doubles with every failed start.
        """
        self._spec = CheckerSpec(tuple(engines), _THREADS, limits.cpu_seconds, logs)
        self._unchecked = frozenset(spec.name for spec in self._spec.engines if spec.factory)
        self._limits = limits
        self._log_requests = log_requests
        self._new_process = new_process
        self._restart_backoff_seconds = restart_backoff_seconds
        self._numbers = itertools.count()
        self._turns: Turns[_Asked] = Turns(limits.waiting, limits.waiting_per_caller, _THREADS_PER_CALLER)
        self._bytes = 0
        self._working: dict[int, _Asked] = {}
        self._suspects: deque[_Asked] = deque()
        self._wanted = asyncio.Event()
        self._process: PipedProcess | None = None
        self._heard_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._failed_starts = 0
        self._was_up = False

    @property
    def pid(self) -> int | None:
        """The process id of the checking process; `None` while there is none."""
        return self._process.pid if self._process is not None else None

    def liveness_problem(self) -> str | None:
        """Return the reason for which no request can be checked until the server is restarted; otherwise `None`."""
        return (
            "the process that checks requests cannot be started; the server's log gives the cause"
            if self._failed_starts >= _HOPELESS_STARTS
            else None
        )

    @asynccontextmanager
    async def running(self, start_after: Wait = at_once) -> AsyncIterator[None]:
        """Context manager that keeps a checking process running, and stops it at the end. The process starts with the
        first request, or earlier when `start_after` has returned, and so does not slow the start of the server down.
        """
        task = asyncio.create_task(self._run(start_after), name="checking process")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def check(self, request: SongRequest) -> SongRequest:
        """Check a request in the checking process with the validator of its engine. Return the request with its MIDI
        melody parsed, and with the song's plan if the validator has made one.

        For engines that the settings load from another class (name=module:Class), only the MIDI melody is parsed.
        """
        if request.engine in self._unchecked and not request.midi:
            return request
        asked = _Asked(
            Check(next(self._numbers), request.engine, request.params, request.midi), request.caller, _size(request)
        )
        answer = await self._answer(asked)
        match answer:
            case Passed():
                return replace(request, params=answer.params or request.params, midi=b"", plan=answer.plan)
            case Refused():
                raise InvalidRequest(*answer.violations)
            case CheckFailed():
                text = answer.text
                if not self._log_requests:
                    text = without_words(text, request.params.lyrics, request.params.prompt)
                _log.error(
                    "the checking process could not check a request for a song, which is refused as INTERNAL: %s",
                    text,
                    extra={"request_id": request.request_id, "engine": request.engine},
                )
                raise SongFailed("the request could not be checked because of a fault of the server: try again later")

    async def _answer(self, asked: _Asked) -> Answer:
        self._enter(asked)
        self._wanted.set()
        self._dispatch()
        try:
            async with asyncio.timeout(self._limits.total_seconds + self._first_start_seconds()):
                return await asked.answer
        except TimeoutError:
            raise self._unanswered() from None
        finally:
            self._turns.leave(asked.caller, asked)
            self._bytes -= asked.size

    def _first_start_seconds(self) -> float:
        """Return the extra seconds that a request may wait while the checking process starts for the first time."""
        return 0.0 if self._was_up or self._failed_starts > 1 else self._limits.start_seconds

    def _unanswered(self) -> Exception:
        """Return the error for a request whose check was not finished within the time limit."""
        if not self._was_up:
            return EngineNotReady("the process that checks requests is still being started: try again in a moment")
        if self._process is None:
            return WorkerLost("the process that checks requests is being restarted: try again in a moment")
        seconds = self._limits.total_seconds
        text = f"the request was not checked within {seconds:g} s: try again later"
        return ChecksOverloaded(text, _RETRY_AFTER_SECONDS)

    def _enter(self, asked: _Asked) -> None:
        try:
            if self._bytes + asked.size > self._limits.waiting_bytes:
                raise TooManyWait
            self._turns.enter(asked.caller, asked)
        except TooManyWait:
            raise ChecksOverloaded(
                "too many requests are waiting to be checked: try again later", _RETRY_AFTER_SECONDS
            ) from None
        self._bytes += asked.size

    def _dispatch(self) -> None:
        """Send waiting requests to the checking process while it has free threads. Requests that were being checked
        when a process died are sent one by one, because one of them may be the cause.
        """
        if self._process is None or any(asked.tries > 1 for asked in self._working.values()):
            return
        if self._suspects:
            if not self._working:
                self._send(self._process, self._suspects.popleft())
            return
        while len(self._working) < _THREADS and (taken := self._turns.take()):
            self._send(self._process, taken[1])

    def _send(self, process: PipedProcess, asked: _Asked) -> None:
        asked.sent_at = asyncio.get_running_loop().time()
        if not self._working:
            self._heard_at = asked.sent_at
        self._working[asked.check.number] = asked
        asked.tries += 1
        process.send(asked.check)
        self._watch_silence()

    def _watch_silence(self) -> None:
        """Kill the checking process if it sends nothing for too long while checks are unfinished."""
        if self._watch is None and self._working:
            loop = asyncio.get_running_loop()
            self._watch = loop.call_at(self._heard_at + self._limits.silent_seconds, self._look)

    def _look(self) -> None:
        self._watch = None
        silent_seconds = asyncio.get_running_loop().time() - self._heard_at
        if self._working and self._process is not None and silent_seconds >= self._limits.silent_seconds:
            _log.error(
                "the process that checks requests did not answer for %.1f seconds: it is killed and restarted",
                silent_seconds,
            )
            self._process.kill()
        else:
            self._watch_silence()

    async def _run(self, start_after: Wait) -> None:
        await first_of(self._wanted.wait(), start_after(), timeout_seconds=self._limits.start_seconds)
        await self._keep_up()

    async def _keep_up(self) -> None:
        while True:
            process = self._new_process()
            try:
                await self._serve(process)
            except ProcessEnded as error:
                _log.error("the process that checks requests has ended and is restarted: %s", error)
            except Exception:
                # A bug must not leave the server without checks until its restart.
                _log.exception(
                    "the process that checks requests failed because of a bug of the server, and is restarted: please "
                    "report this traceback"
                )
            finally:
                self._process = None
                await process.stop(_END_GRACE_SECONDS)
            self._give_back()
            seconds = self._restart_backoff_seconds * 2.0**self._failed_starts
            await asyncio.sleep(min(seconds, _MAX_BACKOFF_SECONDS))

    async def _serve(self, process: PipedProcess) -> None:
        """Start the checking process and deliver its results to the waiting callers until the process ends."""
        self._failed_starts += 1
        ready = await process.start(self._spec, self._limits.start_seconds)
        assert isinstance(ready, CheckerReady)
        self._failed_starts = 0
        self._was_up = True
        self._process = process
        self._dispatch()
        while True:
            self._take(await process.receive())

    def _take(self, message: object) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if isinstance(message, Alive):
            return
        assert isinstance(message, Answer)
        asked = self._working.pop(message.number)
        self._turns.done(asked.caller, self._heard_at - asked.sent_at)
        if not asked.answer.done():
            asked.answer.set_result(message)
        self._dispatch()

    def _give_back(self) -> None:
        """Queue the unfinished checks of a dead process again; fail those during which two processes have died."""
        for number, asked in self._working.items():
            if asked.tries < _MAX_TRIES and not asked.answer.done():
                self._suspects.append(asked)
                continue
            self._turns.done(asked.caller)
            if not asked.answer.done():
                text = "the process that checks requests crashed twice while it checked this request"
                asked.answer.set_result(CheckFailed(number, text))
        self._working.clear()


def _size(request: SongRequest) -> int:
    """Return the size in bytes of a request's large fields: MIDI melody and audio recording."""
    return len(request.midi) + len(getattr(request.params.task, "audio", b""))
