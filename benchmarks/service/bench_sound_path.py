"""Measures the stages of the sound path (resampling, mastering, MP3 encoding): CPU milliseconds of each per second of
sound, and the delay of the encoder.

python -m benchmarks.service.bench_sound_path
"""

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from model.song import Window
from server.audio.codecs.mp3 import Mp3Encoder
from server.audio.mastering.mastering import Mastering
from server.audio.resampler import Resampler
from server.audio.song_encoder import SongEncoder
from server.song import AudioSettings

SOURCE_RATE_HERTZ = 48_000
SECONDS = 20
ROUNDS = 3
BITRATES_KBPS = (64, 192, 320)


class Stage(Protocol):
    """Protocol of a stage of the sound path, such as mastering, through which windows pass."""

    def feed(self, window: Window, /) -> Window | bytes:
        """Process the next window and return the sound that is ready."""

    def finish(self) -> Window | bytes:
        """Return the sound that the stage still buffers, at the end of a song."""


def band(rate_hertz: int) -> Window:
    """Return a test sound: decaying chords, a kick drum and filtered noise at about -18 LUFS, with high peaks."""
    time_seconds = np.arange(SECONDS * rate_hertz) / rate_hertz
    beat = (2 * time_seconds) % 1
    notes = [np.sin(2 * np.pi * 220 * ratio * time_seconds) for ratio in (1, 1.26, 1.5, 2, 3, 4.5)]
    noise = np.random.default_rng(0).standard_normal((2, len(time_seconds))) * np.exp(-9 * (8 * time_seconds % 1))
    sound = np.sum(notes, axis=0) * (0.3 + np.exp(-3 * beat)) + 4 * np.exp(-15 * beat) * np.sin(2 * np.pi * 55 * beat)
    return np.asarray(0.05 * (sound + noise), np.float32)


def cpu_ms_per_second(open_stage: Callable[[], Stage], windows: Sequence[Window]) -> float:
    """Return the CPU milliseconds that all threads of a stage use for a second of sound, in the fastest of `ROUNDS`
    rounds.
    """
    rounds = []
    for _ in range(ROUNDS):
        stage = open_stage()
        started = time.process_time()
        for window in windows:
            stage.feed(window)
        stage.finish()
        rounds.append(time.process_time() - started)
    return 1000 * min(rounds) / SECONDS


def held_back_ms(audio: AudioSettings, windows: Sequence[Window]) -> float:
    """Return the delay of the encoder in milliseconds: the largest amount of sound that it had received and not yet
    returned.
    """
    encoder = SongEncoder(SOURCE_RATE_HERTZ, audio)
    held, fed_seconds = 0.0, 0.0
    for window in windows:
        encoder.feed(window)
        fed_seconds += window.shape[1] / SOURCE_RATE_HERTZ
        held = max(held, fed_seconds - encoder.frames * encoder.samples_per_frame / audio.sample_rate_hertz)
    return 1000 * held


def main() -> None:
    """Command line: print a table of CPU time and delay of each stage."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    audio = AudioSettings()
    rate_hertz = audio.sample_rate_hertz
    source, delivered = (np.array_split(band(rate), 2 * SECONDS, axis=1) for rate in (SOURCE_RATE_HERTZ, rate_hertz))
    stages: list[tuple[str, Callable[[], Stage], Sequence[Window]]] = [
        (f"resampling to {rate_hertz} Hz", lambda: Resampler(SOURCE_RATE_HERTZ, rate_hertz), source),
        ("mastering", lambda: Mastering(rate_hertz, audio.target_lufs), delivered),
        (f"MP3 at {audio.bitrate_kbps} kbit/s", lambda: Mp3Encoder(rate_hertz, audio.bitrate_kbps), delivered),
        ("all of it", lambda: SongEncoder(SOURCE_RATE_HERTZ, audio), source),
    ]
    for name, open_stage, windows in stages:
        print(f"{name:<24} {cpu_ms_per_second(open_stage, windows):6.2f} ms per second of sound")
    for bitrate_kbps in BITRATES_KBPS:
        held = held_back_ms(AudioSettings(bitrate_kbps), np.array_split(band(SOURCE_RATE_HERTZ), 100 * SECONDS, axis=1))
        print(f"held back at {bitrate_kbps:>3} kbit/s   {held:6.0f} ms at most")


if __name__ == "__main__":
    main()
