"""Converts audio codes of frames to columns of tokens and back, by the delay pattern (arXiv 2306.05284, section 2.2).

In column c + 1, a codebook with delay d has the code of frame c - d, counted from the start of the window, the frames
that the language model attends to. Column 0 is padding.
"""

import torch

from model.musicgen.networks.config import DecoderConfig
from model.musicgen.planning.spec import GenerationSpec, SectionSpec
from model.musicgen.states import UNKNOWN, Known
from model.shared.tokens.sampling import Sampling
from model.shared.tokens.sequences import Given, TextCache


def given_of(
    config: DecoderConfig, spec: GenerationSpec, section: SectionSpec, known: Known, texts: list[TextCache | None],
    prefix: torch.Tensor | None,
) -> Given:  # fmt: skip
    """Return the input for generating a section's tokens: the token grid with its known codes, the conditions, and the
    sampling parameters.

    `known` are the codes of the frames before the section; `texts` and `prefix` are the conditions, in the format of
    `Given`.
    """
    codes = known.since(section.window)
    columns = section.known + config.delay - section.window + 1
    grid = torch.full((config.codebooks, columns), config.pad, dtype=torch.long)
    opens, closes = [], []
    for codebook, delay in enumerate(config.delays):
        row = codes[codebook][codes[codebook] != UNKNOWN][: columns - delay - 1]
        grid[codebook, delay + 1 : delay + 1 + len(row)] = row.long()
        opens.append(delay + 1 + len(row))
        closes.append(min(columns, spec.frames - section.window + delay + 1))
    sampling = Sampling(spec.guidance, spec.strength, spec.temperature, spec.top_k)
    return Given(texts, prefix, grid, opens, closes, sampling)


def first_column(config: DecoderConfig, spec: GenerationSpec, index: int) -> int:
    """Return the index of the last column of the token grid in which all tokens are known before section `index` is
    generated.
    """
    reached = spec.given if index == 0 else spec.sections[index - 1].known + config.delay
    return reached - spec.sections[index].window


def known_of(config: DecoderConfig, spec: GenerationSpec, section: SectionSpec, grid: torch.Tensor) -> Known:
    """Return the audio codes of a finished section, read from its token grid [codebooks, columns]."""
    columns = grid.shape[1]
    frames = min(columns - 1, spec.frames - section.window)
    codes = torch.full((config.codebooks, frames), UNKNOWN, dtype=torch.int16)
    for codebook, delay in enumerate(config.delays):
        count = min(columns - delay - 1, frames)
        codes[codebook, :count] = grid[codebook, delay + 1 : delay + 1 + count].to(torch.int16)
    return Known(section.window, codes)
