"""Stand-ins for the stages of the measurement on a GPU, the functions that each measure one part in a process of their
own; these end in different ways, such as with an error or at the time limit.
"""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.gpu.figures import Figure, Setup, absent, guarded

PID_FILE = "GPU_STAGES_PID_FILE"


def tells(setup: Setup) -> Iterator[Figure]:
    yield Figure("device", setup.device)
    yield absent("graphs", "only a GPU has graphs to capture")


def tells_and_errs(setup: Setup) -> Iterator[Figure]:
    def wrong() -> Iterator[Figure]:
        yield Figure("before", 1)
        raise ValueError("no such shape")

    yield from guarded("shape", wrong())
    yield Figure("after", setup.pick("full", "small"))


def lacks_a_package(_setup: Setup) -> Iterator[Figure]:
    yield Figure("before", 1)
    importlib.import_module("package_that_nobody_has.part")


def lacks_a_module_of_ours(_setup: Setup) -> Iterator[Figure]:
    yield Figure("before", 1)
    importlib.import_module("model.module_that_nobody_wrote")


def dies(_setup: Setup) -> Iterator[Figure]:
    yield Figure("before", 1)
    os.kill(os.getpid(), signal.SIGKILL)


def hangs_with_a_child(_setup: Setup) -> Iterator[Figure]:
    yield Figure("before", 1)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    part = Path(os.environ[PID_FILE] + ".part")
    part.write_text(str(child.pid), encoding="utf-8")
    part.rename(os.environ[PID_FILE])
    time.sleep(600.0)
