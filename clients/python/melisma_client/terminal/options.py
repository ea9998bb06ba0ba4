"""The options of the command line, in groups that know what they ask for."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import grpc
import typer

from melisma_client.connection import tls_credentials
from melisma_client.engine_options import AceStepOptions
from melisma_client.enums import GenerationMode, Sampler, StemKind, VoiceKind
from melisma_client.request import SongRequest
from melisma_client.tasks import AudioToAudioTask, EditTask, ExtendTask, RepaintTask, RetakeTask, Task

STDOUT = "-"
ACE_STEP_PANEL = "Options of ACE-Step"

OutputOption = Annotated[str, typer.Option("--output", "-o", help="MP3 file to write; - for standard output.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", help="Seconds for everything.", min=0.1)]
ServerOption = Annotated[str, typer.Option("--server", envvar="MELISMA_SERVER", help="host:port of the server.")]
CallerOption = Annotated[
    str, typer.Option("--caller", envvar="MELISMA_CALLER", help="Name under which the server gives fair shares.")
]


class TaskName(StrEnum):
    """A task, in place of a new song."""

    AUDIO_TO_AUDIO = "audio-to-audio"
    RETAKE = "retake"
    REPAINT = "repaint"
    EXTEND = "extend"
    EDIT = "edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """Options that make something in place of a new song."""

    task: Annotated[
        TaskName | None, typer.Option("--task", help="What to make of --recording, or (retake) of the song of --seed.")
    ] = None
    recording: Annotated[
        Path | None,
        typer.Option("--recording", help="MP3, WAV, FLAC or Ogg for --task.", exists=True, dir_okay=False),
    ] = None
    strength: Annotated[
        float | None, typer.Option("--strength", help="audio-to-audio: how much of the recording stays, 0 to 1.")
    ] = None
    variance: Annotated[
        float | None, typer.Option("--variance", help="retake, repaint: how different, above 0 to 1.")
    ] = None
    start_seconds: Annotated[float, typer.Option("--from", help="repaint: where the new part starts.")] = 0.0
    end_seconds: Annotated[float, typer.Option("--to", help="repaint: where the new part ends.")] = 0.0
    left_seconds: Annotated[float, typer.Option("--before", help="extend: seconds before the recording.")] = 0.0
    right_seconds: Annotated[float, typer.Option("--after", help="extend: seconds after the recording.")] = 0.0
    new_prompt: Annotated[str, typer.Option("--new-prompt", help="edit: the style wanted.")] = ""
    new_lyrics: Annotated[str, typer.Option("--new-lyrics", help="edit: the words wanted.")] = ""
    edit_start: Annotated[
        float, typer.Option("--keep", help="edit: share of the steps that keep the recording, 0 to 1.")
    ] = 0.0

    def to_task(self) -> Task | None:
        """The task asked for, if any; raises `BadParameter` where it does not go with the recording."""
        if self.task is None and self.recording is not None:
            raise typer.BadParameter("--recording needs --task, which says what to make of it")
        if self.task not in (None, TaskName.RETAKE) and self.recording is None:
            raise typer.BadParameter(f"--task {self.task} needs --recording")
        return self._tasks(self.recording.read_bytes() if self.recording else b"")[self.task] if self.task else None

    def _tasks(self, audio: bytes) -> Mapping[TaskName, Task]:
        return {
            TaskName.AUDIO_TO_AUDIO: AudioToAudioTask(audio, self.strength),
            TaskName.RETAKE: RetakeTask(self.variance),
            TaskName.REPAINT: RepaintTask(audio, self.start_seconds, self.end_seconds, self.variance),
            TaskName.EXTEND: ExtendTask(audio, self.left_seconds, self.right_seconds),
            TaskName.EDIT: EditTask(audio, self.new_prompt, self.new_lyrics, self.edit_start),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundOptions:
    """Options for encoding and loudness."""

    bitrate_kbps: Annotated[int | None, typer.Option("--bitrate", help="kbit/s: 64 to 320; unset: 192.")] = None
    sample_rate_hertz: Annotated[int | None, typer.Option("--sample-rate", help="44100 or 48000.")] = None
    target_lufs: Annotated[float | None, typer.Option("--loudness", help="LUFS to level toward; unset: -14.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AceStepFlags:
    """Options that ACE-Step alone understands; with one of them set, and no engine named, it is the engine."""

    mode: Annotated[
        GenerationMode | None,
        typer.Option("--mode", help="Denoise at once, or section by section.", rich_help_panel=ACE_STEP_PANEL),
    ] = None
    sampler: Annotated[
        Sampler | None,
        typer.Option("--sampler", help="Takes noise to a song; unset: euler.", rich_help_panel=ACE_STEP_PANEL),
    ] = None
    omega: Annotated[
        float | None,
        typer.Option("--omega", help="Contrast of a step; 0 is plain, unset: 10.", rich_help_panel=ACE_STEP_PANEL),
    ] = None
    lora: Annotated[
        str, typer.Option("--lora", help="Adapter from `melisma engines`.", rich_help_panel=ACE_STEP_PANEL)
    ] = ""
    lora_weight: Annotated[
        float | None, typer.Option("--lora-weight", help="0 to 2; unset: 1.", rich_help_panel=ACE_STEP_PANEL)
    ] = None

    def to_options(self) -> AceStepOptions | None:
        """The options that are set; `None` where none is."""
        options = AceStepOptions(
            mode=self.mode, sampler=self.sampler, omega=self.omega, lora=self.lora, lora_weight=self.lora_weight
        )
        return None if options == AceStepOptions() else options


@dataclass(frozen=True, slots=True, kw_only=True)
class SongOptions:
    """Options for the music."""

    prompt: Annotated[str, typer.Option("--prompt", "-p", help="Style keywords, English or Chinese.")] = ""
    lyrics: Annotated[
        str, typer.Option("--lyrics", help=r"The words, with tags such as \[verse]; none: instrumental.")
    ] = ""
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
    ] = None
    duration_seconds: Annotated[
        float | None, typer.Option("--duration", "-d", help="Seconds, 10 to 240; unset: as long as the words need.")
    ] = None
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed and request give the same song.")] = None
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            help="Name from `melisma engines`; unset: ACE-Step where its options are set, else the server's default.",
        ),
    ] = ""
    steps: Annotated[int | None, typer.Option("--steps", help="Denoising steps per section.")] = None
    guidance_scale: Annotated[float | None, typer.Option("--guidance", help="Strength of guidance.")] = None
    key: Annotated[str, typer.Option("--key", help='Such as "C major" or "Am".')] = ""
    tempo_bpm: Annotated[float | None, typer.Option("--tempo", help="Quarter notes per minute.")] = None
    anchor: Annotated[
        Path | None,
        typer.Option("--anchor", help="MIDI file with a melody to begin with.", exists=True, dir_okay=False),
    ] = None
    stems: Annotated[list[StemKind] | None, typer.Option("--stem", help="Track to play, repeatable; unset: all.")] = (
        None
    )
    voice: Annotated[VoiceKind | None, typer.Option("--voice", help="Who sings; unset: from the prompt.")] = None
    vocal_level_db: Annotated[
        float | None, typer.Option("--vocal-level", help="dB to raise the lead line by, -24 to 12; unset: 0.")
    ] = None
    language: Annotated[
        str, typer.Option("--language", help='Of the lyrics, such as "zh"; unset: told line by line.')
    ] = ""

    def to_request(self, task: TaskOptions, sound: SoundOptions, ace_step: AceStepFlags) -> SongRequest:
        """The request that all four groups make; raises `BadParameter` for options that do not go together."""
        return SongRequest(
            prompt=self.prompt,
            lyrics=self._words(),
            duration_seconds=self.duration_seconds,
            engine=self.engine,
            seed=self.seed,
            steps=self.steps,
            guidance_scale=self.guidance_scale,
            key=self.key,
            tempo_bpm=self.tempo_bpm,
            anchor=self.anchor.read_bytes() if self.anchor else (),
            stems=tuple(self.stems or ()),
            voice=self.voice,
            vocal_level_db=self.vocal_level_db,
            bitrate_kbps=sound.bitrate_kbps,
            sample_rate_hertz=sound.sample_rate_hertz,
            target_lufs=sound.target_lufs,
            language=self.language,
            engine_options=ace_step.to_options(),
            task=task.to_task(),
        )

    def _words(self) -> str:
        if self.lyrics_file is None:
            return self.lyrics
        if self.lyrics:
            raise typer.BadParameter("give either --lyrics or --lyrics-file")
        data = sys.stdin.buffer.read() if str(self.lyrics_file) == STDOUT else self.lyrics_file.read_bytes()
        try:
            words = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise typer.BadParameter(
                f"{self.lyrics_file} is not UTF-8 text: {error.reason} at byte {error.start}"
            ) from error
        if not words.strip():
            raise typer.BadParameter(f"{self.lyrics_file} is empty; leave out --lyrics-file for an instrumental")
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityOptions:
    """Options for an encrypted connection and an API key."""

    tls: Annotated[bool, typer.Option("--tls", help="Encrypt; trust the system's authorities.")] = False
    ca: Annotated[
        Path | None,
        typer.Option("--ca", envvar="MELISMA_CA", help="Encrypt; trust this PEM file.", exists=True, dir_okay=False),
    ] = None
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate", envvar="MELISMA_CERTIFICATE", help="Who we are (PEM).", exists=True, dir_okay=False
        ),
    ] = None
    private_key: Annotated[
        Path | None,
        typer.Option("--private-key", envvar="MELISMA_PRIVATE_KEY", help="Its key (PEM).", exists=True, dir_okay=False),
    ] = None
    api_key_file: Annotated[
        Path | None,
        typer.Option("--api-key-file", help="File with the API key; or MELISMA_API_KEY.", exists=True, dir_okay=False),
    ] = None

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Credentials of an encrypted connection; `None` without such an option, `BadParameter` for unusable files."""
        if not (self.tls or self.ca or self.certificate or self.private_key):
            return None
        try:
            return tls_credentials(self.ca, self.certificate, self.private_key)
        except (OSError, ValueError) as error:
            raise typer.BadParameter(str(error)) from error

    def key(self) -> str:
        """The API key. It is no option itself: command lines can be read by everyone on the machine."""
        file = self.api_key_file
        return file.read_text("utf-8").strip() if file else os.environ.get("MELISMA_API_KEY", "")
