"""Writes the tables of this folder that are generated from the code: settings, metrics and errors.

Run `make docs` after a change of a setting or metric; `python docs/generate.py --check` fails while a file is stale.
"""

import argparse
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)

SETTINGS = """# Settings

Every setting is an environment variable. `python -m server --help` prints the same list. This file is written by
`make docs`; the settings of engines are in [engines.md](engines.md).

{table}
"""

METRICS = """# Metrics

`http://HOST:8080/metrics` serves these metrics in the text format of Prometheus or in OpenMetrics, beside the usual
`process_*` of the server process. Names are kept. Labels hold engines, devices, nodes, lanes and a few fixed words,
never a song or a caller. A metric marked "shared store" exists only with a shared store. A metric of all servers has
the same value on each of them, so take the maximum, not the sum. This file is written by `make docs`.

{table}
"""


def generated() -> dict[Path, str]:
    """Return the files with generated parts, and the text that each file should have."""
    from model.registry import ENGINES
    from server.api.documentation import errors_table
    from server.settings.documentation import engine_table, settings_table
    from server.telemetry.documentation import metrics_table

    engines = {name: engine_table(name, entry) for name, entry in ENGINES.items() if entry.settings}
    return {
        DOCS / "settings.md": SETTINGS.format(table=settings_table()),
        DOCS / "metrics.md": METRICS.format(table=metrics_table()),
        DOCS / "engines.md": _with_tables(DOCS / "engines.md", engines),
        DOCS / "callers.md": _with_tables(DOCS / "callers.md", {"errors": errors_table()}),
    }


def _with_tables(path: Path, tables: dict[str, str]) -> str:
    """Return the text of the file `path`, with `tables` inserted into its blocks of the same names.

    Raises:
        SystemExit: the file has no block for a table, or a block without a table.
    """
    blocks = {name for _, name, _ in BLOCK.findall(path.read_text("utf-8"))}
    if blocks != tables.keys():
        wrong = ", ".join(sorted(blocks ^ tables.keys()))
        raise SystemExit(f"{path.name}: write <!-- table: NAME --> and <!-- end of table --> once for each of: {wrong}")
    return BLOCK.sub(lambda block: f"{block[1]}{tables[block[2]]}\n{block[3]}", path.read_text("utf-8"))


def stale_files() -> list[str]:
    """Return the names of the files whose text differs from the generated one."""
    return [path.name for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]


def main() -> int:
    """Write the generated files, or with `--check` compare them; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail while a file is stale")
    sys.path.insert(0, str(DOCS.parent))
    if parser.parse_args().check:
        stale = stale_files()
        if stale:
            sys.stderr.write(f"stale: {', '.join(stale)}; run 'make docs'\n")
        return bool(stale)
    for path, text in generated().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
