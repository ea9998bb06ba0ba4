"""Makes the contexts of a section: that of its words and timbre, and the one from which guidance leads away."""

import torch

from model.ace_step_15.encoding import Encoder
from model.ace_step_15.languages import UNKNOWN
from model.ace_step_15.planning.lyrics import INSTRUMENTAL
from model.ace_step_15.planning.prompt import lyrics_of
from model.ace_step_15.planning.spec import GuidanceSpec, SectionSpec
from model.ace_step_15.sampling.trajectories import Contexts

WITHOUT_WORDS = lyrics_of(UNKNOWN, INSTRUMENTAL)


def contexts_of(encoder: Encoder, section: SectionSpec, guidance: GuidanceSpec, timbre: torch.Tensor) -> Contexts:
    """Encode the texts of a section as its contexts.

    The model knows no negative prompt; one takes the place of the context without condition, which guidance leads away
    from (arXiv 2207.12598). It has neither words nor timbre, so that guidance goes on to strengthen those of the song.
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
