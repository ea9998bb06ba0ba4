"""The command `melisma engines`, which lists the engines of a server."""

from typing import Annotated

import typer
from rich.console import Console

from melisma_client.errors import MelismaError
from melisma_client.terminal.engine_table import engine_table
from melisma_client.terminal.exits import explain
from melisma_client.terminal.messages import JsonOption, print_json
from melisma_client.terminal.option_groups import with_groups
from melisma_client.terminal.options.server import ServerOptions


@with_groups
def engines(
    *,
    name: Annotated[str, typer.Argument(metavar="ENGINE", help="Show only this engine.")] = "",
    json: JsonOption = False,
    server: ServerOptions,
) -> None:
    """Show the server's engines, the default engine first."""
    try:
        with server.client() as client:
            found = (client.get_engine(name),) if name else client.list_engines()
    except MelismaError as error:
        raise typer.Exit(explain(Console(stderr=True), error, server.diagnose)) from error
    console = Console()
    for engine in found:
        if json:
            print_json(engine)
        else:
            console.print(engine_table(engine), highlight=False)
