"""Sizes of the T5 text encoder. The module does not import torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class T5Config:
    """Sizes of the T5 encoder: of T5 as first released, or with `gated` feed-forward layers (T5 1.1) and, in UMT5,
    relative position biases in every layer.

    Distances between tokens are divided into `buckets` classes; distances of `farthest` tokens and more share the last
    class.
    """

    vocabulary: int
    width: int
    head_width: int
    heads: int
    hidden: int
    layers: int
    buckets: int = 32
    farthest: int = 128
    epsilon: float = 1e-6
    gated: bool = False
    biases_in_every_layer: bool = False
