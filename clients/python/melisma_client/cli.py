"""The `melisma` command: makes songs, lists, shows, cancels and deletes them, and shows engines.

Exit status: 0 success, 1 error of the server, 2 invalid request, 3 no server, 4 the server is full, 5 time limit, 6 the
song arrived incomplete, 130 interrupted, 141 the reader of the pipe has ended, 143 terminated.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from melisma_client.terminal.commands.engines import engines
from melisma_client.terminal.commands.generate import generate
from melisma_client.terminal.commands.songs import cancel, delete, get, list_songs, listen
from melisma_client.terminal.ending import ended_by_signals

app = typer.Typer(
    help="Command line of Melisma, which makes songs from style prompts and lyrics.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(generate)
app.command("list")(list_songs)
app.command()(get)
app.command()(listen)
app.command()(cancel)
app.command()(delete)
app.command()(engines)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"melisma {_version()}")
        raise typer.Exit


def _version() -> str:
    for package in ("melisma-client", "melisma"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "of an unknown version"


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version of the command and exit.", is_eager=True, callback=_show_version
        ),
    ] = False,
) -> None:
    """Command line of Melisma, which makes songs from style prompts and lyrics."""


def main() -> None:
    """Run the command line; the process ends with one of the statuses of `Exit`."""
    with ended_by_signals():
        app()
