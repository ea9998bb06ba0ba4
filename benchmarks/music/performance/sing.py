"""Sings the songs of `bench_performance`: writes the voice alone as FLAC, and words, times and notes as JSON.

    python benchmarks/music/performance/sing.py FOLDER SONGS

The program runs on its own, so that the packages of another checkout can be put on PYTHONPATH. `SONGS` is a JSON
list of objects with `name`, `style`, `prompt`, `seed` and `text`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import soundfile
import torch

from benchmarks.music.made_song import RATE_HERTZ, Made, make
from benchmarks.music.singing import written_notes
from model.registry import load_engine
from model.song import SongParams, Stem

SECONDS = 44.0


def described(made: Made) -> dict[str, Any]:
    """Return the words and times of a song: `lines` with the kind of their section, and `notes`."""
    lines: list[dict[str, Any]] = []
    for section, score in zip(made.plan.sections, made.scores, strict=True):
        for number, line in enumerate(section.lines):
            times = [timing for timing in score.timings if timing.line == number]
            lines.append(
                {
                    "section": section.index,
                    "kind": section.kind.value,
                    "text": line.text,
                    "readings": [syllable.reading for syllable in line.syllables],
                    "spans": [(timing.start_seconds, timing.end_seconds) for timing in times],
                }
            )
    notes = [(note.start, note.end, note.pitch) for note in written_notes(made)]
    return {"lines": lines, "notes": notes, "cpu_seconds": made.cpu_seconds}


def main() -> None:
    """Sing the songs that are not in the folder yet."""
    folder, songs = Path(sys.argv[1]), json.loads(sys.argv[2])
    torch.set_num_threads(1)
    engine = load_engine("studio", "cpu")
    folder.mkdir(parents=True, exist_ok=True)
    for song in songs:
        if (folder / f"{song['name']}.json").exists():
            continue
        stems = frozenset({Stem.VOCAL})
        made = make(engine, SongParams(song["prompt"], song["text"], song["seed"], SECONDS, stems=stems))
        soundfile.write(folder / f"{song['name']}.flac", made.sound.mean(0), RATE_HERTZ, subtype="PCM_24")
        (folder / f"{song['name']}.json").write_text(json.dumps(song | described(made), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
