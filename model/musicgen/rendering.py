"""Decodes audio codes to sound window by window while later codes are still generated; the samples equal those of
decoding in one pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from model.musicgen.networks.codec import Codec, LstmState
from model.shared.networks.window_decoder import growing_lengths

_FIRST_SECONDS = 0.5
LONGEST_SECONDS = 4.0
"""Length of the longest window in seconds."""


@dataclass(frozen=True, slots=True)
class Carry:
    """State of the audio decoder between two windows: all frames before `end` are decoded to sound.

    The LSTM layers are ahead: they have processed all frames before `passed`, a later frame than `end`. `state` is
    their state, and `inner` [rows, width, frames] are their last outputs.
    """

    end: int
    passed: int
    state: LstmState
    inner: torch.Tensor


class SoundDecoder:
    """Decodes the audio codes of a song to sound, from start to end."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._config = codec.config

    def windows(
        self, codes: torch.Tensor, first: int, end: int, carry: Carry | None
    ) -> Iterator[tuple[torch.Tensor, Carry]]:
        """Yield sound [rows, samples] window by window, each with the new decoder state. The windows cover the frames
        from the end of `carry` (0 if it is `None`) to `end`.

        `codes` [rows, codebooks, frames] begin with frame `first` of the song. The codes must reach at least
        `CodecConfig.ahead` frames beyond `end`, or to the end of the song, and as far back as the first convolution
        needs.
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
            # At the end of the song the recurrent layers may already have processed all frames.
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
        """Return the outputs of the LSTM layers for the frames from `start` to `end`, and the LSTM state after these
        frames. `codes` begin with frame `first` of the song; `state` is the LSTM state before frame `start`, `None` at
        the start of the song.
        """
        reach = self._config.kernel // 2
        low, high = max(first, start - reach), min(first + codes.shape[2], end + reach)
        vectors = self._codec.quantizer.decode(codes[..., low - first : high - first])
        x = self._codec.decoder.before(vectors)[..., start - low :][..., : end - start]
        return self._codec.decoder.continued(x, state)

    def _lengths(self) -> Iterator[int]:
        """Yield the number of frames of each window: a short first window, so that sound starts early, then longer
        ones.
        """
        rate = self._config.frames_per_second
        first, longest = (max(1, round(seconds * rate)) for seconds in (_FIRST_SECONDS, LONGEST_SECONDS))
        return growing_lengths(first, longest)
