"""Projects the encoded conditions to the width of the language model."""

import torch
from torch import nn

from model.musicgen.networks.config import ModelConfig


class Projections(nn.Module):
    """Linear projections of the encoded text and, in a melody model, of the pitch classes; parameter names are those of
    the library transformers.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.decoder.width
        self._classes = None if config.chroma is None else config.chroma.classes
        if config.text.width != width:
            self.enc_to_dec_proj = nn.Linear(config.text.width, width)
        if self._classes is not None and self._classes != width:
            self.audio_enc_to_dec_proj = nn.Linear(self._classes, width)

    def text(self, states: torch.Tensor) -> torch.Tensor:
        """Return the encoded text [1, tokens, text width] projected to the width of the language model, [1, tokens,
        width].
        """
        if not hasattr(self, "enc_to_dec_proj"):
            return states
        mapped: torch.Tensor = self.enc_to_dec_proj(states)
        return mapped

    def melody(self, classes: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return the embeddings [1, moments, width] of the pitch classes [moments] of a melody."""
        assert self._classes is not None
        chosen = nn.functional.one_hot(classes, self._classes)[None].to(dtype)
        if not hasattr(self, "audio_enc_to_dec_proj"):
            return chosen
        mapped: torch.Tensor = self.audio_enc_to_dec_proj(chosen)
        return mapped
