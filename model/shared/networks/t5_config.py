"""Sizes of the encoder of T5. The module is free of torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class T5Config:
    """Sizes of the encoder: of T5 as first released, or with `gated` feed-forward layers (T5 1.1) and, in UMT5, biases
    of distances in every layer.

    Distances between tokens have `buckets`; those of `farthest` tokens and more share the last one.
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
