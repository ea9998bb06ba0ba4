"""Compares two checkouts of this project: the songs that they make, and their responses.

    python -m benchmarks.service.compare_checkouts OLD NEW [--only TEXT]

Starts the server of each checkout in turn, on this computer and in this environment, and sends the same requests to
both servers. The checksum of the sound and all response fields except ids, times, estimates and progress must be equal
(see `comparison.rules`). The exit status is 1 if something differs.

The engine ace_step is given a tiny checkpoint with random weights, the same for both.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.service.comparison import recorder
from benchmarks.service.comparison.requests import Asked, rounds
from benchmarks.service.comparison.rules import RENAMED, RENAMED_VALUES, Record, comparable, first_difference
from tests.support.ace_step import ace_step_options

PATHS = ("", "protos", "clients/python")
STOP_SECONDS = 30.0
RECORD_SECONDS = 1200.0
LOG_LINES = 20
_LISTENING = ("the server is listening for gRPC", "listening")
"""Log messages that contain the gRPC address of a server: the present one, and that of older checkouts."""


Rounds = Sequence[Sequence[Asked]]


def environment_of(checkout: Path, **settings: str) -> dict[str, str]:
    """Return the environment variables for a process that imports the packages of `checkout`, with the given settings
    (`MELISMA_...`) and none of this process.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MELISMA_", "PYTHON"))}
    given = {f"MELISMA_{name}": value for name, value in settings.items()}
    return inherited | given | {"PYTHONPATH": os.pathsep.join(str(checkout / folder) for folder in PATHS)}


@contextmanager
def serving(checkout: Path, **settings: str) -> Iterator[str]:
    """Context manager with the address of a server of a checkout."""
    environment = environment_of(checkout, ENGINES="studio,ace_step", LOG_FORMAT="json", GRACE_SECONDS="0", **settings)
    command = [sys.executable, "-m", "server", "--host", "127.0.0.1", "--port", "0", "--http-port", "0"]
    with subprocess.Popen(command, cwd=checkout, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _address(process)
            process.terminate()
            process.wait(STOP_SECONDS)
        finally:
            process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    """Return the server's address. A thread then reads its log, so that a full pipe does not stop the server."""
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("{") and (entry := json.loads(line))["message"] in _LISTENING:
            threading.Thread(target=list, args=(process.stderr,), daemon=True).start()
            return str(entry["address"])
    raise RuntimeError(
        "the server of the compared checkout did not start; the end of its log:\n" + "".join(lines[-LOG_LINES:])
    )


def recorded(checkout: Path, asked: Rounds, ace_step: dict[str, object]) -> list[Record]:
    """Start a server from the source code in the folder `checkout`, send it all requests, and return its responses, one
    record for each request in order. `ace_step` are the settings of the engine ace_step.
    """
    options = {f"ACE_STEP__{name.upper()}": str(value) for name, value in ace_step.items()}
    with (
        tempfile.TemporaryDirectory(prefix="melisma-songs-", ignore_cleanup_errors=True) as songs,
        serving(checkout, STORE__FOLDER=songs, LIMITS__EXCHANGE_TIMEOUT_SECONDS="300", **options) as address,
    ):
        order = {
            "address": address,
            "renamed": dict(RENAMED),
            "renamed_values": dict(RENAMED_VALUES),
            "rounds": [list(map(asdict, each)) for each in asked],
        }
        done = subprocess.run(
            [sys.executable, "-P", recorder.__file__],
            cwd=checkout, env=environment_of(checkout), input=json.dumps(order), stdout=subprocess.PIPE, text=True,
            timeout=RECORD_SECONDS, check=True,
        )  # fmt: skip
    records: list[Record] = json.loads(done.stdout)
    return records


def difference(asked: Asked, old: Record, new: Record, *, alone: bool) -> str | None:
    """Return as text why a request fails the comparison: it was refused although it is valid, was accepted although it
    is invalid, or the responses of the two checkouts differ. `None` if nothing is wrong. `alone` is True if the request
    was sent without others at the same time.
    """
    for name, record in (("old", old), ("new", new)):
        if ("error" in record) != asked.refused:
            error = record.get("error", {"code": "OK", "message": "was not refused"})
            return f"{name} checkout: {error['code']}: {error['message']}"
    before, after = (comparable(record, asked, alone=alone) for record in (old, new))
    return first_difference(before, after)


def compare(asked: Rounds, old: Sequence[Record], new: Sequence[Record]) -> int:
    """Print a line for each request with its name and the result "equal" or "DIFFERENT", and for a different one the
    first difference below. Return the number of different requests.
    """
    differing = 0
    every = [(one, len(each) == 1) for each in asked for one in each]
    for (one, alone), before, after in zip(every, old, new, strict=True):
        found = difference(one, before, after, alone=alone)
        differing += found is not None
        result = after["error"]["code"] if "error" in after else f"{len(after['messages'])} messages"
        print(f"{'equal' if found is None else 'DIFFERENT':10} {one.name:32} {after['sound'][:12]}  {result}")
        if found is not None:
            print(f"  {found}")
    return differing


def main() -> int:
    """Command line: compare two checkouts; returns the exit status."""
    parser = argparse.ArgumentParser(description="Compare the songs of two checkouts.")
    parser.add_argument("old", type=Path, help="folder of the checkout to compare with")
    parser.add_argument("new", type=Path, help="folder of the checkout to be compared")
    parser.add_argument("--only", default="", help="make only the requests whose name has this text")
    given = parser.parse_args()
    chosen = [[one for one in each if given.only in one.name] for each in rounds()]
    asked = [each for each in chosen if each]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="melisma-checkpoint-") as folder:
        ace_step = ace_step_options(Path(folder))
        old, new = (recorded(checkout.resolve(), asked, ace_step) for checkout in (given.old, given.new))
    differing = compare(asked, old, new)
    print(f"{len(old)} requests, {differing} different; {time.monotonic() - started:.0f} s")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
