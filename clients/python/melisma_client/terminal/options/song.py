"""Command-line options that describe the music, such as prompt and lyrics."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from melisma_client.enums import StemKind, VoiceKind
from melisma_client.request import SongRequest
from melisma_client.terminal.lyrics import read_lyrics
from melisma_client.terminal.options.ace_step import AceStepFlags
from melisma_client.terminal.options.musicgen import MusicGenFlags
from melisma_client.terminal.options.sound import SoundOptions
from melisma_client.terminal.options.tasks import TaskOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class SongOptions:
    """Command-line options that describe the music, such as prompt, lyrics and tempo."""

    prompt: Annotated[
        str, typer.Option("--prompt", "-p", help="Style of the song as keywords, English or Chinese.")
    ] = ""
    lyrics: Annotated[
        str, typer.Option("--lyrics", help=r"Words to sing, with tags such as \[verse]; unset: an instrumental.")
    ] = ""
    lyrics_file: Annotated[
        str, typer.Option("--lyrics-file", "-l", help="Text file with the lyrics; - reads standard input.")
    ] = ""
    encoding: Annotated[
        str, typer.Option("--encoding", help="Text encoding of the lyrics file; unset: UTF-8 or UTF-16, detected.")
    ] = ""
    duration_seconds: Annotated[
        float | None,
        typer.Option(
            "--duration",
            "-d",
            help="Length in seconds, 3 to 600 and in the range of the engine; unset: as long as the words need.",
        ),
    ] = None
    seed: Annotated[
        int | None, typer.Option("--seed", help="Random seed; the same seed and request give the same song.")
    ] = None
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            help="Engine that makes the song, one of `melisma engines`; unset: the engine of the given options, "
            "otherwise "
            "the server's default.",
        ),
    ] = ""
    steps: Annotated[int | None, typer.Option("--steps", help="Number of denoising steps per section.")] = None
    guidance_scale: Annotated[
        float | None, typer.Option("--guidance", help="Strength of classifier-free guidance; 1: none.")
    ] = None
    key: Annotated[str, typer.Option("--key", help='Musical key, such as "C major" or "Am".')] = ""
    tempo_bpm: Annotated[float | None, typer.Option("--tempo", help="Tempo in quarter notes per minute.")] = None
    anchor: Annotated[
        Path | None,
        typer.Option(
            "--anchor", help="MIDI file with the melody that the song begins with.", exists=True, dir_okay=False
        ),
    ] = None
    stems: Annotated[
        list[StemKind] | None,
        typer.Option("--stem", help="Track (stem) that the song contains, repeatable; unset: all."),
    ] = None
    voice: Annotated[
        VoiceKind | None, typer.Option("--voice", help="Kind of voice that sings; unset: as the prompt says.")
    ] = None
    vocal_level_db: Annotated[
        float | None,
        typer.Option("--vocal-level", help="Level of the voice relative to the mix, -24 to 12 dB; unset: 0."),
    ] = None
    language: Annotated[
        str, typer.Option("--language", help='Language of the lyrics, such as "zh"; unset: detected for each line.')
    ] = ""

    negative_prompt: Annotated[
        str, typer.Option("--negative-prompt", help="Style that the song avoids, as keywords.")
    ] = ""
    time_signature: Annotated[str, typer.Option("--time-signature", help='Time signature, such as "3/4".')] = ""
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            help="Recording whose timbre the song imitates: MP3, WAV, FLAC or Ogg.",
            exists=True,
            dir_okay=False,
        ),
    ] = None

    def to_request(
        self, task: TaskOptions, sound: SoundOptions, ace_step: AceStepFlags, musicgen: MusicGenFlags
    ) -> SongRequest:
        """Return the request for a song, built from all groups of options; raises `BadParameter` for options that
        exclude each other.
        """
        given = (ace_step.to_options(self.engine), musicgen.to_options())
        of_engines = [options for options in given if options is not None]
        if len(of_engines) > 1:
            raise typer.BadParameter("options of ACE-Step and of MusicGen exclude each other: give those of one engine")
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
            engine_options=of_engines[0] if of_engines else None,
            task=task.to_task(self.seed),
            negative_prompt=self.negative_prompt,
            time_signature=self.time_signature,
            reference_audio=self.reference.read_bytes() if self.reference else b"",
        )

    def _words(self) -> str:
        if not self.lyrics_file:
            return self.lyrics
        if self.lyrics:
            raise typer.BadParameter("--lyrics and --lyrics-file exclude each other: give only one of them")
        return read_lyrics(self.lyrics_file, self.encoding)
