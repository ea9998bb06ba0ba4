import copy

import torch

from model.ace_step.networks.attention import LinearAttention, _product_with_wide, _upper_bits
from model.ace_step.networks.rope import tables

FRAMES = tables(21, 8, 1e6, torch.device("cpu"), torch.float32)


def attention() -> LinearAttention:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LinearAttention(32, 4).requires_grad_(False)


def numbers(*sizes: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(seed))


def test_one_product_for_queries_keys_and_values_gives_the_same() -> None:
    x, mask = numbers(2, 21, 32), torch.ones(2, 21)
    mask[1, 13:] = 0
    apart = attention()
    joined = copy.deepcopy(apart)
    joined.join()
    torch.testing.assert_close(joined(x, FRAMES, mask), apart(x, FRAMES, mask), rtol=0, atol=1e-6)


def test_joined_weights_are_kept_once_and_under_their_names() -> None:
    joined = attention()
    before = {name: tensor.clone() for name, tensor in joined.state_dict().items()}
    joined.join()
    after = joined.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert joined.joined_weight is not None
    shared = joined.joined_weight.untyped_storage().data_ptr()
    assert {each.weight.untyped_storage().data_ptr() for each in (joined.to_q, joined.to_k, joined.to_v)} == {shared}


def test_a_product_with_halves_is_nearer_than_the_type_allows_alone() -> None:
    a, wide = numbers(3, 40, 64).bfloat16(), numbers(3, 64, 16, seed=1)
    exact = a.double() @ wide.double()
    # A large number among small ones shows the error of rounding the whole factor to bfloat16.
    wide[:, 0], a[:, :, 0] = 1000.0 + wide[:, 0], 1.0
    a[:, :, 1], wide[:, 1] = -1.0, 1000.0
    exact = a.double() @ wide.double()
    ours = (_product_with_wide(a, wide).double() - exact).abs().max()
    rounded = ((a.float() @ wide.bfloat16().float()).double() - exact).abs().max()
    assert ours < rounded / 8


def test_upper_bits_are_exact_in_bfloat16() -> None:
    x = numbers(1000)
    high = _upper_bits(x)
    assert torch.equal(high.bfloat16().float(), high)
    assert ((x - high).abs() <= x.abs() * 2**-7).all()
