"""Latent frames and their sound: 4096 samples of 44,100 Hz each. The module is free of torch."""

SAMPLE_RATE = 44_100
MEL_FRAMES_PER_FRAME = 8
SAMPLES_PER_FRAME = 512 * MEL_FRAMES_PER_FRAME
FRAMES_PER_SECOND = SAMPLE_RATE / SAMPLES_PER_FRAME


def frames_of(seconds: float) -> int:
    """Latent frames of a song that was asked for with `seconds`, rounded down as the released pipeline does."""
    return int(seconds * SAMPLE_RATE / SAMPLES_PER_FRAME)
