"""Receives a song: writes its sound to a file or pipe, and shows its events in the terminal."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from melisma.v1.music_pb2 import AudioChunk, SongEvent
from melisma_client.errors import MelismaError
from melisma_client.files import PartFile, Pipe, Sink, sink_at
from melisma_client.receiver import Event
from melisma_client.song import Song
from melisma_client.sync import Client
from melisma_client.terminal.ending import Terminated, silence_stdout
from melisma_client.terminal.exits import Exit, explain, print_line
from melisma_client.terminal.messages import print_json
from melisma_client.terminal.options.server import ServerOptions
from melisma_client.terminal.song_display import SongDisplay

STDOUT = "-"


def receive(
    ask: Callable[[Client], Song],
    server: ServerOptions,
    output: str,
    *,
    json: bool,
    quiet: bool,
    when_left: str = "the song was cancelled",
) -> None:
    """Stream the song that the function `ask` requests to the file or pipe `output`, and end the command with its exit
    status.

    With `json` every event is printed as a line of JSON on standard output, without the bytes of sound. With `quiet`
    only errors are printed. `when_left` is the text that says what happens to the song if the command is interrupted.
    """
    if json and output == STDOUT:
        raise typer.BadParameter(
            "--json and the song cannot both be written to standard output: name a file with --output"
        )
    console = Console(stderr=True)
    with server.client() as client, _sink(output) as sink:
        try:
            song = ask(client)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        try:
            status = _play(song, sink, console, server, json=json, quiet=quiet or json)
        except KeyboardInterrupt as interrupt:
            print_line(console, f"interrupted; {when_left}")
            status = Exit.TERMINATED if isinstance(interrupt, Terminated) else Exit.INTERRUPTED
    if isinstance(sink, PartFile):
        _tell_file(console, sink, quiet=quiet or json)
    raise typer.Exit(status)


def _play(song: Song, sink: Sink, console: Console, server: ServerOptions, *, json: bool, quiet: bool) -> Exit:
    try:
        with ExitStack() as stack:
            stack.enter_context(song)
            display = None if quiet else stack.enter_context(SongDisplay(console))
            for event in song:
                if isinstance(event, AudioChunk):
                    sink.write(event.data)
                if json:
                    print_json(_event(event))
                if display:
                    display.show(event)
        sink.complete()
    except MelismaError as error:
        return explain(console, error, server.diagnose)
    except BrokenPipeError:
        silence_stdout()
        return Exit.READER_GONE
    except OSError as error:
        print_line(console, f"the song cannot be written: {escape(str(error))}")
        return Exit.FAILED
    return Exit.DONE


def _event(event: Event) -> SongEvent:
    """Return an event as the message SongEvent for JSON output, without the bytes of a chunk."""
    message = SongEvent()
    field = next(one.name for one in message.DESCRIPTOR.oneofs[0].fields if one.message_type is event.DESCRIPTOR)
    getattr(message, field).CopyFrom(event)
    if isinstance(event, AudioChunk):
        message.chunk.ClearField("data")
    return message


def _tell_file(console: Console, file: PartFile, *, quiet: bool) -> None:
    if not file.completed and file.part.exists():
        print_line(console, f"the sound that arrived is in {escape(str(file.part))}")
    elif file.completed and not quiet:
        print_line(console, f"wrote {escape(str(file.path))}")


def _sink(output: str) -> Sink:
    if output == STDOUT:
        if sys.stdout.isatty():
            raise typer.BadParameter(
                "standard output is a terminal, which cannot play MP3: pipe it into a player, or name a file with "
                "--output"
            )
        return Pipe(sys.stdout.buffer)
    try:
        return sink_at(Path(output))
    except OSError as error:
        raise typer.BadParameter(
            f"cannot write {output} ({error.strerror}): choose another file with --output"
        ) from error
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
