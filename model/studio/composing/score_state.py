"""Defines the state of a section whose score is being denoised."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.studio.composing.decisions.lines import SungLine
from model.studio.composing.flow import step_times
from model.studio.composing.network.condition_encoder import Encoded
from model.studio.composing.network.score_network import Logits
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.composing.token_layout import TokenLayout
from model.studio.composing.tokens import MELODY_CLASSES

_DECIDE_AFTER = 0.4
"""Share of the denoising steps after which rhythm and chords are fixed."""

_KEEP_LOG_PROBS_UNTIL = 0.6
"""Share of the denoising steps after which the log probabilities for the choice of pitches are kept."""


def rows(guidance_scale: float) -> int:
    """Return the number of batch rows that one section takes in the network: two with classifier-free guidance,
    otherwise one.
    """
    return 1 if guidance_scale == 1.0 else 2


class ScoreState:
    """A section whose score is being denoised; only `ScoreDenoiser.begin` makes it, and only `ScoreDenoiser.denoise`
    advances it.
    """

    def __init__(
        self,
        spec: SectionSpec,
        memory: Memory,
        layout: TokenLayout,
        steps: int,
        guidance_scale: float,
        latent_width: int,
        seed: int,
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        bucket = len(layout.chords)
        self.spec = spec
        self.memory = memory
        self.layout = layout
        self.steps = steps
        self.step = 0
        self.guidance_scale = guidance_scale
        self.latent = torch.randn(bucket, latent_width, generator=generator)
        self.guess = torch.zeros_like(self.latent)
        self.draws = torch.rand(spec.beats, generator=generator, dtype=torch.float64).numpy()
        self.line_draws = torch.rand(spec.steps, generator=generator, dtype=torch.float64).numpy()
        self.valid = layout.valid()
        self.is_padded = layout.beats < bucket
        self.times = step_times(steps)
        self.lines: list[SungLine] = []
        self.logits = Logits(torch.empty(0), torch.empty(0))
        self.log_probs: NDArray[np.float64] = np.empty((0, MELODY_CLASSES))
        self.encoded: tuple[Encoded, ...] = ()
        self.modulations: tuple[Tensor, ...] = ()
        self.given = torch.empty(0)
        self.clean = torch.empty(0)
        self.bias = torch.empty(0)
        self.key = torch.empty(0)

    @property
    def rows(self) -> int:
        """Number of batch rows that this section takes in the network."""
        return rows(self.guidance_scale)

    @property
    def cost(self) -> int:
        """Number of tokens that one denoising step of this section computes, with the rows for classifier-free
        guidance.
        """
        return self.rows * len(self.layout.chords)

    @property
    def decides_at(self) -> int:
        """The number of the denoising step after which rhythm and chords are fixed."""
        return max(1, math.ceil(_DECIDE_AFTER * self.steps))

    @property
    def keeps_log_probs_at(self) -> tuple[int, int]:
        """The two denoising steps whose log probabilities are kept: for choosing rhythm and chords, and for the
        pitches.
        """
        last = max(self.decides_at + 1, round(_KEEP_LOG_PROBS_UNTIL * self.steps))
        return self.decides_at, min(last, self.steps)
