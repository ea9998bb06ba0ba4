"""Runs all measurements that this folder's README describes: `python -m benchmarks`."""

import subprocess
import sys

MEASUREMENTS = (
    ("benchmarks.engines.bench_batching",),
    ("benchmarks.service.bench_overhead",),
    ("benchmarks.service.bench_service", "idle"),
    ("benchmarks.service.bench_service", "crowd"),
    ("benchmarks.service.bench_service", "listeners"),
    ("benchmarks.service.bench_service", "soak"),
    ("benchmarks.service.bench_load",),
    ("benchmarks.service.bench_pretend",),
    ("benchmarks.scheduling.bench_scheduler",),
    ("benchmarks.scheduling.simulate",),
    ("benchmarks.service.chaos",),
    ("benchmarks.service.bench_sound_path",),
    ("benchmarks.store.bench_shared",),
    ("benchmarks.roles.cold_start", "absence"),
    ("benchmarks.roles.cold_start", "followed"),
    ("benchmarks.roles.autoscale",),
    ("benchmarks.music.bench_chorus",),
    ("benchmarks.music.bench_styles", "apart"),
    ("benchmarks.music.bench_styles", "balance"),
    ("benchmarks.music.bench_songs",),
)


def main() -> int:
    """Run the measurements one after another, each in its own process; return the exit status."""
    for module, *arguments in MEASUREMENTS:
        print(f"\n== {module} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode != 0:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
