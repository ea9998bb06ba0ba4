"""Tests of the limits on log lines of libraries, and of calls without a key."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from server.log_output.bounds import BYTES_PER_SECOND, LogBounds
from server.log_output.lines import JsonFormatter
from tests.support.fakes import ManualClock

HOSTILE = "\xff\x00\u2028" * 400
FOREIGN = ("grpc._cython.cygrpc", "asyncio", "uvicorn.error", "opentelemetry.propagators", "h11", "any.other")


class Log:
    """A log in JSON lines with the limits of the server."""

    def __init__(self, clock: ManualClock) -> None:
        self.stream, self.bounds = io.StringIO(), LogBounds(clock, tell_seconds=1e6)
        self._handler = logging.StreamHandler(self.stream)
        self._handler.addFilter(self.bounds)
        self._handler.setFormatter(JsonFormatter())

    def write(self, name: str, text: str = HOSTILE, *, traceback: bool = False, **extra: object) -> None:
        record = logging.LogRecord(name, logging.ERROR, __file__, 1, text, (), sys.exc_info() if traceback else None)
        vars(record).update(extra)
        self._handler.handle(record)

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def log(clock: ManualClock) -> Iterator[Log]:
    log = Log(clock)
    yield log
    if log.bounds._timer is not None:
        log.bounds._timer.cancel()


@pytest.mark.parametrize("name", FOREIGN)
def test_a_library_takes_less_than_ten_kilobytes_in_ten_seconds(name: str, log: Log, clock: ManualClock) -> None:
    for number in range(1000):
        clock.now = number / 100
        try:
            raise UnicodeDecodeError("utf-8", HOSTILE.encode() * 10, 0, 1, HOSTILE)
        except UnicodeDecodeError:
            log.write(name, traceback=True, color_message=HOSTILE)
    assert 0 < len(log.stream.getvalue().encode()) < 10_000
    assert log.bounds.left_out() == {name.partition(".")[0]: 1000 - len(log.lines)}


def test_a_library_that_was_quiet_is_heard_again(log: Log, clock: ManualClock) -> None:
    for _ in range(100):
        log.write("asyncio")
    before = len(log.lines)
    clock.now = 4_000 / BYTES_PER_SECOND
    log.write("asyncio", "news")
    assert len(log.lines) == before + 1


def test_one_library_does_not_silence_another_nor_ourselves(log: Log) -> None:
    for _ in range(100):
        log.write("asyncio")
    log.write("grpc", "one")
    for _ in range(100):
        log.write("server.songs", "ours", song_id="x")
    assert [line["message"] for line in log.lines[-101:]] == ["one", *["ours"] * 100]


def test_calls_without_a_key_are_bounded_and_others_are_not(log: Log) -> None:
    for code in ("UNAUTHENTICATED", 401):
        for _ in range(100):
            log.write("server.api", "call", code=code)
    assert len(log.lines) < 20
    before = len(log.lines)
    for _ in range(100):
        log.write("server.api", "call", code="OK")
    assert len(log.lines) == before + 100


def test_what_was_left_out_is_said(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(100):
        log.write("asyncio")
    log.bounds.report()
    (told,) = caplog.records
    assert vars(told)["of"] == "asyncio"
    assert vars(told)["lines"] == 100 - len(log.lines)
    log.bounds.report()
    assert len(caplog.records) == 1


def test_the_end_of_a_traceback_is_kept(log: Log) -> None:
    try:
        raise ValueError("the cause")
    except ValueError:
        log.write("asyncio", "Task exception was never retrieved", traceback=True)
    text = str(log.lines[0]["message"])
    assert text.startswith("Task exception was never retrieved\n")
    assert text.rstrip().endswith("ValueError: the cause")


def test_listeners_whose_sockets_die_are_no_error(log: Log) -> None:
    log.write("grpc._cython.cygrpc", "ExecuteBatchError raised in core by servicer method [%s]")
    assert log.lines == []
