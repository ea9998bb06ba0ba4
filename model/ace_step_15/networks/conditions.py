"""Encodes text, lyrics and timbre into the context of the denoiser."""

import torch
from torch import nn

from model.ace_step_15.networks.config import ConditionConfig, TextConfig
from model.ace_step_15.networks.layers import Stack

SILENCE_FRAMES = 15_000
"""Number of latent frames of silence in a checkpoint: ten minutes."""


class TextEncoder(Stack):
    """Text encoder: Qwen3 without its output head. It encodes one text at a time, because it takes no padding mask."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__(config.stack, (False,) * config.layers, causal=True)
        # nn.Embedding's random initialisation would import torch's compiler on the meta device.
        self.embed_tokens = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            torch.empty(config.vocabulary, config.stack.width), freeze=False
        )

    def embedded(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the token embeddings of ids [1, tokens], before the attention layers."""
        vectors: torch.Tensor = self.embed_tokens(ids)
        return vectors

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the encoded tokens [1, tokens, width] of token ids [1, tokens]."""
        return self.through(self.embedded(ids))


class SequenceEncoder(Stack):
    """Encodes a sequence of text vectors or of latent frames as vectors of the denoiser's context."""

    def __init__(self, config: ConditionConfig, slides: tuple[bool, ...], given: int) -> None:
        super().__init__(config.stack, slides)
        self.embed_tokens = nn.Linear(given, config.stack.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the encoded sequence [1, tokens, width] of `x` [1, tokens, input width]."""
        return self.through(self.embed_tokens(x))


class TimbreEncoder(SequenceEncoder):
    """Encodes the latent frames of a reference recording as one timbre vector."""

    def __init__(self, config: ConditionConfig) -> None:
        super().__init__(config, config.timbre_sliding, config.channels)
        # Stored in the checkpoints but not used: the output at the first frame is the timbre vector.
        self.special_token = nn.Parameter(torch.empty(1, 1, config.stack.width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the timbre vector [1, 1, width] of a recording's latents [1, frames, channels]."""
        return super().forward(x)[:, :1]


class ConditionEncoder(nn.Module):
    """Encodes lyrics, timbre and text, in this order, as a context. The module also stores the unconditional context
    and the latents of silence.
    """

    silence_latent: torch.Tensor

    def __init__(self, config: ConditionConfig) -> None:
        super().__init__()
        self.config = config
        self.text_projector = nn.Linear(config.text_width, config.stack.width, bias=False)
        self.lyric_encoder = SequenceEncoder(config, config.lyric_sliding, config.text_width)
        self.timbre_encoder = TimbreEncoder(config)
        self.null_condition_emb = nn.Parameter(torch.empty(1, 1, config.stack.width))
        self.register_buffer("silence_latent", torch.empty(1, SILENCE_FRAMES, config.channels))

    def forward(self, text: torch.Tensor, lyrics: torch.Tensor, timbre: torch.Tensor) -> torch.Tensor:
        """Return the context [1, tokens, width] of `text` and `lyrics` [1, tokens, text width], and `timbre` [1, 1,
        width].
        """
        return torch.cat((self.lyric_encoder(lyrics), timbre, self.text_projector(text)), dim=1)

    def timbre(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the timbre vector [1, 1, width] of a recording's latents [frames, channels]."""
        made: torch.Tensor = self.timbre_encoder(latents.unsqueeze(0).to(self.null_condition_emb.dtype))
        return made

    def silence(self, frames: int) -> torch.Tensor:
        """Return the latents [frames, channels], float32, of silence; the checkpoint's latents of silence are repeated
        if there are too few.
        """
        stored = self.silence_latent[0]
        rounds = -(-frames // stored.shape[0])
        return stored.repeat(rounds, 1)[:frames].float()
