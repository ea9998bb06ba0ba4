"""Analyses the sound of a song: length, loudness, peaks, silence, clicks at section borders.

    python -m benchmarks.music.listen song.mp3 --record song.json --spectrogram song.png

`benchmarks/music/record.py` writes `song.json` beside a song. Prints one line per measurement.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.signal import resample_poly, spectrogram

Sound = NDArray[np.float32]
"""Decoded song, shape [samples, 2]."""

SILENCE_DB = -55.0
_BORDER_HALF_WIDTH_SECONDS = 0.002
_BORDER_SURROUNDINGS_SECONDS = 1.5
_FRAME_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class SectionBorder:
    """The border of two sections in the sound. `bend_ratio` is the sharpest bend of the waveform at the border divided
    by that of the sound around it; above 1 the border may be audible as a click.
    """

    seconds: float
    bend_ratio: float
    level_db: float


def decode(path: Path) -> tuple[Sound, int]:
    """Decode a song; returns the sound and its sample rate in hertz."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = [frame.to_ndarray() for frame in container.decode(stream)]
        rate = stream.rate
    return np.concatenate(frames, axis=1).T.astype(np.float32), rate


def decibels(value: float) -> float:
    """Convert an amplitude ratio to decibels, at least -120."""
    return 20.0 * float(np.log10(max(value, 1e-6)))


def true_peak_db(sound: Sound) -> float:
    """Return the true peak of a song in dBTP, at four times the sample rate (ITU-R BS.1770-5, annex 2)."""
    return decibels(max(float(np.abs(resample_poly(sound[:, c], 4, 1)).max()) for c in range(sound.shape[1])))


def frame_levels_db(sound: Sound, rate: int) -> NDArray[np.float64]:
    """Return the level of every 20 ms frame in decibels."""
    width = int(_FRAME_SECONDS * rate)
    frames = sound[: len(sound) // width * width].reshape(-1, width * sound.shape[1])
    power: NDArray[np.float64] = (frames.astype(np.float64) ** 2).mean(axis=1)
    return 20.0 * np.log10(np.sqrt(power) + 1e-6)


def longest_silence_seconds(sound: Sound, rate: int) -> float:
    """Return the length in seconds of the longest part below -55 dB inside a song; its first half second and its last
    two seconds are excluded.
    """
    levels = frame_levels_db(sound[rate // 2 : -2 * rate], rate)
    longest = current = 0
    for quiet in levels < SILENCE_DB:
        current = current + 1 if quiet else 0
        longest = max(longest, current)
    return longest * _FRAME_SECONDS


def border_at(sound: Sound, rate: int, seconds: float) -> SectionBorder:
    """Return how smooth the waveform is at the section border at `seconds`, measured by the second difference of the
    mono sound.
    """
    mono, at = sound.mean(axis=1), int(seconds * rate)
    half, around = int(_BORDER_HALF_WIDTH_SECONDS * rate), int(_BORDER_SURROUNDINGS_SECONDS * rate)
    bends = np.abs(np.diff(mono[max(0, at - around) : at + around], n=2))
    centre = min(at, around)
    here = bends[centre - half : centre + half].max()
    level = float(np.sqrt((mono[at - half : at + half] ** 2).mean()))
    return SectionBorder(seconds, float(here / (np.quantile(bends, 0.9995) + 1e-9)), decibels(level))


def section_lufs(sound: Sound, rate: int, start: float, duration: float) -> float:
    """Return the integrated loudness of one section in LUFS."""
    part = sound[int(start * rate) : int((start + duration) * rate)]
    return float(pyloudnorm.Meter(rate).integrated_loudness(part))


def draw_spectrogram(sound: Sound, rate: int, path: Path, borders: list[float]) -> None:
    """Save a spectrogram (0 to 12 kHz) with section borders as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    mono = sound.mean(axis=1)
    frequencies, times, power = spectrogram(mono, rate, nperseg=2048, noverlap=1024)
    figure, axes = pyplot.subplots(figsize=(16, 6))
    axes.pcolormesh(times, frequencies, 10 * np.log10(power + 1e-10), vmin=-90, vmax=-30, cmap="magma")
    axes.set(ylim=(0, 12_000), xlabel="seconds", ylabel="hertz", title=path.stem)
    for border in borders:
        axes.axvline(border, color="white", linewidth=0.7)
    figure.savefig(path, dpi=70, bbox_inches="tight")
    pyplot.close(figure)


def report(path: Path, record: Path | None, picture: Path | None) -> None:
    """Print every measurement of the song in the file `path`. With its JSON `record` the sections are measured, too;
    the spectrogram is saved as `picture`, if that is given.
    """
    sound, rate = decode(path)
    print(f"file             {path.name}: {len(sound) / rate:.3f} s at {rate} Hz, {path.stat().st_size} bytes")
    print(f"loudness         {pyloudnorm.Meter(rate).integrated_loudness(sound):.2f} LUFS")
    print(f"peak             {decibels(float(np.abs(sound).max())):.2f} dBFS, {true_peak_db(sound):.2f} dBTP")
    print(f"clipped samples  {int((np.abs(sound) >= 0.999).sum())}")
    print(f"longest silence  {longest_silence_seconds(sound, rate):.2f} s (under {SILENCE_DB:.0f} dB)")
    borders: list[float] = []
    if record is not None:
        borders = _report_sections(sound, rate, json.loads(record.read_text()))
    if picture is not None:
        draw_spectrogram(sound, rate, picture, borders)


def _report_sections(sound: Sound, rate: int, record: dict[str, object]) -> list[float]:
    delay = float(str(record["delay_samples"])) / rate
    sections = record["sections"]
    assert isinstance(sections, list)
    for section in sections:
        start, duration = section["start_seconds"] + delay, section["duration_seconds"]
        loudness = section_lufs(sound, rate, start, duration)
        print(f"section          {section['label']:<14} {start:7.2f} s + {duration:5.2f} s  {loudness:6.2f} LUFS")
    borders = [section["start_seconds"] + delay for section in sections[1:]]
    for border in borders:
        found = border_at(sound, rate, border)
        print(f"border           {found.seconds:7.2f} s: bend {found.bend_ratio:.2f}, level {found.level_db:.1f} dB")
    return borders


def main() -> None:
    """Command line: analyse a song file and print its measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("song", type=Path)
    parser.add_argument("--record", type=Path, help="JSON file that record.py wrote beside the song")
    parser.add_argument("--spectrogram", type=Path, help="PNG file to draw a spectrogram into")
    options = parser.parse_args()
    report(options.song, options.record, options.spectrogram)


if __name__ == "__main__":
    main()
