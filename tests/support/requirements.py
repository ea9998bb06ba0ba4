"""The end of a test that needs something this machine lacks: skipped, or failed where tests have to run."""

import importlib
import os
from typing import Any, NoReturn

import pytest


def required() -> bool:
    """True if tests have to run: the variable CI or REQUIRE is set, and neither empty nor 0."""
    return any(os.environ.get(name, "0") not in {"", "0", "false"} for name in ("CI", "REQUIRE"))


def not_tried(reason: str) -> NoReturn:
    """Ends a test: skipped, or failed where tests have to run. `reason` says what is missing and how to get it."""
    if required():
        pytest.fail(f"{reason}; with CI or REQUIRE set no test is left out", pytrace=False)
    pytest.skip(reason)


def needed(module: str, cure: str) -> Any:
    """Return a module that the command `cure` brings; without it see `not_tried`."""
    try:
        return importlib.import_module(module)
    except ImportError:
        not_tried(f"{module} is missing: run `{cure}`")
