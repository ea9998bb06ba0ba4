"""Renders songs to files with the engine of another checkout, which must be on the Python path of this script.

    PYTHONPATH=CHECKOUT:CHECKOUT/protos python -P render_songs.py FOLDER < jobs.json

A job is a JSON object with the name, prompt, lyrics, seed, seconds and stems of a song. Each song is written as FLAC,
divided by `HEADROOM` so that no sample is clipped, and as the MP3 that the service sends.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

import soundfile
import torch

from benchmarks.music.levels import mastered
from benchmarks.music.made_song import RATE_HERTZ, Made, make
from model.registry import load_engine
from model.song import SongParams, Stem
from model.studio.planning.studio_detail import detail_of
from server.audio.codecs.mp3 import Mp3Encoder

HEADROOM = 4.0
_KILOBITS = 192


def main() -> None:
    """Render every song of the list on standard input."""
    torch.set_num_threads(1)
    folder, engine = Path(sys.argv[1]), load_engine("studio", "cpu")
    for job in json.load(sys.stdin):
        stems = frozenset(Stem(stem) for stem in job["stems"])
        made = make(
            engine, SongParams(job["prompt"], job["lyrics"], job["seed"], duration_seconds=job["seconds"], stems=stems)
        )
        soundfile.write(folder / f"{job['name']}.flac", made.sound.T / HEADROOM, RATE_HERTZ, subtype="PCM_24")
        encoder = Mp3Encoder(RATE_HERTZ, _KILOBITS)
        (folder / f"{job['name']}.mp3").write_bytes(encoder.feed(mastered(made.sound)) + encoder.finish())
        (folder / f"{job['name']}.json").write_text(json.dumps(_described(made)), encoding="utf-8")


def _described(made: Made) -> dict[str, Any]:
    """Return the sections of a song as JSON values, with the syllables' pronunciations, MIDI files, tempo and CPU
    time.
    """
    sections = [
        {
            "kind": section.kind.value,
            "start": section.start_seconds,
            "seconds": section.duration_seconds,
            "readings": [syllable.reading for line in section.lines for syllable in line.syllables],
            "midi": base64.b64encode(score.midi).decode(),
        }
        for section, score in zip(made.plan.sections, made.scores, strict=True)
    ]
    return {
        "tempo": made.plan.tempo_bpm,
        "sections": sections,
        "swing": detail_of(made.plan).style.swing,
        "notes": list(made.plan.notes),
        "cpu": made.cpu_seconds / (made.sound.shape[1] / RATE_HERTZ),
    }


if __name__ == "__main__":
    main()
