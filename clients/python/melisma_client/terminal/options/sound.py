"""Command-line options of the sound's encoding and loudness."""

from dataclasses import dataclass
from typing import Annotated

import typer


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundOptions:
    """Command-line options of a song's MP3 encoding and loudness."""

    bitrate_kbps: Annotated[
        int | None, typer.Option("--bitrate", help="Bit rate in kbit/s, 64 to 320; unset: 192.")
    ] = None
    sample_rate_hertz: Annotated[
        int | None, typer.Option("--sample-rate", help="Sample rate in Hz: 44100 or 48000.")
    ] = None
    target_lufs: Annotated[
        float | None, typer.Option("--loudness", help="Loudness of the song in LUFS; unset: -14.")
    ] = None
