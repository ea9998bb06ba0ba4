import torch
from torch.nn import functional as F

from model.ace_step_15.networks.masks import Band, sliding


def test_a_band_in_blocks_is_masked_attention() -> None:
    generator, window = torch.Generator().manual_seed(0), 4
    for tokens, lengths in ((23, (23, 11, 1)), (4, (4, 3)), (8, (8, 5))):
        rows = len(lengths)
        queries = torch.randn(rows, 4, tokens, 8, generator=generator)
        keys, values = torch.randn(2, rows, 2, tokens, 8, generator=generator).unbind()
        counts = torch.tensor(lengths)
        made = Band.of(counts, tokens, window).attended(queries, keys, values)
        place = torch.arange(tokens)
        near = (place[:, None] - place[None]).abs() <= window
        mask = (near & (place < counts[:, None])[:, None, None]) | torch.eye(tokens, dtype=torch.bool)
        whole = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, enable_gqa=True)
        for row, length in enumerate(lengths):
            torch.testing.assert_close(made[row, :, :length], whole[row, :, :length], rtol=0, atol=1e-6)
        assert made.isfinite().all()


def test_a_window_that_reaches_every_token_needs_no_band() -> None:
    lengths = torch.tensor([5])
    assert sliding(lengths, 5, 4, None) is None
    assert isinstance(sliding(lengths, 6, 4, None), Band)
