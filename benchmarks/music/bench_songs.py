"""Measures songs of every style: length, loudness, the voice compared with its score and with the band, cost.

    python -m benchmarks.music.bench_songs [--styles 3] [--voice male]

The studio engine makes each song three times, as in the service: the whole song, only the voice, and only the
instruments. swift-f0 detects pitch and notes of the voice without using the score.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import soxr
import swift_f0
import torch

from benchmarks.music.levels import loudness, mastered
from benchmarks.music.listen import true_peak_db
from benchmarks.music.made_song import RATE_HERTZ, Made, make
from benchmarks.music.singing import (
    cents_off,
    timing_errors_ms,
    tone_agreement,
    transcription_f,
    while_sung,
    written_notes,
)
from model.engine import Engine
from model.registry import load_engine
from model.song import ALL_STEMS, SongParams, Stem, Voice

TRACKER_HERTZ = 16_000
VOCAL = frozenset({Stem.VOCAL})
STYLES = (
    "pop ballad, piano",
    "upbeat pop",
    "lo-fi jazz, chill",
    "cinematic, orchestral",
    "中国风 古筝 笛子",
    "electronic dance",
    "rock",
    "儿歌 欢快",
    "bossa nova",
    "R&B",
    "ambient",
    "game music",
)
SHORT = "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃\n"
LONG = """[verse]
月光落在旧窗台
风把故事轻轻翻开
你的名字我还记得
像一盏灯照着从前
[chorus]
就让这首歌陪你到天明
就让每颗星点亮梦境
如果有一天你也想起我
请抬头看同一片夜空
[verse]
城市的灯一盏盏熄灭
雨后的街道安静得像雪
我把想说的话写进歌里
希望你能在远方听见
[chorus]
就让这首歌陪你到天明
就让每颗星点亮梦境
如果有一天你也想起我
请抬头看同一片夜空
"""
LYRICS = {"4 lines": (SHORT, 45.0), "16 lines": (LONG, 100.0)}


@dataclass(frozen=True, slots=True)
class Row:
    """Measures of one song; levels in LUFS, LU and dBTP, pitch in cents, times in milliseconds.

    `cents_*` are deviations of the sung pitch from the score, `timing_*` those of the times of vowels, each as median
    and 90th percentile. `tones` is the result of `singing.tone_agreement`, `notes_f` that of `singing.transcription_f`,
    and `voice_over_band` the loudness of the voice relative to the band. `cpu_per_second` are the CPU seconds for one
    second of sound.
    """

    duration_error_s: float
    lufs: float
    true_peak: float
    cents_median: float
    cents_p90: float
    timing_median_ms: float
    timing_p90_ms: float
    tones: float
    notes_f: float
    voice_over_band: float
    cpu_per_second: float


def measure(engine: Engine, prompt: str, lyrics: str, seconds: float, voice: Voice, seed: int) -> Row:
    """Make the same song three times (whole, voice alone, instruments alone) and return all its measures."""

    def rendered(stems: frozenset[Stem]) -> Made:
        return make(engine, SongParams(prompt, lyrics, seed, seconds, stems=stems, voice=voice))

    whole, alone, band = (rendered(stems) for stems in (ALL_STEMS, VOCAL, ALL_STEMS - VOCAL))
    notes = written_notes(whole)
    length = whole.sound.shape[1] / RATE_HERTZ
    tracker = swift_f0.SwiftF0(threads=1)
    heard = tracker.detect(soxr.resample(alone.sound.mean(0), RATE_HERTZ, TRACKER_HERTZ), TRACKER_HERTZ)
    cents, timing = cents_off(heard, notes), timing_errors_ms(alone.sound, notes)
    sent = mastered(whole.sound)
    return Row(
        duration_error_s=abs(length - seconds),
        lufs=loudness(sent),
        true_peak=true_peak_db(sent.T),
        cents_median=float(np.median(cents)),
        cents_p90=float(np.percentile(cents, 90)),
        timing_median_ms=float(np.median(timing)),
        timing_p90_ms=float(np.percentile(timing, 90)),
        tones=tone_agreement(whole, notes),
        notes_f=transcription_f(heard, notes),
        voice_over_band=loudness(while_sung(alone.sound, notes)) - loudness(while_sung(band.sound, notes)),
        cpu_per_second=whole.cpu_seconds / length,
    )


def main() -> None:
    """Command line: print one row per song, then the medians and the worst values."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--styles", type=int, default=len(STYLES), help="number of styles to measure, from the first on"
    )
    parser.add_argument("--voice", type=Voice, choices=list(Voice), help="voice of all songs; unset: both in turn")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    engine = load_engine("studio", "cpu")
    names = [field.name for field in fields(Row)]
    print("| style | lyrics | voice | " + " | ".join(name.replace("_", " ") for name in names) + " |")
    print("|---" * (len(names) + 3) + "|")
    rows: list[Row] = []
    for index, prompt in enumerate(STYLES[: options.styles]):
        voice = options.voice or list(Voice)[index % 2]
        for name, (lyrics, seconds) in LYRICS.items():
            rows.append(measure(engine, prompt, lyrics, seconds, voice, options.seed))
            _print_row(f"{prompt} | {name} | {voice}", [getattr(rows[-1], field) for field in names])
    columns = [[getattr(row, name) for row in rows] for name in names]
    _print_row("median | | ", [statistics.median(column) for column in columns])
    _print_row("lowest | | ", [min(column) for column in columns])
    _print_row("highest | | ", [max(column) for column in columns])


def _print_row(title: str, values: Sequence[float]) -> None:
    print(f"| {title} | " + " | ".join(f"{value:.3g}" for value in values) + " |", flush=True)


if __name__ == "__main__":
    main()
