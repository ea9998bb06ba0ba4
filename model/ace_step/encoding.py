"""Encodes prompt and lyrics into contexts, the sequences of vectors that the transformer attends to."""

import torch

from model.ace_step.networks.text_encoder import TextEncoder
from model.ace_step.networks.transformer import ERG_FACTOR, Transformer
from model.ace_step.sampling.generation_spec import GuidanceParams
from model.ace_step.sampling.guided_velocity import Contexts


class Encoder:
    """Encodes the prompt and the lyrics of a song into contexts; one encoding serves all denoising steps of the
    song.
    """

    def __init__(self, transformer: Transformer, text_encoder: TextEncoder) -> None:
        self._transformer = transformer
        self._text_encoder = text_encoder

    def contexts(
        self, prompt: str, ids: tuple[int, ...], guidance: GuidanceParams, *, erg: bool = True, erg_tag: bool = True,
        erg_diffusion: bool = True,
    ) -> Contexts:  # fmt: skip
        """Return the contexts of a prompt and lyric token `ids`, as many as `guidance` needs.

        With `erg` (entropy rectifying guidance, arXiv 2504.13987), the negative context of guidance contains the
        lyrics, encoded with weakened attention. With `erg_tag` it contains the prompt, encoded in the same way; with
        `erg_diffusion` the transformer's attention to the negative context is weakened, too. Without `erg` the negative
        context has neither prompt nor lyrics.
        """
        model = self._transformer
        text, words = self._text_encoder.encode(prompt), self._words(ids)
        conditional = model.cached(model.context(text, words))
        if not guidance.on:
            return Contexts(conditional)
        weaken, away = (ERG_FACTOR, words) if erg else (None, torch.zeros_like(words))
        weak_text = self._text_encoder.encode(prompt, ERG_FACTOR) if erg and erg_tag else torch.zeros_like(text)
        sharpness = ERG_FACTOR if erg_diffusion else 1.0
        unconditional = model.cached(model.context(weak_text, away, weaken=weaken), sharpness)
        if not guidance.double:
            return Contexts(conditional, unconditional)
        return Contexts(conditional, unconditional, model.cached(model.context(text, away, weaken=weaken)))

    def edit_contexts(self, prompt: str, ids: tuple[int, ...]) -> Contexts:
        """Return the conditional and the unconditional context for FlowEdit, which changes a recording. The
        unconditional context has neither prompt nor lyrics.
        """
        model = self._transformer
        text = self._text_encoder.encode(prompt)
        words = self._words(ids)
        nothing = model.context(torch.zeros_like(text), words[:, :0])
        return Contexts(model.cached(model.context(text, words)), model.cached(nothing))

    def _words(self, ids: tuple[int, ...]) -> torch.Tensor:
        return torch.tensor([ids], dtype=torch.long, device=self._transformer.device)
