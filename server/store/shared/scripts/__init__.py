"""Loads the Lua scripts that run in the song directory (Redis or Valkey); each makes one atomic decision."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_LIBRARY, _CLOCK = "library", "clock"


@cache
def texts() -> Mapping[str, str]:
    """Return the whole text of every Lua script, by name."""
    return assembled(_text(_CLOCK))


def assembled(clock: str) -> Mapping[str, str]:
    """Return the texts of the scripts with another clock: Lua code that defines `now`, in seconds."""
    names = (path.name.removesuffix(".lua") for path in files(__package__).iterdir() if path.name.endswith(".lua"))
    prelude = clock + _text(_LIBRARY)
    return {name: _joined(prelude, _text(name)) for name in names if name not in (_LIBRARY, _CLOCK)}


def _joined(prelude: str, text: str) -> str:
    """Join texts so that the first line of the script stays first, because it declares how the server runs it."""
    head, _, body = text.partition("\n")
    return f"{head}\n{prelude}{body}"


def _text(name: str) -> str:
    return (files(__package__) / f"{name}.lua").read_text("utf-8")
