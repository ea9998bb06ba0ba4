"""The two modes in which a diffusion engine generates a song. The module does not import torch."""

from enum import StrEnum


class GenerationMode(StrEnum):
    """Generation mode: a whole song is denoised at once, or section by section."""

    WHOLE = "whole"
    SECTIONED = "sectioned"
