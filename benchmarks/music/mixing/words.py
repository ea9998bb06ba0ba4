"""Measures how well a speech recogniser understands the sung words: errors in pinyin syllables, ignoring tones."""

import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from benchmarks.music.edits import edits
from benchmarks.music.made_song import RATE_HERTZ, Sound
from model.studio.lyrics.chinese.mandarin import read_mandarin

_RECOGNISER_HERTZ = 16_000
_CHARACTERS = re.compile(r"[\u4e00-\u9fff]")


class Recogniser:
    """The speech recogniser Whisper in the format of faster-whisper, which is not among the requirements."""

    def __init__(self, folder: Path) -> None:
        """Set up the recogniser; `folder` holds model.bin, config.json, tokenizer.json and vocabulary.txt."""
        whisper: Any = importlib.import_module("faster_whisper")
        self._model = whisper.WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)

    def syllables(self, sound: Sound) -> list[str]:
        """Recognise the Chinese words of a song and return them as pinyin."""
        mono = soxr.resample(sound.mean(axis=0), RATE_HERTZ, _RECOGNISER_HERTZ).astype(np.float32)
        found, _ = self._model.transcribe(
            mono / max(float(np.abs(mono).max()), 1e-6), language="zh", beam_size=5, condition_on_previous_text=False
        )
        characters = _CHARACTERS.findall("".join(part.text for part in found))
        return [reading[:-1] for reading in read_mandarin("".join(characters)).lexical]


def error_rate(said: Sequence[str], heard: Sequence[str]) -> float:
    """Return the edit distance between the sung syllables `said` and the recognised syllables `heard`, divided by the
    number of sung ones.
    """
    return edits(said, heard) / max(len(said), 1)
