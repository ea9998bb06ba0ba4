"""Checks whether a folder has a loadable checkpoint: `python -m model.ace_step_15.loading.check FOLDER [MODEL]`.

`MODEL` is the name of the model's folder in a checkpoint of the original layout; by default that of the setting
`model`.
"""

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
    """Print the faults of a checkpoint, one per line; `arguments` are its folder and, optionally, the model's folder in
    it. Returns 0 if the checkpoint can be loaded, 1 if not, 2 for wrong arguments.
    """
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        sys.stderr.write(f"{_USAGE}\n{_HOW_TO_GET}\n")
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    try:
        folders = folders_of(_settings(*arguments))
        found = faults(folders)
        variant = None if found else facts_of(folders).variant
    except EngineUnavailable as error:
        found, variant = [str(error)], None
    if found:
        sys.stderr.write("\n".join([*found, _HOW_TO_GET, ""]))
        return 1
    sys.stdout.write(f"{arguments[0]}: this checkpoint of the variant {variant} can be loaded\n")
    return 0


def _settings(folder: str, model: str = AceStep15Settings().model) -> AceStep15Settings:
    return AceStep15Settings(checkpoint=_as_path(folder), model=model)


def _as_path(name: str) -> str:
    """Return the folder's name as a path that cannot be taken for the name of a hub repository."""
    return name if name.startswith(("/", ".", "~")) else f"./{name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
