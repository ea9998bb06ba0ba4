"""Tests of networks in the released sizes, on the meta device without weights."""

import torch

from model.ace_step_15.networks.codec import Codec
from model.ace_step_15.networks.conditions import ConditionEncoder
from model.ace_step_15.networks.config import CodecConfig, ConditionConfig, StackConfig, TransformerConfig
from model.ace_step_15.networks.contexts import ContextBatch, ContextCache
from model.ace_step_15.networks.transformer import Transformer

XL = StackConfig(width=2560, hidden=9728, heads=32, key_heads=8)


def sliding(layers: int) -> tuple[bool, ...]:
    return tuple(index % 2 == 0 for index in range(layers))


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_networks_are_as_large_as_the_released_ones() -> None:
    with torch.device("meta"):
        assert count(Transformer(TransformerConfig(StackConfig(), sliding(24)))) == 1_575_458_880
        conditions = ConditionEncoder(ConditionConfig(StackConfig(), sliding(8), sliding(4)))
        assert round(count(conditions) / 1e6) == 608
        assert round(count(Codec(CodecConfig())) / 1e5) == 1687
    assert CodecConfig().context == 9
    assert CodecConfig().hop == 1920


def test_xl_passes_rows_of_two_lengths_through_its_layers() -> None:
    with torch.device("meta"):
        assert count(Transformer(TransformerConfig(XL, sliding(32), context_width=2048))) == 4_168_897_088
        model = Transformer(TransformerConfig(XL, sliding(2), context_width=2048))
        caches = [model.cached(torch.empty(1, tokens, 2048)) for tokens in (100, 100)]
        assert caches[0].keys.shape == (2, 8, 100, 128)
        contexts = ContextBatch.of([ContextCache(cache.keys, cache.values) for cache in caches])
        latents, given = torch.empty(2, 601, 64), torch.empty(2, 601, 128)
        made = model(latents, given, torch.empty(2), contexts, torch.empty(2, dtype=torch.long))
    assert made.shape == (2, 601, 64)
    assert made.is_meta
