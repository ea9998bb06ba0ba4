"""The two ways in which a diffusion engine makes a song. The module is free of torch."""

from enum import StrEnum


class GenerationMode(StrEnum):
    """Denoising of a whole song at once, or section by section."""

    WHOLE = "whole"
    SECTIONED = "sectioned"
