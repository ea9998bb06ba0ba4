"""Applies guidance and samples tokens, with separate settings and noise for every sequence."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Sampling:
    """Settings for sampling the tokens of a sequence.

    `guidance` is the scale of classifier-free guidance (arXiv 2207.12598), 1 for none. `strength`, 0 to 1, is the
    influence of a second condition, such as a melody: at 0 only the row without the second condition counts, at 1 only
    the row with it. A token is drawn from the `top_k` most probable ones at `temperature`; with a `top_k` of 1 the most
    probable token is taken.
    """

    guidance: float = 1.0
    strength: float = 1.0
    temperature: float = 1.0
    top_k: int = 250

    @property
    def guided(self) -> bool:
        """True if a sequence needs an unconditional batch row for classifier-free guidance."""
        return self.guidance != 1.0

    @property
    def mixed(self) -> bool:
        """True if a sequence needs a batch row without the second condition."""
        return self.strength < 1.0

    @property
    def rows(self) -> int:
        """Number of batch rows of a sequence: one with all conditions, and as needed one without any and one without
        the second condition.
        """
        return 3 if self.mixed else 2 if self.guided else 1


def noise(seed: int, ticks: int, shape: Sequence[int]) -> torch.Tensor:
    """Return Gumbel noise [ticks, *shape], float32, for `ticks` columns of tokens, drawn from a seed on the host, so
    that the noise is equal on every device.

    The token with the greatest sum of log probability and noise is a sample of the distribution (arXiv 1411.0030,
    section 2).
    """
    drawn = torch.rand((ticks, *shape), generator=torch.Generator().manual_seed(seed))
    return -torch.log(-torch.log(drawn))


@dataclass(frozen=True, slots=True)
class SamplingBatch:
    """The sampling settings of all sequences of a pass as tensors; `most` is the largest `top_k`."""

    guidance: torch.Tensor
    strength: torch.Tensor
    temperature: torch.Tensor
    top_k: torch.Tensor
    most: int

    @classmethod
    def of(cls, settings: Sequence[Sampling], vocabulary: int, device: torch.device) -> "SamplingBatch":
        """Return a batch with the sampling settings of all sequences, in order, as tensors on `device`."""
        top_k = [min(each.top_k, vocabulary) for each in settings]
        columns = zip(*((each.guidance, each.strength, each.temperature) for each in settings), strict=True)
        guidance, strength, temperature = (torch.tensor(column, device=device) for column in columns)
        return cls(guidance, strength, temperature, torch.tensor(top_k, device=device), max(top_k))

    def chosen(self, logits: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Return the sampled tokens [sequences, codebooks] for `logits` [sequences, rows, codebooks, vocabulary],
        float32.

        The rows of a sequence are, in this order: with all conditions, without any, and without the second condition.
        Rows that a sequence does not need are ignored. `drawn` [sequences, codebooks, vocabulary] is the Gumbel noise
        of this tick (column of tokens).
        """
        scores = self._guided(logits) / _wide(self.temperature)
        best = torch.topk(scores, self.most).values
        index = (self.top_k - 1)[:, None, None].expand(*best.shape[:2], 1)
        return torch.where(scores < best.gather(2, index), -torch.inf, scores + drawn).argmax(-1)

    def _guided(self, logits: torch.Tensor) -> torch.Tensor:
        made = logits[:, 0]
        if logits.shape[1] > _PLAIN:
            plain, strength = logits[:, _PLAIN], _wide(self.strength)
            made = torch.where(strength < 1.0, plain + (made - plain) * strength, made)
        if logits.shape[1] > _FREE:
            free, guidance = logits[:, _FREE], _wide(self.guidance)
            made = torch.where(guidance != 1.0, free + (made - free) * guidance, made)
        return made


_FREE, _PLAIN = 1, 2
"""Indices of a sequence's row without any condition, and of its row without the second condition."""


def _wide(values: torch.Tensor) -> torch.Tensor:
    return values[:, None, None]
