"""Generates the tables of environment variables for the documentation; `python docs/generate.py` writes them."""

from collections.abc import Sequence

from model.registry import EngineEntry, settings_class
from server.settings.settings import Settings
from server.settings.variables import Variable, variables_of


def settings_table() -> str:
    """Return a Markdown table of the server's environment variables (name, default, description), including those of
    nested groups.
    """
    return table(variables_of(Settings))


def engine_table(name: str, entry: EngineEntry) -> str:
    """Return a Markdown table of the environment variables of the engine `name`; empty for an engine without settings
    of its own.
    """
    settings = settings_class(entry)
    return table(variables_of(settings, name)) if settings else ""


def table(variables: Sequence[Variable]) -> str:
    """Return a Markdown table of variables: name, default, description."""
    rows = (f"| `{name}` | {f'`{default}`' if default else 'empty'} | {text} |" for name, text, default in variables)
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])
