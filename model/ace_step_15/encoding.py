"""Encodes the texts and the timbre of a song into contexts, one song at a time, because the encoders take no mask."""

import torch

from model.ace_step_15.loading.networks import Networks
from model.ace_step_15.networks.contexts import ContextCache
from model.ace_step_15.planning.prompt import LYRIC_TOKENS, TEXT_TOKENS
from model.ace_step_15.sampling.sources import TIMBRE_SECONDS


class Encoder:
    """Encodes texts and timbre into contexts; one encoding serves all denoising steps of a song."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._silent: torch.Tensor | None = None

    def timbre(self, reference: torch.Tensor | None) -> torch.Tensor:
        """Return the timbre vector [1, 1, width] of a reference recording [sound channels, samples]; if `reference` is
        `None`, the timbre vector of silence.

        The vector is computed from three parts of the recording, ten seconds each; see `excerpts`.
        """
        codec, conditions = self._networks.codec, self._networks.conditions
        if reference is not None:
            return conditions.timbre(codec.encode(excerpts(reference, codec.config.sample_rate)))
        if self._silent is None:
            frames = -(-TIMBRE_SECONDS * codec.config.sample_rate // codec.config.hop)
            self._silent = conditions.timbre(conditions.silence(frames))
        return self._silent

    def context(self, text: str, lyrics: str, timbre: torch.Tensor) -> torch.Tensor:
        """Return the context [1, tokens, width] encoded from a text and lyrics in the format of `planning.prompt`, and
        from a timbre vector.
        """
        encoder = self._networks.text_encoder
        states = encoder(self._ids(text, TEXT_TOKENS))
        words = encoder.embedded(self._ids(lyrics, LYRIC_TOKENS))
        made: torch.Tensor = self._networks.conditions(states, words, timbre)
        return made

    def cached(self, context: torch.Tensor) -> ContextCache:
        """Return the keys and values of a context [1, tokens, width] in every block of the transformer."""
        return self._networks.transformer.cached(context)

    def unconditional(self) -> ContextCache:
        """Return the keys and values of the unconditional context, which is a single learned vector.

        The released pipeline repeats this vector to the length of the condition; the result is the same, because
        attention to equal keys gives their value.
        """
        return self.cached(self._networks.conditions.null_condition_emb)

    def _ids(self, text: str, most: int) -> torch.Tensor:
        tokenizer = self._networks.tokenizer
        tokenizer.enable_truncation(most)
        tokenizer.no_padding()
        return torch.tensor([tokenizer.encode(text).ids], device=self._networks.transformer.device)


def excerpts(sound: torch.Tensor, rate: int) -> torch.Tensor:
    """Return three parts of a recording [sound channels, samples], ten seconds each, joined: from its start, from one
    third of its length on, and up to its end. A recording shorter than 30 seconds is first repeated until it is at
    least as long. `rate` is the sample rate in hertz.
    """
    whole, third = TIMBRE_SECONDS * rate, TIMBRE_SECONDS * rate // 3
    sound = sound.repeat(1, -(-whole // sound.shape[-1]))
    middle, end = sound.shape[-1] // 3, sound.shape[-1] - third
    return torch.cat([sound[:, :third], sound[:, middle : middle + third], sound[:, end : end + third]], dim=-1)
