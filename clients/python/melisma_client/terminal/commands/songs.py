"""Commands for existing songs of the caller: list, get, cancel, delete, listen."""

from collections.abc import Callable, Iterable
from json import dumps
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from melisma.v1.music_pb2 import Song, SongState
from melisma_client.connection import SONG_TIMEOUT_SECONDS
from melisma_client.errors import MelismaError, NotEnded, NotFound
from melisma_client.failure import failure_of
from melisma_client.sync import Client
from melisma_client.terminal.exits import Exit, explain
from melisma_client.terminal.messages import JsonOption, print_json, print_line
from melisma_client.terminal.option_groups import with_groups
from melisma_client.terminal.options.output import OutputOption, QuietOption, TimeoutOption
from melisma_client.terminal.options.server import ServerOptions
from melisma_client.terminal.receiving import receive

SongArgument: TypeAlias = Annotated[str, typer.Argument(metavar="SONG", help="Id of the song, as `list` shows it.")]


@with_groups
def list_songs(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Maximum number of songs to show.", min=1)] = 50,
    json: JsonOption = False,
    server: ServerOptions,
) -> None:
    """Show your songs, the newest first."""
    _show(_asked(server, lambda client: client.list_songs(limit)), json)


@with_groups
def get(*, song_id: SongArgument, json: JsonOption = False, server: ServerOptions) -> None:
    """Show the state of one song."""
    _show(_asked(server, lambda client: (client.get_song(song_id),)), json)


@with_groups
def cancel(*, song_id: SongArgument, json: JsonOption = False, server: ServerOptions) -> None:
    """Stop making a song, also for its other listeners."""
    _show(_asked(server, lambda client: (client.cancel_song(song_id),)), json)


@with_groups
def delete(
    *,
    song_ids: Annotated[list[str], typer.Argument(metavar="SONG", help="Ids of songs, as `list` shows them.")],
    json: JsonOption = False,
    quiet: QuietOption = False,
    server: ServerOptions,
) -> None:
    """Delete songs that have ended, with sound, prompt and lyrics, permanently.

    If several songs are given, all that can be deleted are deleted; the exit status is that of the first failure.
    """
    console, status = Console(stderr=True), Exit.DONE
    with server.client() as client:
        for song_id in song_ids:
            try:
                client.delete_song(song_id)
            except (NotFound, NotEnded) as error:
                failed = explain(console, error, server.diagnose)
                status = status or failed
            except MelismaError as error:  # further songs would fail for the same reason
                raise typer.Exit(explain(console, error, server.diagnose)) from error
            else:
                _tell_deleted(song_id, json=json, quiet=quiet)
    raise typer.Exit(status)


@with_groups
def listen(
    *,
    song_id: SongArgument,
    output: OutputOption,
    byte_offset: Annotated[
        int, typer.Option("--byte-offset", help="Number of bytes to skip at the beginning.", min=0)
    ] = 0,
    timeout_seconds: TimeoutOption = SONG_TIMEOUT_SECONDS,
    json: JsonOption = False,
    quiet: QuietOption = False,
    server: ServerOptions,
) -> None:
    """Write a song as MP3, while it is being made or after its end."""
    receive(
        lambda client: client.listen(song_id, byte_offset, timeout_seconds=timeout_seconds),
        server,
        output,
        json=json,
        quiet=quiet,
        when_left="the server continues to make the song while it has other listeners, and for some seconds without "
        "listeners",
    )


def _asked(server: ServerOptions, ask: Callable[[Client], Iterable[Song]]) -> Iterable[Song]:
    try:
        with server.client() as client:
            return ask(client)
    except MelismaError as error:
        raise typer.Exit(explain(Console(stderr=True), error, server.diagnose)) from error


def _tell_deleted(song_id: str, *, json: bool, quiet: bool) -> None:
    if json:
        print_line(dumps({"song_id": song_id}))
    elif not quiet:
        print_line(f"deleted {song_id}")


def _show(songs: Iterable[Song], json: bool) -> None:
    if json:
        for song in songs:
            print_json(song)
        return
    table = Table("song", "state", "seconds", "created", "engine", "prompt", box=None, pad_edge=False)
    for song in songs:
        seconds = f"{song.duration_seconds:.0f}" if song.duration_seconds else ""
        created = song.create_time.ToDatetime().isoformat(" ", "seconds") if song.HasField("create_time") else ""
        table.add_row(song.song_id, _state(song), seconds, created, song.engine, escape(song.prompt))
    Console().print(table, highlight=False, soft_wrap=True)


def _state(song: Song) -> str:
    state = SongState.Name(song.state).removeprefix("SONG_STATE_").lower().replace("_", " ")
    failure = failure_of(song)
    return f"{state}: {escape(failure.text)}" if failure else state
