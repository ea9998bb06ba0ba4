"""Reads `config.json` files, which contain the sizes of networks."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from model.engine import EngineUnavailable

T = TypeVar("T")


def read_json(path: Path) -> Mapping[str, Any]:
    """Return the JSON object in the file `path`.

    Raises:
        EngineUnavailable: the file is missing, or is not a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"{path} cannot be read ({error}): download it again") from error
    if not isinstance(value, dict):
        raise EngineUnavailable(f"{path} must contain a JSON object: download it again")
    return value


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Context manager for the interpretation of the values of a file: puts the file's path before the text of each
    EngineUnavailable that is raised in it.
    """
    try:
        yield
    except EngineUnavailable as error:
        raise EngineUnavailable(f"{path}: ", *error.parts) from error


def made_from(path: Path, make: Callable[[Mapping[str, Any]], T]) -> T:
    """Return what `make` makes of the values in the JSON file `path`.

    Raises:
        EngineUnavailable: the file is missing or is not a JSON object, or `make` raises the error, whose text then
            begins with the path.
    """
    values = read_json(path)
    with named(path):
        return make(values)
