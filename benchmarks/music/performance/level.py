"""Measures levels of syllables within a line, and the dips in level between them."""

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.music.performance.recorded_song import Floats, Line, RecordedSong, level_db, middle

_KINDS = {**dict.fromkeys("mnlr", "m, n, l, r"), **dict.fromkeys("ywaeo", "glides and vowels")}


def figures(songs: Sequence[RecordedSong]) -> dict[str, float]:
    """Return statistics by name, in dB: the loudness of the sung syllables within lines, and the depth of the dips in
    level before syllables with a voiced initial consonant.
    """
    levels = [found for song in songs for found in _lines(song)]
    slopes = [np.polyfit(np.linspace(0, 1, len(line)), line, 1)[0] for line in levels]
    out = {
        "line, first to last syllable, dB": middle(slopes),
        "line, last syllable against the rest, dB": middle([float(line[-1] - np.mean(line[:-1])) for line in levels]),
        "line, SD of syllables, dB": middle([float(np.std(line)) for line in levels]),
    }
    dips = [dip for song in songs for line in song.lines if line.alone for dip in _dips(song, line)]
    for kind in dict.fromkeys(_KINDS.values()):
        out[f"dip before {kind}, dB"] = middle([depth for name, depth in dips if name == kind])
    return out


def _lines(song: RecordedSong) -> Iterator[list[float]]:
    """Yield the levels of the syllables of each line with at least four syllables."""
    for line in song.lines:
        sounds = [song.between(start + 0.03, end - 0.04) for start, end in line.spans]
        levels = [level_db(sound) for sound in sounds if len(sound) > 0.06 * song.rate_hertz]
        if line.alone and len(levels) > 3:
            yield levels


def _dips(song: RecordedSong, line: Line) -> Iterator[tuple[str, float]]:
    """Yield a pair for each syllable that directly follows another one and begins with a voiced consonant or a vowel:
    the kind of this first sound, and the depth in dB of the dip in level before it.
    """
    for (start, end), (next_start, next_end), reading in zip(
        line.spans, line.spans[1:], line.readings[1:], strict=False
    ):
        if next_start - end > 0.1 or end - start < 0.2 or next_end - next_start < 0.2 or reading[0] not in _KINDS:
            continue
        before = _levels(song, start + 0.08, start + 0.6 * (end - start))
        after = _levels(song, next_start + 0.05, next_start + min(0.2, 0.6 * (next_end - next_start)))
        between = _levels(song, next_start - 0.15, next_start + 0.04)
        yield _KINDS[reading[0]], float(min(np.median(before), np.median(after)) - between.min())


def _levels(song: RecordedSong, start: float, end: float) -> Floats:
    """Return the RMS level in dB of the voice from `start` to `end`, in seconds from the start of the song: over 15 ms,
    every 5 ms.
    """
    sums = np.concatenate([[0.0], np.cumsum(song.between(start, end) ** 2)])
    width, hop = round(0.015 * song.rate_hertz), round(0.005 * song.rate_hertz)
    first = np.arange(0, max(len(sums) - width, 1), hop)
    last = np.minimum(first + width, len(sums) - 1)
    return np.asarray(10 * np.log10((sums[last] - sums[first]) / width + 1e-12))
