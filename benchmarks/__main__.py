"""Measure every row of the README of this folder: `python -m benchmarks`."""

import subprocess
import sys

MEASUREMENTS = (
    ("benchmarks.bench_batching",),
    ("benchmarks.bench_overhead",),
    ("benchmarks.bench_service", "idle"),
    ("benchmarks.bench_service", "crowd"),
    ("benchmarks.bench_service", "listeners"),
    ("benchmarks.bench_service", "soak"),
    ("benchmarks.bench_load",),
    ("benchmarks.bench_pretend",),
    ("benchmarks.bench_scheduler",),
    ("benchmarks.simulate",),
    ("benchmarks.chaos",),
    ("benchmarks.bench_sound_path",),
    ("benchmarks.bench_chorus",),
    ("benchmarks.bench_styles", "apart"),
    ("benchmarks.bench_styles", "balance"),
    ("benchmarks.bench_songs",),
)


def main() -> int:
    """Run one measurement after another, each in a process of its own; the return value is the exit status."""
    for module, *arguments in MEASUREMENTS:
        print(f"\n== {module} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode != 0:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
