"""Runs the measurements one after the other, each stage (measuring function) in its own process, which is killed at its
time limit.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks.gpu.child import command
from benchmarks.gpu.figures import Setup, Value
from benchmarks.gpu.parts import Part, Stage

ROOT = Path(__file__).resolve().parents[2]

TOTAL_SECONDS = 465.0
"""Time limit for all parts together; the rest of eight minutes is for installing packages and printing the table."""

_LEAST_SECONDS = 5.0

PATIENCE = 4.0
"""Factor by which time limits are multiplied in a rehearsal on a CPU."""

NO_GPU = "cpu"
"""Name for a computer without a GPU."""

DONE, PARTLY, FAILED, MISSING, LATE, ABSENT = "done", "partly", "failed", "missing", "out of time", "not here"

FAULTS = frozenset({PARTLY, FAILED, MISSING, LATE, ABSENT})
"""Statuses of a part that has not yielded all of its measured values."""

_ORDER = (FAILED, LATE, MISSING, PARTLY, ABSENT, DONE)
"""Statuses, the worst first."""


@dataclass(slots=True)
class Record:
    """The result of one part of the measurement. `figures` are the measured values by name, `notes` the reasons for
    missing values, `errors` the exceptions.
    """

    part: str
    machine: str
    small: bool
    status: str = DONE
    seconds: float = 0.0
    figures: dict[str, Value] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def ended(self, status: str, stage: Stage, why: str) -> None:
        """Record that a stage (measuring function) has ended with `status` for the reason `why`; the status of the part
        is the worst of its stages.
        """
        self.status = min(self.status, status, key=_ORDER.index)
        if why:
            (self.notes if status in (ABSENT, MISSING) else self.errors)[stage.function.rpartition(":")[2]] = why

    @property
    def why(self) -> str:
        """The last line of each exception or, without exceptions, of each reason for a missing figure, shortened."""
        absent = {name: text for name, text in self.notes.items() if self.figures.get(name) is None}
        return "; ".join(dict.fromkeys(last_line(text) for text in (self.errors or absent).values()))


def last_line(text: str) -> str:
    """Return the last line of a text, shortened: the end of a traceback."""
    return text.strip().rpartition("\n")[2][:120]


def run(
    parts: Sequence[Part], setup: Setup, machine: str, log: Path, total_seconds: float = TOTAL_SECONDS
) -> Iterator[Record]:
    """Run the measurements, for at most `total_seconds` together, and yield the record of each part as soon as it has
    ended. `machine` is the name of the GPU in the records; what the measurements print is written to `log`.
    """
    end = time.monotonic() + total_seconds * setup.pick(1.0, PATIENCE)
    for part in parts:
        record, started = Record(part.name, machine, setup.small), time.monotonic()
        with log.open("ab") as output:
            for stage in part.stages:
                _run_stage(stage, setup, record, end - time.monotonic(), output)
        record.seconds = round(time.monotonic() - started, 2)
        yield record


def _run_stage(stage: Stage, setup: Setup, record: Record, left: float, output: IO[bytes]) -> None:
    if record.machine == NO_GPU and not (setup.small or stage.always):
        record.ended(ABSENT, stage, "no GPU: nvidia-smi shows none")
    elif left < _LEAST_SECONDS:
        record.ended(LATE, stage, "the time limit of all parts was reached before this stage")
    else:
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            why = _bounded(
                command(stage.function, Path(file.name), setup),
                min(stage.seconds * setup.pick(1.0, PATIENCE), left),
                output,
            )
            _take(record, stage, _whole_lines(Path(file.name)), why)


def _bounded(arguments: Sequence[str], seconds: float, output: IO[bytes]) -> str:
    """Run the command `arguments` in its own session, for at most `seconds`, and write what it prints to `output`;
    return the reason for which it was killed, empty if it ended by itself.
    """
    process = subprocess.Popen(
        arguments, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
    )
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return f"ended after {seconds:.0f} s, its time"
    finally:
        _end(process)
    return "" if status == 0 else f"the process of the part ended with status {status}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process of a stage (measuring function) and its child processes."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def _whole_lines(file: Path) -> list[dict[str, Any]]:
    """Return the JSON objects in the lines of a file, without an incomplete last line."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]


def _take(record: Record, stage: Stage, lines: Sequence[dict[str, Any]], why: str) -> None:
    """Add the measured values and the status in `lines`, which a stage (measuring function) has written, to the record
    of its part. `why` is the reason for which the process ended, empty if it ended by itself.
    """
    for line in lines:
        if "end" in line:
            record.ended(line["end"], stage, line["why"])
        elif line["failed"]:
            record.ended(PARTLY, stage, "")
            record.errors[line["name"]] = line["note"]
        else:
            record.figures[line["name"]] = line["value"]
            if line["note"]:
                record.notes[line["name"]] = line["note"]
    if not lines or "end" not in lines[-1]:
        record.ended(LATE if "its time" in why else FAILED, stage, why)


def line_of(record: Record) -> str:
    """Return the record as one line of JSON."""
    return json.dumps(asdict(record), ensure_ascii=False)


def machine_name() -> str:
    """Return the name of the first GPU, `NO_GPU` if nvidia-smi finds none."""
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20.0, check=True)
    except (OSError, subprocess.SubprocessError):
        return NO_GPU
    return done.stdout.strip().partition("\n")[0] or NO_GPU
