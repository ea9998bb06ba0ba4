"""Decodes tokens into sound window by window while more are made; the samples equal those of decoding all at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from model.musicgen.networks.codec import Codec, LstmState
from model.shared.networks.window_decoder import growing_lengths

_FIRST_SECONDS = 0.5
LONGEST_SECONDS = 4.0
"""Length of the longest window."""


@dataclass(frozen=True, slots=True)
class Carry:
    """The state of the decoder between two windows; the sound before frame `end` is decoded.

    The recurrent layers have passed some frames more; `inner` [rows, width, frames] are the last of their results.
    """

    end: int
    passed: int
    state: LstmState
    inner: torch.Tensor


class SoundDecoder:
    """Decodes the tokens of a song, in order."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._config = codec.config

    def windows(
        self, codes: torch.Tensor, first: int, end: int, carry: Carry | None
    ) -> Iterator[tuple[torch.Tensor, Carry]]:
        """Yield the sound [rows, samples] of the frames from the end of `carry` (or 0) to `end`, and the new carry.

        `codes` [rows, codebooks, frames] begin with frame `first` of the song. They are known to its end, or at least
        `CodecConfig.ahead` frames behind `end`, and as far back as the first convolution sees.
        """
        start = 0 if carry is None else carry.end
        for length in self._lengths():
            if start >= end:
                return
            stop = min(end, start + length)
            sound, carry = self._window(codes, first, stop, carry)
            start = stop
            yield sound, carry

    def _window(self, codes: torch.Tensor, first: int, end: int, carry: Carry | None) -> tuple[torch.Tensor, Carry]:
        context, hop, last = self._config.context, self._config.hop, first + codes.shape[2]
        begin, passed = (0, 0) if carry is None else (carry.end, carry.passed)
        later = min(last, end + context)
        if carry is not None and later == passed:
            # At the end of the song the recurrent layers may have passed all frames before.
            inner, state = carry.inner, carry.state
        else:
            inner, state = self._passed(codes, first, passed, later, None if carry is None else carry.state)
            inner = inner if carry is None else torch.cat([carry.inner, inner], dim=-1)
        # `inner` ends at `later`, and begins `context` frames before this window unless the song does.
        made = self._codec.decoder.behind(inner)
        skipped = (inner.shape[-1] - (later - begin)) * hop
        keep = min(inner.shape[-1], later - max(0, end - context))
        kept = inner[..., inner.shape[-1] - keep :].clone()
        return made[:, skipped:][:, : (end - begin) * hop], Carry(end, later, state, kept)

    def _passed(
        self, codes: torch.Tensor, first: int, start: int, end: int, state: LstmState | None
    ) -> tuple[torch.Tensor, LstmState]:
        """Return the results of the recurrent layers for the frames from `start` to `end`, and their new state."""
        reach = self._config.kernel // 2
        low, high = max(first, start - reach), min(first + codes.shape[2], end + reach)
        vectors = self._codec.quantizer.decode(codes[..., low - first : high - first])
        x = self._codec.decoder.before(vectors)[..., start - low :][..., : end - start]
        return self._codec.decoder.continued(x, state)

    def _lengths(self) -> Iterator[int]:
        """Return the frames of each window in turn: a short first one for early sound, then longer ones."""
        rate = self._config.frames_per_second
        first, longest = (max(1, round(seconds * rate)) for seconds in (_FIRST_SECONDS, LONGEST_SECONDS))
        return growing_lengths(first, longest)
