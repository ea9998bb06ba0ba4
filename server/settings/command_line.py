"""Reads the settings from the environment and the command line, and reports those that are invalid."""

import argparse
import os
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from model.registry import ENGINES, Engines
from server.settings.engines import settings_with
from server.settings.settings import Settings
from server.settings.variables import (
    ENVIRONMENT_PREFIX,
    PATH_DELIMITER,
    Variable,
    variable_name,
    variable_of,
    variables_of,
)

FLAGS = ("host", "port", "http_port", "devices", "log_level")
"""Names of the settings that can also be set by a flag on the command line."""

_OF_CLIENTS = frozenset(
    ENVIRONMENT_PREFIX + name for name in ("API_KEY", "CA", "CALLER", "CERTIFICATE", "PRIVATE_KEY", "SERVER")
)
"""Environment variables of the command-line client `melisma`, which may be set in the same shell and are not reported
as unknown.
"""


class InvalidSettings(ValueError):
    """Error: the environment or the flags are invalid; the text names each variable and its error."""


def read_settings(arguments: Sequence[str], engines: Engines = ENGINES) -> Settings:
    """Return the settings: default values, overridden by environment variables, overridden by the flags in `arguments`
    (the command line without the program's name).

    Settings of `engines` are read, too, whether or not the server loads them.

    Raises:
        InvalidSettings: a value is invalid.
        SystemExit: `--help` was given (status 0), or the flags cannot be parsed (status 2).
    """
    settings = settings_with(engines)
    given = vars(_parser(settings).parse_args(arguments))
    try:
        return settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise InvalidSettings("; ".join(map(_fault, error.errors()))) from error


def unknown_variables() -> tuple[str, ...]:
    """Return the environment variables with the prefix of the settings that are no settings, such as misspelt names."""
    known = {variable.name for variable in variables_of(settings_with())}
    ours = (name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX) and PATH_DELIMITER not in name)
    return tuple(sorted(name for name in ours if name not in known and name not in _OF_CLIENTS))


def _fault(error: ErrorDetails) -> str:
    return f"{variable_name(*map(str, error['loc']))}: {error['msg']}" if error["loc"] else error["msg"]


def _parser(settings: type[Settings]) -> argparse.ArgumentParser:
    variables = "\n".join(f"  {variable.name}\n      {_help(variable)}" for variable in variables_of(settings))
    parser = argparse.ArgumentParser(
        prog="python -m server",
        description="Start the Melisma server, which makes songs from style prompts and lyrics.",
        epilog=f"environment variables, overridden by the flags:\n{variables}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in FLAGS:
        text = _help(variable_of(settings.model_fields[name], name))
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=name.rpartition("_")[2].upper(), help=text)
    return parser


def _help(variable: Variable) -> str:
    return f"{variable.description} (default: {variable.default})"
