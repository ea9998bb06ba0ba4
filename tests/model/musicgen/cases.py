"""Prompts, lengths and input of the songs that transformers and the engine both generate with tiny checkpoints."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DATA = Path(__file__).parent / "data"
FILE = DATA / "greedy.npz"
GUIDANCE = 3.0
PROMPTS = (
    "pop", "slow jazz with a piano", "drum and bass", "a string quartet", "lo-fi", "heavy metal, fast", "waltz",
    "techno",
)  # fmt: skip
"""Prompts of the recorded songs."""
FRAMES = (29, 20, 15, 27, 18, 22, 17, 25)
"""Number of frames of each recorded song."""
GIVEN_FRAMES, NEW_FRAMES = 12, 12
"""Number of frames of the recording that a song continues, and of the new frames after it."""


def recording(rate: int, seconds: float, channels: int) -> NDArray[np.float32]:
    """Return sound [channels, samples] with a sequence of sine tones and noise."""
    times = np.arange(round(rate * seconds)) / rate
    notes = np.array([220.0, 262.0, 330.0, 294.0, 196.0])[(times * 2).astype(int) % 5]
    noise = 0.05 * np.random.default_rng(1).standard_normal((channels, len(times)))
    sound: NDArray[np.float32] = (0.2 * np.sin(2 * np.pi * notes * times) + noise).astype(np.float32)
    return sound
