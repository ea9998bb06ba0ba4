"""Checks if a folder holds a loadable checkpoint: `python -m model.ace_step_15.loading.check FOLDER [MODEL]`."""

import sys
from collections.abc import Sequence

from model.ace_step_15.loading.folders import facts_of
from model.ace_step_15.loading.hub import HOW_TO_GET, folders_of
from model.ace_step_15.loading.networks import faults
from model.ace_step_15.settings import AceStep15Settings
from model.engine import EngineUnavailable

_USAGE = (
    "usage: python -m model.ace_step_15.loading.check FOLDER [MODEL]\n\n"
    "MODEL is the folder of the model in a checkpoint of the original layout (acestep-v15-turbo).\n"
)
_HOW_TO_GET = "".join(map(str, HOW_TO_GET))


def main(arguments: Sequence[str]) -> int:
    """Print the faults of the folder, one per line; returns 0 if it can be loaded, 1 if not, 2 for a wrong call."""
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        sys.stderr.write(f"{_USAGE}\n{_HOW_TO_GET}\n")
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    try:
        folders = folders_of(AceStep15Settings(checkpoint=_as_path(arguments[0]), **_model(arguments)))
        found = faults(folders)
    except EngineUnavailable as error:
        found = [str(error)]
    if found:
        sys.stderr.write("\n".join([*found, _HOW_TO_GET, ""]))
        return 1
    sys.stdout.write(f"{folders.model}: a checkpoint of the variant {facts_of(folders).variant} that can be loaded\n")
    return 0


def _as_path(name: str) -> str:
    """The folder as a path, so that it is not taken for a repository."""
    return name if name.startswith(("/", ".", "~")) else f"./{name}"


def _model(arguments: Sequence[str]) -> dict[str, str]:
    return {"model": arguments[1]} if len(arguments) == 2 else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
