import numpy as np
import pytest

from model.training.instruments.measures import cents_off, momentary_lufs
from tests.support.table import table


def _note(hertz: float, seconds: float = 1.0, level: float = 0.1) -> np.ndarray:
    phase = np.arange(int(48_000 * seconds)) * 2 * np.pi * hertz / 48_000
    mono = level * (np.sin(phase) + 0.5 * np.sin(2 * phase))
    return np.tile(mono, (2, 1)).astype(np.float32)


@table("cents", [-30.0, -4.0, 0.0, 12.0, 35.0])
@table("pitch", [33, 57, 84])
def test_detuning_is_heard(pitch: int, cents: float) -> None:
    hertz = 440.0 * 2.0 ** ((pitch - 69 + cents / 100) / 12)
    assert cents_off(_note(hertz), pitch) == pytest.approx(cents, abs=1.5)


def test_a_full_scale_sine_of_one_kilohertz_on_both_sides_has_zero_lufs() -> None:
    sine = np.sin(np.arange(48_000) * 2 * np.pi * 997 / 48_000).astype(np.float32)
    assert momentary_lufs(np.stack([sine, sine])) == pytest.approx(0.0, abs=0.05)


def test_the_loudest_part_counts() -> None:
    note = _note(440.0)
    padded = np.pad(note, ((0, 0), (48_000, 48_000)))
    assert momentary_lufs(padded) == pytest.approx(momentary_lufs(note), abs=0.1)
