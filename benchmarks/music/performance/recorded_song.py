"""A song that sing.py has recorded: its voice, words and notes."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import parselmouth
import soundfile
import soxr
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Span = tuple[float, float]

FLOOR_HERTZ, CEILING_HERTZ = 75.0, 800.0
TRACKED_HERTZ = 16_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of lyrics: number and kind of its section, pinyin without tone, and times of its syllables in seconds."""

    section: int
    kind: str
    text: str
    readings: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def alone(self) -> bool:
        """True if no other voice sings at the same time."""
        return self.kind != "chorus"


@dataclass(frozen=True, slots=True)
class RecordedSong:
    """The voice of a song, mono at 48 kHz, with its lines and notes; a note has a start and an end, in seconds from the
    start of the song, and a MIDI pitch.
    """

    name: str
    style: str
    rate_hertz: int
    sound: Floats
    lines: tuple[Line, ...]
    notes: tuple[tuple[float, float, float], ...]

    @classmethod
    def load(cls, path: Path) -> "RecordedSong":
        """Load a song from a JSON file and the sound file beside it."""
        stored = json.loads(path.read_text())
        sound, rate = soundfile.read(path.with_suffix(".flac"))
        lines = tuple(
            Line(
                line["section"],
                line["kind"],
                line["text"],
                tuple(line["readings"]),
                tuple((a, b) for a, b in line["spans"]),
            )
            for line in stored["lines"]
        )
        return cls(stored["name"], stored["style"], rate, sound, lines, tuple((a, b, p) for a, b, p in stored["notes"]))

    def between(self, start: float, end: float) -> Floats:
        """Return the part of the recorded voice from `start` to `end`, in seconds from the start of the song."""
        return self.sound[max(round(start * self.rate_hertz), 0) : round(end * self.rate_hertz)]

    def solo_syllables(self) -> Iterator[tuple[str, Span]]:
        """Yield the readings and times of syllables that only one voice sings."""
        for line in self.lines:
            if line.alone:
                yield from zip(line.readings, line.spans, strict=True)

    def solo_notes(self) -> Iterator[tuple[float, float, float]]:
        """Yield start, end and pitch of notes that only one voice sings."""
        spans = [line.spans for line in self.lines if line.alone]
        for note in self.notes:
            if any(times[0][0] - 0.05 <= note[0] < times[-1][1] for times in spans):
                yield note

    def at(self, hertz: int) -> NDArray[np.float32]:
        """Return the recorded voice resampled to `hertz` samples per second."""
        return np.asarray(soxr.resample(self.sound, self.rate_hertz, hertz), np.float32)


def level_db(sound: Floats) -> float:
    """Return the RMS level of a sound in dB."""
    return float(10 * np.log10(np.mean(sound**2) + 1e-12))


def pitch_track(song: RecordedSong) -> tuple[Floats, Floats]:
    """Return times, and the fundamental in hertz every 5 ms (0 where it is absent), by Praat's cross-correlation."""
    sound = parselmouth.Sound(song.at(TRACKED_HERTZ).astype(np.float64), TRACKED_HERTZ)
    pitch = sound.to_pitch_cc(
        time_step=0.005, pitch_floor=FLOOR_HERTZ, pitch_ceiling=CEILING_HERTZ, voicing_threshold=0.35
    )
    return pitch.xs(), pitch.selected_array["frequency"]


def middle(values: Sequence[float]) -> float:
    """Return the median of the values that are not NaN; NaN if there are none."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.median(finite)) if finite else float("nan")
