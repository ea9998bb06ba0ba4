"""Options of a command's output and time limit."""

from typing import Annotated, TypeAlias

import typer

OutputOption: TypeAlias = Annotated[
    str, typer.Option("--output", "-o", help="MP3 file, device or FIFO to write; - for standard output.")
]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Show errors only.")]
TimeoutOption: TypeAlias = Annotated[float, typer.Option("--timeout", help="Seconds for everything.", min=0.1)]
