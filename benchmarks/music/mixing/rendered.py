"""Renders songs with a checkout and reads the results: the whole song, the voice alone and the band alone."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.music.made_song import Sound
from benchmarks.music.mixing.render_songs import HEADROOM

VOICE = ("vocal",)
BAND = ("harmony", "bass", "ornaments", "drums")
DRUMS = ("drums",)
STEMS = {"whole": VOICE + BAND, "voice": VOICE, "band": BAND, "drums": DRUMS}


@dataclass(frozen=True, slots=True)
class Job:
    """A song that a checkout has to render: prompt, lyrics, seed, length and stems."""

    name: str
    prompt: str
    lyrics: str
    seed: int
    seconds: float
    stems: tuple[str, ...] = STEMS["whole"]


@dataclass(frozen=True, slots=True)
class Song:
    """A rendered song: its sound, shape [2, samples] at 48 kHz, and the description that render_songs.py has written,
    with sections, MIDI files and tempo.
    """

    name: str
    sound: Sound
    details: dict[str, Any]


def render(checkout: Path, jobs: Sequence[Job], folder: Path) -> None:
    """Render the songs into a folder with the engine of a checkout."""
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("render_songs.py")
    path = ":".join([str(checkout), str(checkout / "protos"), *filter(None, sys.path)])
    subprocess.run(
        [sys.executable, "-P", str(script), str(folder)],
        input=json.dumps([asdict(job) for job in jobs]).encode(),
        env={"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        check=True,
    )


def read(folder: Path, name: str) -> Song:
    """Read a song that `render` has written."""
    sound, _ = soundfile.read(folder / f"{name}.flac", dtype="float32")
    details = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return Song(name, np.ascontiguousarray(sound.T) * np.float32(HEADROOM), details)
