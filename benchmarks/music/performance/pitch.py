"""Measures vibrato and tuning of long sung notes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import savgol_filter

from benchmarks.music.performance.recorded_song import Floats, RecordedSong, pitch_track

LONG_SECONDS = 0.65
_HEARD_CENTS = 10.0
_STEP_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class LongNote:
    """A long sung note: rate and amplitude of its vibrato, and its deviation from the written pitch."""

    hertz: float
    cents: float
    off_cents: float

    @property
    def shakes(self) -> bool:
        """True if the vibrato is wide enough to be audible."""
        return self.cents > _HEARD_CENTS


def long_notes(song: RecordedSong) -> list[LongNote]:
    """Return every long note of a song that only one voice sings, if its pitch is found."""
    times, hertz = pitch_track(song)
    found = []
    for start, end, written in song.solo_notes():
        inside = (times >= start + 0.1) & (times <= end - 0.06)
        heard = hertz[inside]
        if end - start < LONG_SECONDS or len(heard) < 60 or (heard <= 0).mean() > 0.05:
            continue
        voiced = np.flatnonzero(heard > 0)
        cents = 1200 * np.log2(np.interp(np.arange(len(heard)), voiced, heard[voiced]) / 440) + 6900
        found.append(_measured(cents, 100 * written))
    return found


def _measured(cents: Floats, written_cents: float) -> LongNote:
    swing = (cents - savgol_filter(cents, min(61, len(cents) // 2 * 2 - 1), 2))[len(cents) // 3 :]
    window = np.hanning(len(swing))
    spectrum = 2 / window.sum() * np.abs(np.fft.rfft(swing * window, 2048))
    hertz = np.fft.rfftfreq(2048, _STEP_SECONDS)
    usual = (hertz > 3.5) & (hertz < 9)
    peak = spectrum[usual].argmax()
    return LongNote(
        float(hertz[usual][peak]), float(spectrum[usual][peak]), abs(float(np.median(cents)) - written_cents)
    )


def figures(songs: Sequence[RecordedSong]) -> dict[str, float]:
    """Return statistics of all long notes, by name: their number, the rate of their vibrato in Hz and its extent in
    cents, and their deviation from the written pitch in cents.
    """
    notes = [note for song in songs for note in long_notes(song)]
    rates = np.array([note.hertz for note in notes if note.shakes])
    return {
        "long notes": len(notes),
        "long notes with vibrato, share": float(np.mean([note.shakes for note in notes])),
        "vibrato rate, Hz": float(rates.mean()),
        "vibrato rate, CV": float(rates.std() / rates.mean()),
        "vibrato extent, cents, median": float(np.median([note.cents for note in notes if note.shakes])),
        "vibrato extent, cents, SD": float(np.std([note.cents for note in notes if note.shakes])),
        "long notes, cents off, median": float(np.median([note.off_cents for note in notes])),
    }
