"""Encodes the contexts of a section: the conditional context from texts and timbre, and the unconditional or negative
context for guidance.
"""

import torch

from model.ace_step_15.encoding import Encoder
from model.ace_step_15.languages import UNKNOWN
from model.ace_step_15.planning.lyrics import INSTRUMENTAL
from model.ace_step_15.planning.prompt import lyrics_of
from model.ace_step_15.planning.spec import GuidanceSpec, SectionSpec
from model.ace_step_15.sampling.trajectories import Contexts

WITHOUT_WORDS = lyrics_of(UNKNOWN, INSTRUMENTAL)


def contexts_of(encoder: Encoder, section: SectionSpec, guidance: GuidanceSpec, timbre: torch.Tensor) -> Contexts:
    """Return the contexts of a section, encoded from its texts and timbre.

    The model was not trained with negative prompts. A negative prompt replaces the unconditional context of
    classifier-free guidance (arXiv 2207.12598). The negative context has neither lyrics nor timbre, so that guidance
    still strengthens the song's lyrics and timbre.
    """
    conditional = encoder.cached(encoder.context(section.text, section.lyrics, timbre))
    unconditional = None
    if guidance.on and section.negative_text:
        negative = encoder.context(section.negative_text, WITHOUT_WORDS, encoder.timbre(None))
        unconditional = encoder.cached(negative)
    elif guidance.on:
        unconditional = encoder.unconditional()
    plain = encoder.cached(encoder.context(section.plain_text, section.lyrics, timbre)) if section.plain_text else None
    return Contexts(conditional, unconditional, plain)
