"""Tables of variables for the documentation: `python -m server.settings.documentation` prints one for each engine."""

import sys
from collections.abc import Sequence

from model.registry import ENGINES, EngineEntry, settings_class
from server.settings.variables import Variable, variables_of


def engine_table(name: str, entry: EngineEntry) -> str:
    """A Markdown table of the variables of engine `name`; empty for an engine without settings of its own."""
    settings = settings_class(entry)
    return table(variables_of(settings, name)) if settings else ""


def table(variables: Sequence[Variable]) -> str:
    """A Markdown table of variables: name, default, description."""
    rows = (f"| `{name}` | {f'`{default}`' if default else 'empty'} | {text} |" for name, text, default in variables)
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def main() -> None:
    """Print the table of each registered engine that has settings."""
    tables = (engine_table(name, entry) for name, entry in ENGINES.items())
    sys.stdout.write("\n\n".join(filter(None, tables)) + "\n")


if __name__ == "__main__":
    main()
