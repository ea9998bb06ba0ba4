"""Loads the Lua scripts that run in the song directory (Redis or Valkey). Each script makes one atomic decision."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_LIBRARY, _CLOCK = "library", "clock"


@cache
def texts() -> Mapping[str, str]:
    """Return the complete text of every Lua script, by its name."""
    return assembled(_text(_CLOCK))


def assembled(clock: str) -> Mapping[str, str]:
    """Return the texts of all Lua scripts with another clock; `clock` is Lua code that defines `now`, in seconds."""
    names = (path.name.removesuffix(".lua") for path in files(__package__).iterdir() if path.name.endswith(".lua"))
    prelude = clock + _text(_LIBRARY)
    return {name: _joined(prelude, _text(name)) for name in names if name not in (_LIBRARY, _CLOCK)}


def _joined(prelude: str, text: str) -> str:
    """Insert `prelude` after the first line of a Lua script; that line stays first, because it declares how Redis runs
    the script.
    """
    head, _, body = text.partition("\n")
    return f"{head}\n{prelude}{body}"


def _text(name: str) -> str:
    return (files(__package__) / f"{name}.lua").read_text("utf-8")
