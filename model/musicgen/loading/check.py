"""Checks whether a folder has a loadable checkpoint: `python -m model.musicgen.loading.check FOLDER`."""

import sys
from collections.abc import Sequence

from model.engine import EngineUnavailable
from model.musicgen.loading.folders import read_config
from model.musicgen.loading.hub import HOW_TO_GET, folder_of
from model.musicgen.loading.networks import faults
from model.musicgen.networks.config import ModelConfig
from model.musicgen.settings import MusicGenSettings

_USAGE = "usage: python -m model.musicgen.loading.check FOLDER\n"
_HOW_TO_GET = "".join(map(str, HOW_TO_GET))


def main(arguments: Sequence[str]) -> int:
    """Print the faults of the checkpoint folder in `arguments`, one per line. Returns 0 if the checkpoint can be
    loaded, 1 if not, 2 for wrong arguments.
    """
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(f"{_USAGE}\n{_HOW_TO_GET}\n")
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    try:
        folder = folder_of(MusicGenSettings(checkpoint=_as_path(arguments[0])))
        found = faults(folder)
        kind = "" if found else described(read_config(folder))
    except EngineUnavailable as error:
        found, kind = [str(error)], ""
    if found:
        sys.stderr.write("\n".join([*found, _HOW_TO_GET, ""]))
        return 1
    sys.stdout.write(f"{arguments[0]}: this checkpoint ({kind}) can be loaded\n")
    return 0


def described(config: ModelConfig) -> str:
    """Return a model's kind and size in words: mono or stereo, number of layers and their width, and if it follows a
    melody.
    """
    decoder = config.decoder
    sound = "stereo" if decoder.channels > 1 else "mono"
    melody = "" if config.chroma is None else ", follows a melody"
    layers = f"{decoder.layers} layer" + ("s" if decoder.layers > 1 else "")
    return f"{sound}, {layers} of {decoder.width}{melody}"


def _as_path(name: str) -> str:
    """Return the folder's name as a path that cannot be taken for the name of a hub repository."""
    return name if name.startswith(("/", ".", "~")) else f"./{name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
