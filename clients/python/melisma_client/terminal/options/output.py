"""Command-line options for the output file and the time limit of a command."""

from typing import Annotated, TypeAlias

import typer

OutputOption: TypeAlias = Annotated[
    str, typer.Option("--output", "-o", help="MP3 file, device or FIFO to write; - writes to standard output.")
]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Show errors only.")]
TimeoutOption: TypeAlias = Annotated[
    float, typer.Option("--timeout", help="Time limit of the whole command in seconds.", min=0.1)
]
