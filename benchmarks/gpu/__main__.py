"""Command line of the measurements on a GPU; `benchmarks/gpu.sh` sets the paths and runs it."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.gpu.expectations import EXPECTATIONS
from benchmarks.gpu.figures import Setup
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.runner import FAULTS, NO_GPU, TOTAL_SECONDS, Record, line_of, machine_name, run
from benchmarks.gpu.table import Row, rows, text_of


def main() -> int:
    """Run the parts of the measurement; the exit status is 0 if each part has yielded all its measured values, even
    unexpected ones.
    """
    parser = _parser()
    options = parser.parse_args()
    if unknown := set(options.parts) - {part.name for part in PARTS}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}: see the names with --list")
    chosen = [part for part in PARTS if not options.parts or part.name in options.parts]
    if options.list:
        for part in chosen:
            print(f"{part.name:12} {sum(stage.seconds for stage in part.stages):4.0f} s at most")
        return 0
    setup = Setup(options.small, "cpu" if options.small else "cuda:0")
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OUT", str(options.out))
    machine = NO_GPU if options.small else machine_name()
    records: list[Record] = []
    text = ""
    for record in run(chosen, setup, machine, options.out / "log.txt", options.seconds):
        records.append(record)
        with (options.out / "results.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(line_of(record) + "\n")
        print(
            f"{record.part:12} {record.status:12} {record.seconds:6.1f} s  {len(record.figures)} figures  {record.why}"
        )
        text = _concluded(records, machine, options.out)
    print(f"\n{text}")
    return int(any(record.status in FAULTS for record in records))


def _concluded(records: Sequence[Record], machine: str, out: Path) -> str:
    """Write all results to files in the folder `out`, and return a table of expected and measured values as text;
    `machine` is the name of the GPU.
    """
    table = rows(EXPECTATIONS, records)
    everything = {"machine": machine, "parts": [asdict(record) for record in records], "table": _told(table)}
    (out / "results.json").write_text(json.dumps(everything, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    text = text_of(table, machine)
    (out / "table.txt").write_text(text + "\n", encoding="utf-8")
    return text


def _told(table: Sequence[Row]) -> list[dict[str, str]]:
    return [row._asdict() for row in table]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks/gpu.sh", description=__doc__)
    parser.add_argument("parts", nargs="*", help="names of the parts to run; default: all")
    parser.add_argument("--small", action="store_true", help="rehearse on a CPU, with tiny networks")
    parser.add_argument(
        "--list", action="store_true", help="list the parts with their time limits in seconds, and exit"
    )
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()), help="folder for the results")
    parser.add_argument(
        "--seconds", type=float, default=TOTAL_SECONDS, help="time limit of all parts together in seconds"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
