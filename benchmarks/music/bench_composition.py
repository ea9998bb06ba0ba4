"""Measures melody, words, chords and form of composed scores, and compares them with POP909; makes sound only for
`--loudness`.

    python -m benchmarks.music.bench_composition                      # 12 styles, 3 seeds, texts for tuning
    python -m benchmarks.music.bench_composition --held-out --pop909 pop909-structure.tar.xz --json out.json

Texts and seeds of `--held-out` are only for evaluation. The chance level for recognising styles is one in twelve.
"""

import argparse
import json
import pickle
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.music.composition.form import copies, last_chorus, recognised_share, soloist_share
from benchmarks.music.composition.loudness import last_chorus_louder
from benchmarks.music.composition.measures import MEASURES, bigrams, divergence
from benchmarks.music.composition.pieces import Piece, pop909, write_piece
from benchmarks.music.composition.texts import HELD_OUT, HELD_OUT_SEEDS, SECONDS, SOLOISTS, STYLES, TUNING, TUNING_SEEDS
from model.song import SongParams
from model.studio.composing.denoiser import ScoreDenoiser
from model.studio.engine import StudioEngine


def write_songs(denoiser: ScoreDenoiser, *, held_out: bool) -> list[tuple[int, Piece]]:
    """Compose a song in every style on each text for tuning, or on each held-out text if `held_out`; return each song
    with its seed.
    """
    texts, seeds = (HELD_OUT, HELD_OUT_SEEDS) if held_out else (TUNING, TUNING_SEEDS)
    out = []
    for (name, lyrics), seed, seconds in zip(texts.items(), seeds, SECONDS, strict=True):
        for number, (style, prompt) in enumerate(STYLES.items()):
            params = SongParams(prompt, lyrics, seed * 100 + number, duration_seconds=seconds)
            out.append((seed, write_piece(denoiser, style, params, f"{style}, {name}")))
    return out


def louder_choruses(count: int, *, held_out: bool) -> list[float]:
    """Return by how many LU the last chorus is louder than the first, for one song in each of the first `count` styles;
    the text is one for tuning, or a held-out one if `held_out`.
    """
    engine = StudioEngine.load("cpu")
    (lyrics, *_), (seed, *_) = (HELD_OUT.values(), HELD_OUT_SEEDS) if held_out else (TUNING.values(), TUNING_SEEDS)
    prompts = list(STYLES.values())[:count]
    songs = (SongParams(prompt, lyrics, 100 * seed + n, SECONDS[0]) for n, prompt in enumerate(prompts))
    return [last_chorus_louder(engine, song) for song in songs]


def report(pieces: Sequence[Piece], seeds: Sequence[int], reference: Sequence[Piece]) -> dict[str, tuple[float, float]]:
    """Return every measure by name, each with its value for the composed songs and for the reference songs; the latter
    is `nan` for a measure of composed songs only.
    """
    rows = {name: (measure(pieces), measure(reference)) for name, measure in MEASURES.items()}
    nothing = float("nan")
    rows["chord bigrams, JS to POP909 (major)"] = (divergence(bigrams(pieces), bigrams(reference)), nothing)
    rows |= {name: (value, nothing) for name, value in last_chorus(pieces).items()}
    rows["second chorus: notes of the band as in the first"] = (copies(pieces), nothing)
    soloists = [piece for piece in pieces if piece.style in SOLOISTS]
    rows["named soloist sounding"] = (soloist_share(soloists), nothing)
    rows["styles recognised by melody and chords"] = (recognised_share(pieces, seeds), nothing)
    return rows


def main() -> None:
    """Command line: compose songs and print their measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="use the texts and seeds that are not used for tuning")
    parser.add_argument(
        "--pop909", type=Path, help="archive of POP909's structure annotations, as reference; unset: no reference"
    )
    parser.add_argument("--json", type=Path, help="JSON file to write the measures into")
    parser.add_argument(
        "--loudness", type=int, default=0, help="number of songs whose choruses are rendered to measure loudness"
    )
    parser.add_argument("--keep", type=Path, help="file to write the composed songs into, as a pickle")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    songs = write_songs(ScoreDenoiser.load(), held_out=options.held_out)
    spent = time.process_time() - started
    pieces, seeds = [piece for _, piece in songs], [seed for seed, _ in songs]
    rows = report(pieces, seeds, list(pop909(options.pop909)) if options.pop909 else [])
    print(f"{'':<52} {'songs':>8} {'POP909':>8}")
    for name, (own, other) in rows.items():
        print(f"{name:<52} {own:8.3f} {other:8.3f}")
    if options.loudness:
        louder = louder_choruses(options.loudness, held_out=options.held_out)
        print(f"last chorus against the first, LU: {', '.join(f'{value:+.1f}' for value in louder)}")
    print(f"{len(pieces)} songs; {spent:.1f} s of CPU on paper")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    if options.keep:
        options.keep.write_bytes(pickle.dumps(pieces))


if __name__ == "__main__":
    main()
