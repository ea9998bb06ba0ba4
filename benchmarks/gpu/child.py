"""Runs one measuring function on the GPU in its own process: `python -m benchmarks.gpu.child FUNCTION FILE SETUP`."""

import dataclasses
import importlib
import json
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from benchmarks.gpu.figures import Figure, Setup

OWN = frozenset({"benchmarks", "buf", "clients", "melisma", "melisma_client", "model", "server", "tests"})
"""Names of the packages of this repository; if one cannot be imported, the repository has an error, not the
installation.
"""


def main(function: str, file: str, setup: str) -> None:
    """Append every measured value that the function "module:name" yields to `file` as a line of JSON, and finally the
    status of the function. `setup` is a `Setup` as JSON.
    """
    with Path(file).open("a", encoding="utf-8", buffering=1) as lines:
        lines.writelines(json.dumps(line) + "\n" for line in reported(function, Setup(**json.loads(setup))))


def reported(function: str, setup: Setup) -> Iterator[dict[str, object]]:
    """Yield every measured value of the function "module:name" as a dictionary, then a dictionary with the status with
    which the function ended (done, missing or failed) and the reason.
    """
    try:
        module, _, name = function.partition(":")
        measure = cast(Callable[[Setup], Iterator[Figure]], getattr(importlib.import_module(module), name))
        for figure in measure(setup):
            yield figure._asdict()
        yield {"end": "done", "why": ""}
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in OWN:
            yield {"end": "failed", "why": traceback.format_exc()}
        else:
            yield {"end": "missing", "why": f"the package {package!r} is not installed"}
    except Exception:
        yield {"end": "failed", "why": traceback.format_exc()}


def command(function: str, file: Path, setup: Setup) -> list[str]:
    """Return the command line that runs the measuring function "module:name" in another process, with its results in
    `file`.
    """
    return [sys.executable, "-m", "benchmarks.gpu.child", function, str(file), json.dumps(dataclasses.asdict(setup))]


if __name__ == "__main__":
    main(*sys.argv[1:])
