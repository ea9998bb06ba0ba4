"""The `melisma` command: ask a server for a song, or for its engines.

Exit status: 0 done, 1 the server failed, 2 the request is wrong, 3 no server, 4 the server is full, 5 out of time,
6 what arrived is not whole, 130 interrupted, 141 the reader of the pipe has left.
"""

import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated

import grpc
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import AudioChunk, Engine
from melisma_client.connection import DEFAULT_SERVER, SONG_TIMEOUT_SECONDS, tls_credentials
from melisma_client.display import SongDisplay
from melisma_client.errors import (
    BrokenSong,
    DeadlineExceeded,
    DeadlineTooShort,
    InvalidRequest,
    MelismaError,
    NotFound,
    NotReady,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
)
from melisma_client.files import PartFile, Pipe, Sink
from melisma_client.request import Mode, Scheduler, SongRequest, Stem, Voice
from melisma_client.sync import Client, Song
from melisma_client.tasks import AudioToAudio, Edit, Extend, Repaint, Retake, Task

STDOUT = "-"

app = typer.Typer(help="Turn a style prompt and lyrics into a song.", no_args_is_help=True, add_completion=False)


class TaskName(StrEnum):
    """What to make in place of a new song."""

    AUDIO_TO_AUDIO = "audio-to-audio"
    RETAKE = "retake"
    REPAINT = "repaint"
    EXTEND = "extend"
    EDIT = "edit"


class Exit(IntEnum):
    """What the exit status says."""

    DONE = 0
    FAILED = 1
    WRONG_REQUEST = 2
    NO_SERVER = 3
    FULL = 4
    OUT_OF_TIME = 5
    NOT_WHOLE = 6
    INTERRUPTED = 130
    READER_GONE = 141


_EXITS: dict[type[MelismaError], Exit] = {
    InvalidRequest: Exit.WRONG_REQUEST,
    NotFound: Exit.WRONG_REQUEST,
    NotReady: Exit.WRONG_REQUEST,
    Unauthenticated: Exit.WRONG_REQUEST,
    PermissionDenied: Exit.WRONG_REQUEST,
    QuotaExceeded: Exit.FULL,
    Unavailable: Exit.NO_SERVER,
    Overloaded: Exit.FULL,
    DeadlineTooShort: Exit.OUT_OF_TIME,
    DeadlineExceeded: Exit.OUT_OF_TIME,
    BrokenSong: Exit.NOT_WHOLE,
}

_HINTS: dict[type[MelismaError], str] = {
    Unavailable: "is a server running there? `make serve` starts one; --server names another",
    Unauthenticated: "--api-key-file, or the variable MELISMA_API_KEY, gives a key",
    QuotaExceeded: "the key allows no more for now; try again {when}",
    Overloaded: "the server is busy; try again {when}",
    DeadlineTooShort: "--timeout allows more time; with this one, try again {when}",
    DeadlineExceeded: "--timeout allows more time",
}

ServerOption = Annotated[str, typer.Option("--server", envvar="MELISMA_SERVER", help="host:port of the server.")]
TlsOption = Annotated[bool, typer.Option("--tls", help="Encrypt; trust the system's authorities.")]
CaOption = Annotated[
    Path | None,
    typer.Option("--ca", envvar="MELISMA_CA", help="Encrypt; trust this PEM file.", exists=True, dir_okay=False),
]
CertificateOption = Annotated[
    Path | None,
    typer.Option("--certificate", envvar="MELISMA_CERTIFICATE", help="Who we are (PEM).", exists=True, dir_okay=False),
]
PrivateKeyOption = Annotated[
    Path | None,
    typer.Option("--private-key", envvar="MELISMA_PRIVATE_KEY", help="Its key (PEM).", exists=True, dir_okay=False),
]
ApiKeyFileOption = Annotated[
    Path | None,
    typer.Option("--api-key-file", help="File with the API key; or MELISMA_API_KEY.", exists=True, dir_okay=False),
]


@app.command()
def generate(
    output: Annotated[str, typer.Option("--output", "-o", help="MP3 file to write; - for standard output.")],
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="Style keywords, English or Chinese.")] = "",
    lyrics: Annotated[
        str, typer.Option("--lyrics", help=r"The words, with tags such as \[verse]; none: instrumental.")
    ] = "",
    lyrics_file: Annotated[
        Path | None,
        typer.Option(
            "--lyrics-file",
            "-l",
            help="UTF-8 file with the words; - reads them from standard input.",
            allow_dash=True,
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    duration_seconds: Annotated[
        float | None, typer.Option("--duration", "-d", help="Seconds, 10 to 240; unset: as long as the words need.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed and request give the same song.")] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="Name from `melisma engines`; unset: the server's default.")
    ] = "",
    steps: Annotated[int | None, typer.Option("--steps", help="Denoising steps per section.")] = None,
    guidance_scale: Annotated[float | None, typer.Option("--guidance", help="Strength of guidance.")] = None,
    key: Annotated[str, typer.Option("--key", help='Such as "C major" or "Am".')] = "",
    tempo_bpm: Annotated[float | None, typer.Option("--tempo", help="Quarter notes per minute.")] = None,
    anchor: Annotated[
        Path | None,
        typer.Option("--anchor", help="MIDI file with a melody to begin with.", exists=True, dir_okay=False),
    ] = None,
    stems: Annotated[list[Stem] | None, typer.Option("--stem", help="Track to play, repeatable; unset: all.")] = None,
    voice: Annotated[Voice | None, typer.Option("--voice", help="Who sings; unset: from the prompt.")] = None,
    vocal_level_db: Annotated[
        float | None, typer.Option("--vocal-level", help="dB to raise the lead line by, -24 to 12; unset: 0.")
    ] = None,
    language: Annotated[
        str, typer.Option("--language", help='Of the lyrics, such as "zh"; unset: told line by line.')
    ] = "",
    mode: Annotated[Mode | None, typer.Option("--mode", help="Denoise at once, or section by section.")] = None,
    scheduler: Annotated[Scheduler | None, typer.Option("--scheduler", help="Solver.")] = None,
    omega: Annotated[float | None, typer.Option("--omega", help="Contrast of a step; 0 is plain.")] = None,
    lora: Annotated[str, typer.Option("--lora", help="Adapter from `melisma engines`.")] = "",
    lora_weight: Annotated[float | None, typer.Option("--lora-weight", help="0 to 2; unset: 1.")] = None,
    task: Annotated[
        TaskName | None, typer.Option("--task", help="What to make of --recording, or (retake) of the song of --seed.")
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option("--recording", help="MP3, WAV, FLAC or Ogg for --task.", exists=True, dir_okay=False),
    ] = None,
    strength: Annotated[
        float | None, typer.Option("--strength", help="audio-to-audio: how much of the recording stays, 0 to 1.")
    ] = None,
    variance: Annotated[
        float | None, typer.Option("--variance", help="retake, repaint: how different, above 0 to 1.")
    ] = None,
    start_seconds: Annotated[float, typer.Option("--from", help="repaint: where the new part starts.")] = 0.0,
    end_seconds: Annotated[float, typer.Option("--to", help="repaint: where the new part ends.")] = 0.0,
    left_seconds: Annotated[float, typer.Option("--before", help="extend: seconds before the recording.")] = 0.0,
    right_seconds: Annotated[float, typer.Option("--after", help="extend: seconds after the recording.")] = 0.0,
    new_prompt: Annotated[str, typer.Option("--new-prompt", help="edit: the style wanted.")] = "",
    new_lyrics: Annotated[str, typer.Option("--new-lyrics", help="edit: the words wanted.")] = "",
    edit_start: Annotated[
        float, typer.Option("--keep", help="edit: share of the steps that keep the recording, 0 to 1.")
    ] = 0.0,
    bitrate_kbps: Annotated[int | None, typer.Option("--bitrate", help="kbit/s: 64 to 320; unset: 192.")] = None,
    sample_rate_hertz: Annotated[int | None, typer.Option("--sample-rate", help="44100 or 48000.")] = None,
    target_lufs: Annotated[float | None, typer.Option("--loudness", help="LUFS to level toward; unset: -14.")] = None,
    timeout_seconds: Annotated[
        float, typer.Option("--timeout", help="Seconds for everything.", min=0.1)
    ] = SONG_TIMEOUT_SECONDS,
    server: ServerOption = DEFAULT_SERVER,
    caller: Annotated[
        str, typer.Option("--caller", envvar="MELISMA_CALLER", help="Name under which the server gives fair shares.")
    ] = "",
    tls: TlsOption = False,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    private_key: PrivateKeyOption = None,
    api_key_file: ApiKeyFileOption = None,
) -> None:
    """Make one song and write it as MP3 while it arrives.

    The file is called OUTPUT.part, playable all the while, until the last byte has arrived and was verified.
    """
    request = SongRequest(
        prompt=prompt,
        lyrics=_words(lyrics, lyrics_file),
        duration_seconds=duration_seconds,
        engine=engine,
        seed=seed,
        steps=steps,
        guidance_scale=guidance_scale,
        key=key,
        tempo_bpm=tempo_bpm,
        anchor=anchor.read_bytes() if anchor else (),
        stems=tuple(stems or ()),
        voice=voice,
        vocal_level_db=vocal_level_db,
        bitrate_kbps=bitrate_kbps,
        sample_rate_hertz=sample_rate_hertz,
        target_lufs=target_lufs,
        language=language,
        mode=mode,
        scheduler=scheduler,
        omega=omega,
        lora=lora,
        lora_weight=lora_weight,
        task=_task(
            task,
            recording,
            lambda audio: {
                TaskName.AUDIO_TO_AUDIO: AudioToAudio(audio, strength),
                TaskName.RETAKE: Retake(variance),
                TaskName.REPAINT: Repaint(audio, start_seconds, end_seconds, variance),
                TaskName.EXTEND: Extend(audio, left_seconds, right_seconds),
                TaskName.EDIT: Edit(audio, new_prompt, new_lyrics, edit_start),
            },
        ),
    )
    console = Console(stderr=True)
    credentials = _credentials(tls, ca, certificate, private_key)
    with _client(server, caller, credentials, _api_key(api_key_file)) as client, _sink(output) as sink:
        try:
            song = client.generate(request, timeout_seconds=timeout_seconds)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        status = _play(song, sink, console)
    if isinstance(sink, PartFile):
        _tell_file(console, sink)
    raise typer.Exit(status)


def _task(
    name: TaskName | None, recording: Path | None, tasks: Callable[[bytes], Mapping[TaskName, Task]]
) -> Task | None:
    """The task of that name, of those that can be made of the recording."""
    if name is None and recording is not None:
        raise typer.BadParameter("--recording needs --task, which says what to make of it")
    if name not in (None, TaskName.RETAKE) and recording is None:
        raise typer.BadParameter(f"--task {name} needs --recording")
    return tasks(recording.read_bytes() if recording else b"")[name] if name else None


@app.command()
def engines(
    name: Annotated[str, typer.Argument(help="One engine only.")] = "",
    server: ServerOption = DEFAULT_SERVER,
    tls: TlsOption = False,
    ca: CaOption = None,
    certificate: CertificateOption = None,
    private_key: PrivateKeyOption = None,
    api_key_file: ApiKeyFileOption = None,
) -> None:
    """Show what the server can make songs with; its default comes first."""
    credentials = _credentials(tls, ca, certificate, private_key)
    try:
        with _client(server, "", credentials, _api_key(api_key_file)) as client:
            found = (client.get_engine(name),) if name else client.list_engines()
    except MelismaError as error:
        raise typer.Exit(_explain(Console(stderr=True), error)) from error
    console = Console()
    for engine in found:
        console.print(_facts(engine), highlight=False)


def main() -> None:
    """Run the command line; the process ends with one of the statuses of `Exit`."""
    app()


def _client(server: str, caller: str, credentials: grpc.ChannelCredentials | None, api_key: str) -> Client:
    try:
        return Client(server, caller=caller, credentials=credentials, api_key=api_key)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _credentials(
    tls: bool, ca: Path | None, certificate: Path | None, private_key: Path | None
) -> grpc.ChannelCredentials | None:
    if not (tls or ca or certificate or private_key):
        return None
    try:
        return tls_credentials(ca, certificate, private_key)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


def _api_key(file: Path | None) -> str:
    """The key itself is no option: command lines can be read by everyone on the machine."""
    return file.read_text("utf-8").strip() if file else os.environ.get("MELISMA_API_KEY", "")


def _play(song: Song, sink: Sink, console: Console) -> Exit:
    try:
        with song, SongDisplay(console) as display:
            for event in song:
                if isinstance(event, AudioChunk):
                    sink.write(event.data)
                display.show(event)
        sink.complete()
    except MelismaError as error:
        return _explain(console, error)
    except BrokenPipeError:
        _silence_stdout()
        return Exit.READER_GONE
    except OSError as error:
        _tell(console, f"cannot write the song: {escape(str(error))}")
        return Exit.FAILED
    except KeyboardInterrupt:
        _tell(console, "interrupted; the song was cancelled")
        return Exit.INTERRUPTED
    return Exit.DONE


def _explain(console: Console, error: MelismaError) -> Exit:
    violations = error.violations if isinstance(error, InvalidRequest) else ()
    text = "" if violations else f": {escape(str(error))}"
    _tell(console, f"[red]{type(error).__name__}[/red]{text}")
    for violation in violations:
        _tell(console, f"  {escape(violation.field)}: {escape(violation.description)}")
    if hint := _HINTS.get(type(error)):
        _tell(console, f"  {hint.format(when=_when(error))}")
    return _EXITS.get(type(error), Exit.FAILED)


def _when(error: MelismaError) -> str:
    if isinstance(error, Overloaded) and error.retry_after_seconds is not None:
        return f"in about {math.ceil(error.retry_after_seconds)} s"
    return "a little later"


def _tell(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)


def _tell_file(console: Console, file: PartFile) -> None:
    if file.part.exists():
        _tell(console, f"what arrived of the song is kept in {escape(str(file.part))}")
    elif file.completed:
        _tell(console, f"wrote {escape(str(file.path))}")


def _words(lyrics: str, lyrics_file: Path | None) -> str:
    if lyrics_file is None:
        return lyrics
    if lyrics:
        raise typer.BadParameter("give either --lyrics or --lyrics-file")
    data = sys.stdin.buffer.read() if str(lyrics_file) == STDOUT else lyrics_file.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{lyrics_file} is not UTF-8 text: {error.reason} at byte {error.start}") from error


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


def _facts(engine: Engine) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(f"[bold]{engine.name}[/bold]", engine.description)
    facts = {
        "ready": "yes" if engine.ready else "no",
        "devices": ", ".join(engine.devices),
        "languages": ", ".join(engine.languages) or "an instrument plays the melody",
        "voices": _names(map(music_pb2.Voice.Name, engine.voices)) or "none",
        "adapters": ", ".join(engine.loras) or "none",
        "seconds": f"{engine.min_duration_seconds:g} to {engine.max_duration_seconds:g}",
        "steps": f"{engine.min_steps} to {engine.max_steps}, else {engine.default_steps}",
        "guidance": (
            f"{engine.min_guidance_scale:g} to {engine.max_guidance_scale:g}, else {engine.default_guidance_scale:g}"
        ),
        "controls": ", ".join(engine.controls),
        "stems": _names(map(music_pb2.Stem.Name, engine.stems)),
    }
    for name, value in facts.items():
        table.add_row(name, value)
    return table


def _names(constants: Iterable[str]) -> str:
    return ", ".join(constant.partition("_")[2].lower() for constant in constants)
