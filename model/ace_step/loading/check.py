"""Checks whether a folder has a loadable checkpoint: `python -m model.ace_step.loading.check FOLDER`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from model.ace_step.loading.checkpoint import HOW_TO_GET, differs_from_release
from model.ace_step.loading.networks import faults

_HOW_TO_GET = "".join(map(str, HOW_TO_GET))


def main(arguments: Sequence[str]) -> int:
    """Print the faults of the checkpoint folder in `arguments`, one per line. Returns 0 if the checkpoint can be
    loaded, 1 if not, 2 for wrong arguments.
    """
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m model.ace_step.loading.check FOLDER\n\n" + _HOW_TO_GET + "\n")
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    folder = Path(arguments[0])
    if found := faults(folder):
        sys.stderr.write("\n".join([*found, _HOW_TO_GET, ""]))
        return 1
    other = differs_from_release(folder)
    sys.stdout.write("\n".join([*other, _verdict(folder, released=not other), ""]))
    return 0


def _verdict(folder: Path, *, released: bool) -> str:
    kind = (
        "this is the released checkpoint" if released else "this checkpoint can be loaded, but is not the released one"
    )
    return f"{folder}: {kind}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
