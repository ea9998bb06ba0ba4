"""Writes a lock without torch and what only its build for CUDA needs; deploy/Dockerfile puts another torch there.

`python deploy/without_cuda.py <requirements/runtime.lock`
"""

import re
import sys
from collections.abc import Iterable, Iterator

LEFT_OUT = re.compile(r"(torch|triton|cuda-[\w-]+|nvidia-[\w-]+)==")


def without_cuda(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a lock but for the pins that are left out, each of which ends where the next begins."""
    kept = True
    for line in lines:
        if not line.startswith((" ", "#")):
            kept = LEFT_OUT.match(line) is None
        if kept:
            yield line


if __name__ == "__main__":
    sys.stdout.writelines(without_cuda(sys.stdin))
