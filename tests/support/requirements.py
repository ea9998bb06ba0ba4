"""Ends tests whose requirements, such as a program, are missing: as failed if the environment variable CI or REQUIRE is
set, otherwise as skipped.
"""

import importlib
import os
from typing import Any, NoReturn

import pytest


def required() -> bool:
    """Return True if no test may be skipped: the variable CI or REQUIRE is set, and not empty, 0 or false."""
    return any(os.environ.get(name, "0") not in {"", "0", "false"} for name in ("CI", "REQUIRE"))


def not_tried(reason: str) -> NoReturn:
    """End the test: as failed if the environment variable CI or REQUIRE is set, otherwise as skipped. `reason` says
    what is missing and how to install it.
    """
    if required():
        pytest.fail(f"{reason}; with CI or REQUIRE set no test is left out", pytrace=False)
    pytest.skip(reason)


def needed(module: str, cure: str) -> Any:
    """Import and return a module that the command `cure` installs; ends the test with `not_tried` if it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        not_tried(f"{module} is missing: run `{cure}`")
