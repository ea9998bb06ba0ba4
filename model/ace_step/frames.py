"""Converts durations of sound to numbers of latent frames and back: a frame stands for 4096 samples at 44,100 Hz. The
module does not import torch.
"""

SAMPLE_RATE = 44_100
MEL_FRAMES_PER_FRAME = 8
SAMPLES_PER_FRAME = 512 * MEL_FRAMES_PER_FRAME
FRAMES_PER_SECOND = SAMPLE_RATE / SAMPLES_PER_FRAME


def frames_of(seconds: float) -> int:
    """Return the number of latent frames of a song that lasts `seconds`, rounded down as in the released pipeline."""
    return int(seconds * SAMPLE_RATE / SAMPLES_PER_FRAME)
