"""Test sounds for the server's sound path, and measurements of its output."""

import io
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy import signal

from model.song import Window


def tone(seconds: float, rate_hertz: int = 48_000, frequency_hertz: float = 440.0, amplitude: float = 0.25) -> Window:
    """Return a sine wave, equal on both channels."""
    time = np.arange(int(seconds * rate_hertz)) / rate_hertz
    wave = amplitude * np.sin(2 * np.pi * frequency_hertz * time)
    return np.array([wave, wave], np.float32)


def noise(samples: int, seed: int = 0, amplitude: float = 0.1) -> Window:
    """Return white noise, different on the two channels."""
    drawn = np.random.default_rng(seed).standard_normal((2, samples))
    return np.asarray(amplitude * drawn, np.float32)


def pop(seconds: float, rate_hertz: int = 48_000, lufs: float = -18.0) -> Window:
    """Return a test sound with chords, kick, snare and hat at 120 beats per minute, with a loudness of `lufs`."""
    time = np.arange(int(seconds * rate_hertz)) / rate_hertz
    half = (2 * time) % 1
    chord = sum(np.sin(2 * np.pi * f * time) for f in (220.0, 277.2, 329.6, 440.0, 660.0)) * (0.4 + np.exp(-3 * half))
    kick = np.exp(-15 * half) * np.sin(2 * np.pi * 55 * half)
    hits = noise(len(time), amplitude=0.4) * (np.exp(-25 * ((2 * time + 0.5) % 1)) + 0.2 * np.exp(-9 * (8 * time % 1)))
    return at_loudness(0.2 * chord + 0.7 * kick + hits, lufs, rate_hertz)


def at_loudness(sound: NDArray[np.floating], lufs: float, rate_hertz: int = 48_000) -> Window:
    """Return the sound scaled to an integrated loudness of `lufs`."""
    return np.asarray(sound * 10 ** ((lufs - loudness_lufs(sound, rate_hertz)) / 20), np.float32)


def loudness_lufs(sound: NDArray[np.floating], rate_hertz: int = 48_000) -> float:
    """Return the integrated loudness (ITU-R BS.1770), measured by pyloudnorm, independently of the server's code."""
    return float(pyloudnorm.Meter(rate_hertz).integrated_loudness(sound.T.astype(np.float64)))


def true_peak_db(sound: Window) -> float:
    """Return the highest magnitude after 4x oversampling, in dB relative to full scale."""
    return float(20 * np.log10(np.abs(signal.resample_poly(sound, 4, 1, axis=1)).max()))


def cut(sound: Window, sizes: Sequence[int]) -> list[Window]:
    """Return the sound divided into windows of these sizes, which are repeated as often as necessary."""
    ends = np.cumsum(np.resize(sizes, 2 + len(sizes) * (sound.shape[1] // sum(sizes) + 1)))
    return np.split(sound, ends[ends < sound.shape[1]], axis=1)


def decode_frames(data: bytes) -> Window:
    """Return the samples of all MP3 frames including the Info frame, float32 [channels, samples]; an ID3 tag is
    skipped.
    """
    tag = 10 + int("".join(f"{byte:07b}" for byte in data[6:10]), 2) if data.startswith(b"ID3") else 0
    decoder: Any = av.CodecContext.create("mp3float", "r")
    packets = [*decoder.parse(data[tag:]), *decoder.parse(b"")]
    return np.concatenate([frame.to_ndarray() for packet in packets for frame in decoder.decode(packet)], axis=1)


def decode_mp3(data: bytes) -> Window:
    """Return the samples that a player plays, float32 [channels, samples]."""
    with av.open(io.BytesIO(data), "r", format="mp3") as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1) if frames else np.zeros((2, 0), np.float32)
