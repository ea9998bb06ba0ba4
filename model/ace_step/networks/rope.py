"""Rotary position embedding of queries and keys, in the variant of the released weights, and its tables of cosines and
sines.
"""

from functools import lru_cache

import torch


@lru_cache(maxsize=8)
def tables(
    length: int, width: int, theta: float, device: torch.device, dtype: torch.dtype, stream: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the cosines and sines, each [length, width], of the positions 0 to length - 1, rounded to `dtype` and
    stored in float32.

    `theta` is the base of the frequencies. `stream` is the CUDA stream that computes and uses the tables. Each stream
    has its own tables, because another stream could read them before they are computed or after they are freed.

    Frequencies are those of RoFormer (arXiv 2104.09864), section 3.2.2, repeated for the second half of the columns.
    The sines of even columns are negated, as `turn` needs them.
    """
    del stream
    exponents = torch.arange(0, width, 2, device=device, dtype=torch.float32) / width
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), 1.0 / theta**exponents)
    angles = torch.cat([angles, angles], dim=-1)
    cos, sin = (table.to(dtype).float() for table in (angles.cos(), angles.sin()))
    sin[:, 0::2].neg_()
    return cos, sin


def turn(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Return `x` [..., positions, width] with positions encoded: pairs of columns are multiplied by `cos` and `sin`,
    the result of `tables`.

    Pairs are neighbours (2i, 2i + 1), but the tables repeat their halves, so the elements of a pair get different
    angles. The result is therefore not a rotation, but the released weights were trained with this variant. The sum is
    computed in float32.
    """
    swapped = torch.unflatten(x, -1, (-1, 2)).flip(-1).flatten(-2)
    return torch.addcmul(x * cos, swapped, sin).to(x.dtype)
