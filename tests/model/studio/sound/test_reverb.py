import numpy as np
from scipy.signal import fftconvolve

from model.studio.sound.reverb import Reverb, Room, impulse_response
from tests.support.table import table

RESPONSE = impulse_response(Room.of(0.3), seed=3)


def _in_blocks(send: np.ndarray, size: int) -> np.ndarray:
    reverb = Reverb(RESPONSE)
    return np.concatenate([reverb.run(send[at : at + size]) for at in range(0, len(send), size)], axis=1)


@table("size", [100, 1000, 4801, 24_000])
def test_the_room_answers_the_same_whatever_the_block_size(size: int) -> None:
    send = np.random.default_rng(0).standard_normal(30_000).astype(np.float32)
    assert np.allclose(_in_blocks(send, size), Reverb(RESPONSE).run(send), atol=1e-6)


def test_a_low_sound_is_convolved_with_the_impulse_response() -> None:
    send = np.sin(np.arange(40_000) * 2 * np.pi * 500 / 48_000).astype(np.float32)
    expected = fftconvolve(send[None], RESPONSE, axes=1)[:, : len(send)]
    assert np.abs(Reverb(RESPONSE).run(send) - expected).max() < 0.01 * np.abs(expected).max()


def test_a_larger_room_rings_longer() -> None:
    def late_energy(amount: float) -> float:
        return float(np.square(impulse_response(Room.of(amount), seed=0)[:, 24_000:]).sum())

    assert late_energy(1.0) > 3 * late_energy(0.2)


def test_the_sides_of_a_room_differ() -> None:
    left, right = RESPONSE
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1
