"""The `melisma` command: ask a server for a song, or for its engines.

Exit status: 0 done, 1 the server failed, 2 the request is wrong, 3 no server, 4 the server is full, 5 out of time,
6 what arrived is not whole, 130 interrupted, 141 the reader of the pipe has left.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from melisma.v1.music_pb2 import AudioChunk
from melisma_client.connection import DEFAULT_SERVER, SONG_TIMEOUT_SECONDS
from melisma_client.errors import MelismaError
from melisma_client.files import PartFile, Pipe, Sink
from melisma_client.song import Song
from melisma_client.sync import Client
from melisma_client.terminal.engine_table import engine_table
from melisma_client.terminal.exits import Exit, explain, tell
from melisma_client.terminal.option_groups import with_groups
from melisma_client.terminal.options import (
    STDOUT,
    AceStepFlags,
    CallerOption,
    OutputOption,
    SecurityOptions,
    ServerOption,
    SongOptions,
    SoundOptions,
    TaskOptions,
    TimeoutOption,
)
from melisma_client.terminal.song_display import SongDisplay

app = typer.Typer(help="Turn a style prompt and lyrics into a song.", no_args_is_help=True, add_completion=False)


@app.command()
@with_groups
def generate(
    *,
    output: OutputOption,
    song: SongOptions,
    task: TaskOptions,
    sound: SoundOptions,
    ace_step: AceStepFlags,
    timeout_seconds: TimeoutOption = SONG_TIMEOUT_SECONDS,
    server: ServerOption = DEFAULT_SERVER,
    caller: CallerOption = "",
    security: SecurityOptions,
) -> None:
    """Make one song and write it as MP3 while it arrives.

    The file is called OUTPUT.part, playable all the while, until the last byte has arrived and was verified.
    """
    request = song.to_request(task, sound, ace_step)
    console = Console(stderr=True)
    with _client(server, caller, security) as client, _sink(output) as sink:
        try:
            arriving = client.generate(request, timeout_seconds=timeout_seconds)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        status = _play(arriving, sink, console)
    if isinstance(sink, PartFile):
        _tell_file(console, sink)
    raise typer.Exit(status)


@app.command()
@with_groups
def engines(
    *,
    name: Annotated[str, typer.Argument(help="One engine only.")] = "",
    server: ServerOption = DEFAULT_SERVER,
    security: SecurityOptions,
) -> None:
    """Show what the server can make songs with; its default comes first."""
    try:
        with _client(server, "", security) as client:
            found = (client.get_engine(name),) if name else client.list_engines()
    except MelismaError as error:
        raise typer.Exit(explain(Console(stderr=True), error)) from error
    console = Console()
    for engine in found:
        console.print(engine_table(engine), highlight=False)


def main() -> None:
    """Run the command line; the process ends with one of the statuses of `Exit`."""
    app()


def _client(server: str, caller: str, security: SecurityOptions) -> Client:
    credentials, api_key = security.credentials(), security.key()
    try:
        return Client(server, caller=caller, credentials=credentials, api_key=api_key)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _play(song: Song, sink: Sink, console: Console) -> Exit:
    try:
        with song, SongDisplay(console) as display:
            for event in song:
                if isinstance(event, AudioChunk):
                    sink.write(event.data)
                display.show(event)
        sink.complete()
    except MelismaError as error:
        return explain(console, error)
    except BrokenPipeError:
        _silence_stdout()
        return Exit.READER_GONE
    except OSError as error:
        tell(console, f"cannot write the song: {escape(str(error))}")
        return Exit.FAILED
    except KeyboardInterrupt:
        tell(console, "interrupted; the song was cancelled")
        return Exit.INTERRUPTED
    return Exit.DONE


def _tell_file(console: Console, file: PartFile) -> None:
    if file.part.exists():
        tell(console, f"what arrived of the song is kept in {escape(str(file.part))}")
    elif file.completed:
        tell(console, f"wrote {escape(str(file.path))}")


def _sink(output: str) -> Sink:
    if output != STDOUT:
        try:
            return PartFile(Path(output))
        except OSError as error:
            raise typer.BadParameter(f"cannot write {output}: {error.strerror}") from error
    if sys.stdout.isatty():
        raise typer.BadParameter("standard output is a terminal; pipe it into a player, or name a file")
    return Pipe(sys.stdout.buffer)


def _silence_stdout() -> None:
    """Keep the interpreter from flushing into the broken pipe once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
