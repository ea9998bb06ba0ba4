"""Tests that the size of callers' recordings is checked before decoding, and that recordings are decoded block by
block.
"""

import io

import numpy as np
import pytest
import soundfile
import soxr

from benchmarks.attacks.recordings import declaring
from model.ace_step.planning import recording
from model.song import InvalidParams
from tests.support.table import table

RATE = 44_100
FIELD = "repaint.audio"


def sine(rate: int = RATE, seconds: float = 2.0, channels: int = 2) -> np.ndarray:
    times = np.arange(round(rate * seconds)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * (220 + 110 * n) * times) for n in range(channels)], axis=1)


def encoded(sound: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=kind, subtype=subtype)
    return file.getvalue()


def with_sample(value: float, subtype: str = "FLOAT", kind: str = "WAV") -> bytes:
    sound = sine()
    sound[70_000] = value
    return encoded(sound, kind=kind, subtype=subtype)


def refusal(audio: bytes) -> str:
    """Return the error message for a recording, from the check of its header or else from decoding; "taken" if the
    recording is accepted.
    """
    try:
        recording.inspect(audio, FIELD)
    except InvalidParams as error:
        return str(error)
    try:
        recording.read(audio, FIELD)
    except InvalidParams as error:
        return f"later {error}"
    return "taken"


def test_recordings_of_the_contract_are_taken() -> None:
    kinds = [("WAV", None), ("WAV", "FLOAT"), ("WAV", "PCM_24"), ("WAVEX", None), ("FLAC", None), ("OGG", None)]
    told = {kind: refusal(encoded(sine(), kind=kind[0], subtype=kind[1])) for kind in [*kinds, ("MP3", None)]}
    told |= {("OGG", "OPUS"): refusal(encoded(sine(48_000), 48_000, "OGG", "OPUS"))}
    told |= {("loud", ""): refusal(with_sample(7.9))}
    assert set(told.values()) == {"taken"}, told


RATES = f"{FIELD}: has a sample rate of {{}} Hz; it must be 8000 to 192000 Hz"
LOUD = f"{FIELD}: has samples that are not finite or above 8 times full scale"
FORMATS = f"{FIELD}: must be MP3, WAV, FLAC or Ogg"


@pytest.mark.parametrize(
    ("audio", "told"),
    [
        *[
            pytest.param(encoded(sine()[:, :1] if kind in ("VOC", "AVR") else sine(), kind=kind), FORMATS, id=kind)
            for kind in ("AIFF", "CAF", "AU", "W64", "VOC", "MAT5", "RF64", "AVR")
        ],
        pytest.param(b"ID3" + encoded(sine(), kind="AIFF"), FIELD, id="AIFF behind a tag"),
        pytest.param(b"", FORMATS, id="nothing"),
        pytest.param(b"\xff", FORMATS, id="one byte"),
        pytest.param(b"RIFF\x10\x00\x00\x00WAVE", f"{FIELD}: cannot be read", id="a head alone"),
        pytest.param(encoded(sine(1_000, 3.0), 1_000), RATES.format(1000), id="1,000 Hz"),
        pytest.param(encoded(sine(7_999), 7_999), RATES.format(7999), id="7,999 Hz"),
        pytest.param(encoded(sine(192_001), 192_001), RATES.format(192001), id="192,001 Hz"),
        pytest.param(encoded(sine()[:4000], 2_000_000_000), RATES.format(2000000000), id="2 GHz"),
        pytest.param(encoded(sine(channels=3)), f"{FIELD}: has 3 channels", id="3 channels"),
        pytest.param(encoded(sine(channels=200, seconds=1.0)), f"{FIELD}: has 200 channels", id="200 channels"),
        pytest.param(encoded(sine(seconds=0.9)), f"{FIELD}: lasts 0.9 s", id="0.9 s"),
        pytest.param(encoded(np.zeros((8_000 * 241, 1)), 8_000, "FLAC"), f"{FIELD}: lasts 241.0 s", id="241 s"),
        pytest.param(with_sample(np.nan), LOUD, id="NaN"),
        pytest.param(with_sample(np.inf), LOUD, id="infinite"),
        pytest.param(with_sample(-np.inf, "DOUBLE"), LOUD, id="infinite below zero"),
        pytest.param(with_sample(3e38), LOUD, id="3e38"),
        pytest.param(with_sample(1e300, "DOUBLE"), LOUD, id="1e300"),
        pytest.param(with_sample(8.1), LOUD, id="8.1"),
        pytest.param(with_sample(-32_768.0), LOUD, id="samples of 16 bits as they are"),
        pytest.param(
            declaring(encoded(sine(), kind="OGG"), 239 * RATE), f"later {FIELD}: is damaged", id="Ogg that lies"
        ),
    ],
)
def test_a_recording_out_of_bounds_is_refused_by_its_field(audio: bytes, told: str) -> None:
    assert refusal(audio).startswith(told)


@table(("rate", "channels"), [(8_000, 1), (11_027, 2), (44_100, 1), (44_101, 2), (191_999, 1)])
def test_every_rate_gives_the_same_sound(rate: int, channels: int) -> None:
    sound = recording.read(encoded(sine(rate, channels=channels), rate, subtype="FLOAT"), FIELD)
    assert sound.shape == (2, 2 * RATE)
    assert sound.dtype == np.float32
    expected = sine(channels=channels)[:, [0, channels - 1]].T
    assert np.abs(sound - expected)[:, 2_000:-2_000].max() < 0.002


def test_the_blocks_are_those_of_the_whole() -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (48_000 * 5, 2)).astype(np.float32)
    sound = recording.read(encoded(noise, 48_000, subtype="FLOAT"), FIELD)
    assert np.array_equal(sound.T, soxr.resample(noise, 48_000, RATE, "HQ")[: sound.shape[1]])


def test_a_recording_that_ends_a_little_early_ends_in_silence() -> None:
    wav = encoded(sine())
    sound = recording.read(wav[: -RATE * 2], FIELD)
    assert sound.shape[1] in (RATE * 2, RATE * 2 - RATE // 2)
