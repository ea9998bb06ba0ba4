"""Encodes the prompt as vectors for the transformer, by the language model UMT5 (arXiv 2304.09151) and its
tokenizer.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from tokenizers import Tokenizer

from model.shared.networks.t5 import T5Encoder

MAX_TOKENS = 256
WEAKENED_LAYERS = (8, 9)


class TextEncoder:
    """Encodes prompts by UMT5, one prompt at a time, without padding."""

    def __init__(self, model: T5Encoder, tokenizer: Tokenizer) -> None:
        self.model = model
        self._tokenizer = tokenizer
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def tokens(self, prompt: str) -> list[int]:
        """Return the token ids of the prompt with its end token, at most `MAX_TOKENS`."""
        return list(self._tokenizer.encode(prompt).ids)

    def encode(self, prompt: str, weaken: float | None = None) -> torch.Tensor:
        """Return the encoded prompt [1, tokens, width]; `weaken` is the factor by which ERG weakens attention, `None`
        for none.
        """
        ids = torch.tensor([self.tokens(prompt)], device=self.model.device)
        return self.states(ids, torch.ones_like(ids), weaken)

    def states(self, ids: torch.Tensor, mask: torch.Tensor, weaken: float | None = None) -> torch.Tensor:
        """Return the encoded texts [rows, tokens, width] of token ids [rows, tokens]. `mask` [rows, tokens] is 0 for
        padding; `weaken` is the factor by which ERG weakens attention.
        """
        with self._weakened(weaken):
            states: torch.Tensor = self.model(ids, mask)
        return states

    @contextmanager
    def _weakened(self, factor: float | None) -> Iterator[None]:
        """Context manager that multiplies the queries of two layers by `factor`, so that their attention is spread more
        evenly (ERG). `None` changes nothing.
        """
        attentions = self.model.attentions()
        queries = [attentions[index].q for index in WEAKENED_LAYERS if index < len(attentions)]
        hooks = [
            query.register_forward_hook(lambda _query, _given, made: made * factor)
            for query in queries
            if factor is not None
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
