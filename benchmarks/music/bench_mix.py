"""Compares the mix of two checkouts on texts and seeds that nothing was tuned on: balance, peaks, drums, words.

    python -m benchmarks.music.bench_mix OLD NEW                        # paths of checkouts; one is enough
    python -m benchmarks.music.bench_mix OLD NEW --recogniser FOLDER    # words, too; needs faster-whisper and a model
    python -m benchmarks.music.bench_mix NEW --styles pop rock --seconds 60

Every song is rendered whole, as its voice alone and as its band alone. The table has the mean of each measure over the
songs of a checkout.
"""

import argparse
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.music.composition.texts import HELD_OUT, HELD_OUT_SEEDS, STYLES
from benchmarks.music.listen import decode, true_peak_db
from benchmarks.music.mixing.groove import Groove, groove, most_alike
from benchmarks.music.mixing.levels import (
    interludes_over_choruses,
    octave_levels_db,
    off_tilt_db,
    voice_over_band,
    width_db,
)
from benchmarks.music.mixing.rendered import STEMS, Job, Song, read, render
from benchmarks.music.mixing.words import Recogniser, error_rate

_PARTS = ("whole", "voice", "band")


def jobs(styles: Sequence[str], seconds: float, texts: int) -> list[Job]:
    """Return the songs of `seconds` to render: each of `styles` on the first `texts` held-out texts; each as whole
    song, as voice alone and as band alone.
    """
    pairs = list(zip(HELD_OUT.items(), HELD_OUT_SEEDS, strict=True))[:texts]
    return [
        Job(
            f"{style}-{name}-{part}".replace(" ", "_"), STYLES[style], lyrics, seed * 100 + number, seconds, STEMS[part]
        )
        for (name, lyrics), seed in pairs
        for number, style in enumerate(STYLES)
        if style in styles
        for part in _PARTS
    ]


def figures(folder: Path, name: str, recogniser: Recogniser | None) -> dict[str, float]:
    """Return the measures of the mix of one rendered song, by the name of the measure."""
    whole, voice, band = (read(folder, f"{name}-{part}") for part in _PARTS)
    sent, _ = decode(folder / f"{name}-whole.mp3")
    off = off_tilt_db(octave_levels_db(whole.sound))
    found = {
        "octaves off -2 dB/octave, dB": float(np.abs(off).max()),
        "side over middle, dB": width_db(whole.sound),
        "interludes over choruses, LU": interludes_over_choruses(whole),
        "voice over band while sung, LU": voice_over_band(voice.sound, band.sound),
        "true peak after MP3, dBTP": true_peak_db(sent),
        "CPU s for a second": whole.details["cpu"],
    }
    return found | (_words(whole, voice, recogniser) if recogniser else {})


def _words(whole: Song, voice: Song, recogniser: Recogniser) -> dict[str, float]:
    said = [reading for section in whole.details["sections"] for reading in section["readings"]]
    alone, mixed = (error_rate(said, recogniser.syllables(song.sound)) for song in (voice, whole))
    return {"pinyin error, voice alone": alone, "in the mix": mixed, "mix minus voice": mixed - alone}


def _report(rows: Sequence[Mapping[str, float]]) -> None:
    for name in rows[0]:
        values = np.array([row[name] for row in rows if not math.isnan(row[name])])
        if len(values):
            half = 1.96 * values.std() / math.sqrt(len(values))
            spread = f"+- {half:.2f}, {values.min():.2f} to {values.max():.2f}"
            print(f"  {name:<34} {values.mean():8.3f} {spread} ({len(values)} songs)", flush=True)


def _report_grooves(grooves: Mapping[str, Groove]) -> None:
    for style, found in grooves.items():
        print(
            f"  drums, {style:<12} on beats SD {found.beats_sd_ms:4.1f} ms, worst {found.beats_worst_ms:4.1f} ms, "
            f"bars alike {found.likeness:.2f}"
        )
    print("  most alike: {} {:.2f}".format(*most_alike(grooves)))


def main() -> None:
    """Command line: render songs with each checkout, measure them and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", type=Path, nargs="+")
    parser.add_argument("--styles", nargs="+", choices=list(STYLES), default=list(STYLES))
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--texts", type=int, default=2, help="number of held-out texts")
    parser.add_argument("--recogniser", type=Path, help="folder of a Whisper model in the format of faster-whisper")
    options = parser.parse_args()
    recogniser = Recogniser(options.recogniser) if options.recogniser else None
    wanted = jobs(options.styles, options.seconds, options.texts)
    for checkout in options.checkouts:
        with tempfile.TemporaryDirectory() as folder:
            render(checkout.resolve(), wanted, Path(folder))
            names = list(dict.fromkeys(job.name.rpartition("-")[0] for job in wanted))
            print(checkout)
            _report([figures(Path(folder), name, recogniser) for name in names])
            first = {name.partition("-")[0]: name for name in reversed(names)}
            grooves = {style: groove(read(Path(folder), f"{name}-whole")) for style, name in first.items()}
            _report_grooves({style: found for style, found in grooves.items() if not math.isnan(found.likeness)})


if __name__ == "__main__":
    main()
