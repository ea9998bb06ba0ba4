"""Key and value caches of all layers in buffers at fixed addresses, so that every pass has the same shape."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class CacheShape:
    """Sizes of a key and value cache; `width` is that of one attention head, `length` the largest number of tokens in a
    row.
    """

    layers: int
    heads: int
    width: int
    length: int

    def row_bytes(self, dtype: torch.dtype) -> int:
        """Return the memory in bytes of the keys and values of one row with `length` tokens."""
        return 2 * self.layers * self.heads * self.width * self.length * dtype.itemsize


Kept = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of some rows in all layers, each [layers, rows, heads, tokens, width]."""


class Caches:
    """Keys and values of `rows` rows: one pair of tensors [rows, heads, length, width] for each layer.

    If `hidden` is True, attention reads masked positions that were never written, so the tensors are set to zero.
    Otherwise they are left uninitialised, and a CPU allocates memory only for positions that are written.
    """

    def __init__(self, shape: CacheShape, rows: int, device: torch.device, dtype: torch.dtype, *, hidden: bool) -> None:
        self.shape, self.hidden = shape, hidden
        size = (rows, shape.heads, shape.length, shape.width)
        make = torch.zeros if hidden else torch.empty
        self.keys = [make(size, device=device, dtype=dtype) for _ in range(shape.layers)]
        self.values = [make(size, device=device, dtype=dtype) for _ in range(shape.layers)]

    def part(self, rows: slice) -> "Caches":
        """Return the key and value caches of the rows `rows`, as views of the same memory."""
        made = object.__new__(Caches)
        made.shape, made.hidden = self.shape, self.hidden
        made.keys = [keys[rows] for keys in self.keys]
        made.values = [values[rows] for values in self.values]
        return made

    def write(self, layer: int, places: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Write the keys and values of one token of every row in a layer: `keys` and `values` [rows, heads, width] at
        the positions `places` [rows].
        """
        rows = torch.arange(places.shape[0], device=places.device)
        self.keys[layer][rows, :, places] = keys
        self.values[layer][rows, :, places] = values

    def fill(self, layer: int, rows: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Write the keys and values of the first tokens of the first `rows` rows in a layer: `keys` and `values` [rows,
        heads, tokens, width].
        """
        tokens = keys.shape[2]
        self.keys[layer][:rows, :, :tokens] = keys
        self.values[layer][:rows, :, :tokens] = values

    def kept(self, tokens: int) -> Kept:
        """Return copies of the keys and values of the first `tokens` tokens of all rows."""
        keys, values = (torch.stack([each[:, :, :tokens] for each in layers]) for layers in (self.keys, self.values))
        return keys, values

    def restore(self, kept: Kept) -> None:
        """Write the keys and values in the copy `kept` back to the first tokens of all rows."""
        for layer, keys, values in self._layers(kept):
            self.fill(layer, keys.shape[0], keys, values)

    def _layers(self, kept: Kept) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
        return zip(range(self.shape.layers), *map(_unbound, kept), strict=True)


def _unbound(layers: torch.Tensor) -> Sequence[torch.Tensor]:
    return layers.unbind(0)
