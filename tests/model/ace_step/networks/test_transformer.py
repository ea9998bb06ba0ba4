import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

from model.ace_step.networks.attention import Projections
from model.ace_step.networks.config import (
    LyricEncoderConfig,
    TransformerConfig,
    transformer_config,
)
from model.ace_step.networks.contexts import ContextBatch, ContextCache
from model.ace_step.networks.layers import FeedForward, PatchEmbed
from model.ace_step.networks.transformer import ERG_FACTOR, Transformer
from model.shared.checkpoints.configs import read_json
from tests.support.table import table

Arrays = Mapping[str, torch.Tensor]
SMALL = TransformerConfig(
    heads=2, head_width=8, layers=20, patch_width=64, text_width=12, speaker_width=6, lyric_vocabulary=40,
    lyric=LyricEncoderConfig(width=16, heads=2, hidden=32, layers=6),
)  # fmt: skip


def random_transformer(seed: int = 0) -> Transformer:
    """Return a transformer with random weights, whose output is noise."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Transformer(SMALL)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval().requires_grad_(False)


@functools.cache
def full_size() -> Transformer:
    """Return the transformer in the size of the release, on the meta device without weights."""
    with torch.device("meta"):
        return Transformer(TransformerConfig())


def context(model: Transformer, text_tokens: int, lyric_tokens: int, seed: int = 0, **how: float) -> ContextCache:
    generator = torch.Generator().manual_seed(seed)
    text = torch.randn(1, text_tokens, SMALL.text_width, generator=generator)
    lyrics = torch.randint(0, SMALL.lyric_vocabulary, (1, lyric_tokens), generator=generator)
    return model.cached(model.context(text, lyrics), **how)


def latents(frames: int, seed: int) -> torch.Tensor:
    return torch.randn(1, 8, 16, frames, generator=torch.Generator().manual_seed(seed))


def test_rows_of_a_padded_batch_equal_each_alone() -> None:
    model = random_transformer()
    frames, times = (9, 31, 17, 24), (1000.0, 371.5, 8.9, 600.0)
    caches = [context(model, 3, 11, 1), context(model, 7, 0, 2), context(model, 5, 30, 3, sharpness=ERG_FACTOR),
              context(model, 4, 2, 4)]  # fmt: skip
    each = [latents(count, seed) for seed, count in enumerate(frames)]
    padded = torch.cat([torch.nn.functional.pad(x, (0, max(frames) - x.shape[-1]), value=5.0) for x in each])
    mask = (torch.arange(max(frames)) < torch.tensor(frames)[:, None]).float()
    together = model(padded, torch.tensor(times), ContextBatch.of(caches, multiple=8), mask)
    for row, (x, time, cache) in enumerate(zip(each, times, caches, strict=True)):
        alone = model(x, torch.tensor([time]), ContextBatch.of([cache]))
        torch.testing.assert_close(together[row : row + 1, ..., : x.shape[-1]], alone, rtol=0, atol=1e-4)


def test_full_size_has_the_names_and_shapes_of_the_released_weights() -> None:
    model = full_size()
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    expected = {name: shape for name, shape in released().items() if shape}
    assert shapes == expected
    dead = 24 * (4 * (2560 * 2560 + 2560)) + 87_840_512
    assert sum(parameter.numel() for parameter in model.parameters()) == 3_305_659_264 - dead


@table(
    ("frames", "tokens", "tera"),
    [(645, 1, 2.77), (645, 400, 3.08), (645, 800, 3.40), (2583, 1, 11.09), (2583, 400, 11.59), (2583, 800, 12.10)],
)
def test_full_size_takes_as_many_operations_as_the_original(frames: int, tokens: int, tera: float) -> None:
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        model = full_size()
        cache = model.cached(torch.empty(1, tokens, 2560))
        model(torch.empty(1, 8, 16, frames), torch.empty(1), ContextBatch.of([cache]))
    assert counter.get_total_flops() / 1e12 == pytest.approx(tera, abs=0.02)


def released() -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the tensors of the released transformer that inference uses."""
    wide, lyric = 2560, 1024

    def linear(name: str, rows: int, columns: int, *, bias: bool = True) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (rows, columns)} | ({f"{name}.bias": (rows,)} if bias else {})

    def norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (width,), f"{name}.bias": (width,)}

    names: dict[str, tuple[int, ...]] = {}
    for index in range(24):
        block = f"transformer_blocks.{index}"
        names[f"{block}.scale_shift_table"] = (6, wide)
        for attention in ("attn", "cross_attn"):
            for part in ("to_q", "to_k", "to_v", "to_out.0"):
                names |= linear(f"{block}.{attention}.{part}", wide, wide)
        names |= {f"{block}.ff.inverted_conv.conv.weight": (12800, wide, 1)}
        names |= {f"{block}.ff.inverted_conv.conv.bias": (12800,), f"{block}.ff.depth_conv.conv.bias": (12800,)}
        names |= {f"{block}.ff.depth_conv.conv.weight": (12800, 1, 3)}
        names |= {f"{block}.ff.point_conv.conv.weight": (wide, 6400, 1)}
    names |= linear("timestep_embedder.linear_1", wide, 256) | linear("timestep_embedder.linear_2", wide, wide)
    names |= linear("t_block.1", 6 * wide, wide) | linear("speaker_embedder", wide, 512)
    names |= linear("genre_embedder", wide, 768) | {"lyric_embs.weight": (6693, lyric)}
    names |= linear("lyric_encoder.embed.out.0", lyric, lyric) | norm("lyric_encoder.embed.out.1", lyric)
    for index in range(6):
        layer = f"lyric_encoder.encoders.{index}"
        for part in ("linear_q", "linear_k", "linear_v", "linear_out"):
            names |= linear(f"{layer}.self_attn.{part}", lyric, lyric)
        names |= linear(f"{layer}.self_attn.linear_pos", lyric, lyric, bias=False)
        names |= {f"{layer}.self_attn.pos_bias_u": (16, 64), f"{layer}.self_attn.pos_bias_v": (16, 64)}
        names |= linear(f"{layer}.feed_forward.w_1", 4096, lyric) | linear(f"{layer}.feed_forward.w_2", lyric, 4096)
        names |= norm(f"{layer}.norm_mha", lyric) | norm(f"{layer}.norm_ff", lyric)
    names |= norm("lyric_encoder.after_norm", lyric) | linear("lyric_proj", wide, lyric)
    names |= {"proj_in.early_conv_layers.0.weight": (2048, 8, 16, 1), "proj_in.early_conv_layers.0.bias": (2048,)}
    names |= norm("proj_in.early_conv_layers.1", 2048)
    names |= {"proj_in.early_conv_layers.2.weight": (wide, 2048, 1, 1), "proj_in.early_conv_layers.2.bias": (wide,)}
    names |= {"final_layer.scale_shift_table": (2, wide)} | linear("final_layer.linear", 128, wide)
    return names


@pytest.fixture(scope="module")
def recorded(parity: Path) -> Arrays:
    return {name: torch.tensor(array) for name, array in np.load(parity / "transformer.npz").items()}


@pytest.fixture(scope="module")
def original(parity: Path) -> Transformer:
    folder = parity / "checkpoint" / "ace_step_transformer"
    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    with torch.device("meta"):
        model = Transformer(transformer_config(read_json(folder / "config.json"), shapes))
    live = {name: weights[name] for name in model.state_dict()}
    model.load_state_dict(live, strict=True, assign=True)
    return model.eval().requires_grad_(False)


def close(ours: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-4) -> None:
    torch.testing.assert_close(ours, expected, rtol=0, atol=tolerance)


def recorded_context(model: Transformer, recorded: Arrays, weaken: float | None = None) -> torch.Tensor:
    mask = recorded["in/lyric_mask"].bool()
    return model.context(recorded["in/text"], recorded["in/lyric_ids"], mask, weaken, recorded["in/speaker"])


def contexts_with_holes(model: Transformer, recorded: Arrays, sharpness: float | None = None) -> ContextBatch:
    """Return the recorded batch of contexts as in the original: padding between text and lyrics is masked, but counts
    in the positions. `sharpness` is the factor on the attention scores of all rows; `None` for no factor.
    """
    context = recorded_context(model, recorded)
    caches = [model.cached(context[row : row + 1]) for row in range(2)]
    factors = None if sharpness is None else torch.full((2,), sharpness)
    return dataclasses.replace(ContextBatch.of(caches), mask=recorded["full/encoder_mask"].bool(), sharpness=factors)


def test_context_is_that_of_the_original(original: Transformer, recorded: Arrays) -> None:
    close(recorded_context(original, recorded), recorded["full/encoder_hidden_states"], 1e-5)
    close(recorded_context(original, recorded, ERG_FACTOR), recorded["erg_lyric/encoder_hidden_states"], 1e-5)
    without = original.context(recorded["in/text"], recorded["in/lyric_ids"][:, :0], speaker=recorded["in/speaker"])
    close(without, recorded["no_lyric/encoder_hidden_states"][:, :-1], 1e-5)


def test_position_tables_are_those_of_the_original(original: Transformer, recorded: Arrays) -> None:
    cos, sin = original.positions(len(recorded["rope_cos"]))
    close(cos, recorded["rope_cos"], 0)
    close(sin[:, 0::2], -recorded["rope_sin"][:, 0::2], 0)
    close(sin[:, 1::2], recorded["rope_sin"][:, 1::2], 0)


def test_every_part_follows_the_original(original: Transformer, recorded: Arrays) -> None:
    seen: dict[str, torch.Tensor] = {}

    def listen(name: str, module: torch.nn.Module) -> torch.utils.hooks.RemovableHandle:
        def keep(_module: torch.nn.Module, _given: object, made: torch.Tensor) -> None:
            seen[name] = made

        return module.register_forward_hook(keep)

    contexts = contexts_with_holes(original, recorded)
    handles = [listen(name, module) for name, module in original.named_modules()]
    made = original(recorded["in/latents"], recorded["in/timestep"], contexts)
    recorded_context(original, recorded)
    for handle in handles:
        handle.remove()
    close(made, recorded["full/sample"])
    taps = [name.removeprefix("tap/") for name in recorded if name.startswith("tap/")]
    compared = [name for name in taps if name in seen]
    assert len(compared) >= 36
    for name in compared:
        close(seen[name], recorded[f"tap/{name}"])


def test_weakened_queries_are_those_of_the_original(original: Transformer, recorded: Arrays) -> None:
    contexts = contexts_with_holes(original, recorded, ERG_FACTOR)
    made = original(recorded["in/latents"], recorded["in/timestep"], contexts)
    close(made, recorded["erg_diffusion_cross_only/sample"])
    close(made, recorded["erg_diffusion/sample"])  # in the recording, self-attention was weakened, too, without effect


def test_a_padded_batch_gives_what_the_original_gives_each_item_alone(original: Transformer, recorded: Arrays) -> None:
    caches = []
    for row in range(2):
        texts, lyrics = (int(recorded[f"in/{name}_mask"][row].sum()) for name in ("text", "lyric"))
        text, ids = recorded["in/text"][row : row + 1, :texts], recorded["in/lyric_ids"][row : row + 1, :lyrics]
        speaker = recorded["in/speaker"][row : row + 1]
        caches.append(original.cached(original.context(text, ids, speaker=speaker)))
    made = original(recorded["in/latents"], recorded["in/timestep"], ContextBatch.of(caches), recorded["in/mask_part"])
    close(made[:1], recorded["single0/sample"])
    close(made[1:, ..., :28], recorded["single1/sample"])


def test_without_our_corrections_padding_leaks_as_in_the_original(
    original: Transformer, recorded: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed, forward = PatchEmbed.forward, FeedForward.forward
    monkeypatch.setattr(PatchEmbed, "forward", lambda self, x, _mask: embed(self, x, None))
    monkeypatch.setattr(FeedForward, "forward", lambda self, x, _mask: forward(self, x, None))
    # In the recording, both attentions give only a bias at padding; here any value is allowed there.
    valid, out = recorded["in/mask_part"][:, None, :, None], Projections.out
    monkeypatch.setattr(Projections, "out", lambda self, x: out(self, x * valid))
    contexts = contexts_with_holes(original, recorded)
    made = original(recorded["in/latents"], recorded["in/timestep"], contexts, recorded["in/mask_part"])
    close(made[:1], recorded["part/sample"][:1])
    close(made[1:, ..., :28], recorded["part/sample"][1:, ..., :28])
