"""Divides a song into sections. The module does not import torch."""

from dataclasses import dataclass

from model.musicgen.networks.config import ModelConfig
from model.musicgen.planning.spec import SectionSpec

WINDOW_SECONDS = 30.0
"""Length in seconds of the music that the model was trained on, and to which it can attend at once."""


@dataclass(frozen=True, slots=True)
class Divider:
    """Divides songs into sections of at most `section_seconds`, generated in steps of about `step_frames` frames."""

    config: ModelConfig
    section_seconds: float
    step_frames: int

    @property
    def window(self) -> int:
        """Largest number of frames that the language model can attend to."""
        return round(WINDOW_SECONDS * self.config.codec.frames_per_second)

    @property
    def longest(self) -> int:
        """Number of frames in the longest allowed section."""
        return max(1, round(self.section_seconds * self.config.codec.frames_per_second))

    @property
    def most_given(self) -> int:
        """Largest number of frames of a recording that a song can continue, such that the longest section still fits
        after them into the frames that the model can attend to (`window`).
        """
        return self.window - self.longest - self.config.codec.ahead

    def sections(self, given: int, frames: int) -> tuple[SectionSpec, ...]:
        """Divide a song of `frames` frames into sections of about equal length, and return their specifications; the
        first `given` frames are known.
        """
        ahead, delay, new = self.config.codec.ahead, self.config.decoder.delay, frames - given
        # Each section is longer than the codec's look-ahead; otherwise its tokens would be known before it begins.
        count = max(1, min(-(-new // self.longest), new // (ahead + 1)))
        ends = [given + new * (index + 1) // count for index in range(count)]
        known = [min(frames, end + ahead) for end in ends]
        # The tokens of a section are complete when the most delayed codebook has its last frame.
        before = [given - delay, *known[:-1]]
        ticks = [later - earlier for earlier, later in zip(before, known, strict=True)]
        steps = min(min(ticks), -(-max(ticks) // self.step_frames))
        return tuple(
            SectionSpec(max(0, last - self.window), last, end, each, steps)
            for end, last, each in zip(ends, known, ticks, strict=True)
        )
