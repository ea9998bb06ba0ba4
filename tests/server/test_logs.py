import io
import json
import logging
from collections.abc import Iterator

import pytest

from server.log_output.lines import configure_logs
from server.logs import LogFormat


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for handler in handlers:
        root.removeHandler(handler)
    yield
    root.handlers[:], root.level = handlers, level


def written(stream: io.StringIO, log_format: LogFormat = LogFormat.AUTO) -> str:
    configure_logs("info", log_format, stream)
    logging.getLogger("server.x").info("hello %s", "you", extra={"seconds": 0.5, "名": "歌"})
    return stream.getvalue()


def test_a_machine_gets_one_json_object_a_line() -> None:
    entry = json.loads(written(io.StringIO()))
    assert (entry["level"], entry["logger"], entry["message"]) == ("info", "server.x", "hello you")
    assert (entry["seconds"], entry["名"]) == (0.5, "歌")


def test_a_terminal_gets_a_plain_line() -> None:
    assert written(Terminal()).endswith("INFO    server.x: hello you seconds=0.5 名=歌\n")


def test_the_format_can_be_forced() -> None:
    assert json.loads(written(Terminal(), LogFormat.JSON))
    assert "hello you seconds=0.5" in written(io.StringIO(), LogFormat.PLAIN)


def test_a_traceback_stays_inside_its_json_line() -> None:
    stream = io.StringIO()
    configure_logs("info", LogFormat.JSON, stream)
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logging.getLogger("server").exception("failed")
    assert "RuntimeError: boom" in json.loads(stream.getvalue())["traceback"]


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    configure_logs("warning", LogFormat.JSON, stream)
    logging.getLogger("server").info("quiet")
    assert stream.getvalue() == ""
