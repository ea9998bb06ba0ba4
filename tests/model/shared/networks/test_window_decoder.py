import itertools

import torch

from model.shared.networks.window_decoder import decoded_windows

HOP, CONTEXT = 3, 2


def decode(frames: torch.Tensor) -> torch.Tensor:
    """Stand-in for a decoder with a context of two frames: return, as three equal samples per frame, the sum of the
    frame and its two neighbours on either side.
    """
    padded = torch.nn.functional.pad(frames, (CONTEXT, CONTEXT))
    return padded.unfold(-1, 2 * CONTEXT + 1, 1).sum(dim=-1).repeat_interleave(HOP, dim=-1)


def test_windows_joined_equal_the_whole() -> None:
    frames = torch.arange(23.0).square().view(1, -1)
    whole = decode(frames)
    for lengths, start, end in (([1], 0, None), ([4], 0, None), ([1, 2, 50], 0, None), ([5], 3, 20), ([7], 22, 23)):
        windows = list(
            decoded_windows(decode, frames, itertools.cycle(lengths), context=CONTEXT, hop=HOP, start=start, end=end)
        )
        stop = frames.shape[-1] if end is None else end
        assert torch.equal(torch.cat(windows, dim=-1), whole[:, start * HOP : stop * HOP])
        assert windows[0].shape[-1] == min(lengths[0], stop - start) * HOP
