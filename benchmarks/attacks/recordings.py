"""Measures the cost of reading hostile recordings with ACE-Step's reader, each in its own process."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.service.compare_checkouts import environment_of

_SECONDS = 2
_LONG_SECONDS = 9
_TIMEOUT_SECONDS = 110.0

_READ = """
import sys, time
from model.ace_step.planning import recording
if not hasattr(recording, "soxr"):
    import torch
    from torchaudio.functional import resample
data = sys.stdin.buffer.read()
peak = lambda: next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))
before, started = peak(), time.process_time()
try:
    info = recording.inspect(data, "audio")
    read = recording.read(data, "audio")
    if isinstance(read, tuple):
        sound = resample(torch.from_numpy(read[0]).float(), read[1], 44_100).numpy()
    else:
        sound = read
    result = f"taken, {sound.shape[-1] / 44_100:.2f} s, peak {max(sound.max(), -sound.min()):.3g}"
except Exception as error:
    result = f"{type(error).__name__}: {error}"[:90]
print(f"{(peak() - before) / 2**20:7.1f} MiB {time.process_time() - started:6.2f} s  {result}")
"""


def table(checkout: Path) -> Iterator[str]:
    """Yield a line for each recording, read with a checkout's reader: the growth of memory, the CPU time, and the
    result.
    """
    for name, data in recordings():
        try:
            done = subprocess.run(
                [sys.executable, "-c", _READ],
                cwd=checkout,
                env=environment_of(checkout),
                input=data,
                capture_output=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
            result = done.stdout.decode().strip() or f"ended with {done.returncode}"
        except subprocess.TimeoutExpired:
            result = f"not done after {_TIMEOUT_SECONDS:g} s"
        yield f"{name:44} {result}"


def recordings() -> Iterator[tuple[str, bytes]]:
    """Yield hostile recordings, each with its name: sound files that are expensive to read or contain no sound."""
    for rate in (44_100, 11_025, 11_027, 44_101, 48_000, 1, 7_999, 8_000, 192_000, 192_001, 2_000_000):
        yield f"F6  WAV at {rate:,} Hz", _sound(rate, _SECONDS if rate > 1 else 100, "WAV")
    yield f"F6  WAV at 11,027 Hz, {_LONG_SECONDS} s", _sound(11_027, _LONG_SECONDS, "WAV")
    yield "F6  OGG of 240 s at 48,000 Hz", _sound(48_000, 239, "OGG")
    yield "F6  FLAC of silence, 240 s at 192,000 Hz", _silence(192_000, 239)
    yield "F6  WAV of 3 channels", _wav(np.zeros((88_200, 3), np.float32), 44_100)
    for name, value in (("NaN", np.nan), ("infinite", np.inf), ("3e38", 3e38), ("16", 16.0)):
        sound = np.zeros((88_200, 2), np.float32)
        sound[4_000] = value
        yield f"F23 WAV with a sample that is {name}", _wav(sound, 44_100)
    for kind in ("AIFF", "CAF", "AU", "W64", "VOC", "MAT5", "RF64", "SVX", "AVR"):
        yield f"F23 {kind}", _sound(44_100, _SECONDS, kind)
    yield "F23 OGG that declares 239 s and holds 2", declaring(_sound(44_100, _SECONDS, "OGG"), 239 * 44_100)
    yield "    MP3", _sound(44_100, _SECONDS, "MP3")
    yield "    FLAC", _sound(44_100, _SECONDS, "FLAC")


def _sound(rate: int, seconds: int, kind: str) -> bytes:
    noise = np.random.default_rng(1).uniform(-0.1, 0.1, (rate * seconds, 2)).astype(np.float32)
    if kind in ("SVX", "VOC", "AVR"):
        noise = noise[:, :1]
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, noise.shape[1], format=kind) as file:
        for start in range(0, len(noise), rate):
            file.write(noise[start : start + rate])
    return buffer.getvalue()


def _silence(rate: int, seconds: int) -> bytes:
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, 2, format="FLAC") as file:
        for _ in range(seconds):
            file.write(np.zeros((rate, 2), np.float32))
    return buffer.getvalue()


def _wav(sound: np.ndarray, rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def declaring(ogg: bytes, samples: int) -> bytes:
    """Return an Ogg file that declares `samples` samples in the header of its last page, with a matching checksum."""
    start = ogg.rindex(b"OggS")
    page = bytearray(ogg[start:])
    page[6:14] = samples.to_bytes(8, "little")
    page[22:26] = bytes(4)
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = ((checksum << 1) ^ 0x04C11DB7 if checksum & 0x80000000 else checksum << 1) & 0xFFFFFFFF
    page[22:26] = checksum.to_bytes(4, "little")
    return ogg[:start] + bytes(page)
