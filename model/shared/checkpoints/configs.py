"""Reads the `config.json` of a network."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.engine import EngineUnavailable


def read_json(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file.

    Raises:
        EngineUnavailable: it is not there, or no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"{path}: cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise EngineUnavailable(f"{path}: must hold a JSON object")
    return value
