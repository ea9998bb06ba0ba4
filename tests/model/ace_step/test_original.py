"""Compares parts of the networks with recordings of the original code, on its tiny random weights.

The recordings of whole networks and songs are larger; `MELISMA_TEST_ACE_STEP_PARITY` names their folder.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from torch import nn

from model.ace_step.loading import networks as loading
from model.ace_step.networks.autoencoder import Autoencoder
from model.ace_step.networks.codec import Codec
from model.ace_step.networks.config import LyricEncoderConfig, TransformerConfig, VocoderConfig
from model.ace_step.networks.contexts import ContextBatch
from model.ace_step.networks.text_encoder import TextEncoder
from model.ace_step.networks.transformer import ERG_FACTOR, Transformer
from model.ace_step.networks.vocoder import Vocoder
from model.shared.checkpoints.headers import read_header
from model.shared.checkpoints.weight_norm import folded
from model.shared.networks.t5 import T5Encoder

DATA = Path(__file__).parent / "data"
Arrays = Mapping[str, torch.Tensor]

ONE_BLOCK = TransformerConfig(
    heads=4, head_width=16, layers=1, text_width=32, lyric=LyricEncoderConfig(width=32, heads=4, hidden=64, layers=6)
)
VOCODER = VocoderConfig(depths=(1, 1, 2, 1), widths=(16, 24, 32, 48), head_width=256)


def read(name: str) -> tuple[Arrays, dict[str, torch.Tensor]]:
    """Return all recorded arrays of a file by name, and those that are weights by their names in the network, without
    the prefix "weights/".
    """
    arrays = {key: torch.tensor(value) for key, value in np.load(DATA / name).items()}
    return arrays, {key.removeprefix("weights/"): value for key, value in arrays.items() if key.startswith("weights/")}


def close(ours: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-4) -> None:
    torch.testing.assert_close(ours, expected, rtol=0, atol=tolerance)


@pytest.fixture(scope="module")
def recorded() -> Arrays:
    return read("transformer.npz")[0]


@pytest.fixture(scope="module")
def transformer() -> Transformer:
    with torch.device("meta"):
        model = Transformer(ONE_BLOCK)
    model.load_state_dict(read("transformer.npz")[1], strict=True, assign=True)
    return model.eval().requires_grad_(False)


@pytest.fixture
def made(transformer: Transformer) -> Iterator[dict[str, torch.Tensor]]:
    """Yield a dictionary in which each module of the transformer stores its latest output, by module name."""
    seen: dict[str, torch.Tensor] = {}

    def listen(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def keep(_module: nn.Module, _given: object, output: torch.Tensor) -> None:
            seen[name] = output

        return module.register_forward_hook(keep)

    handles = [listen(name, module) for name, module in transformer.named_modules()]
    yield seen
    for handle in handles:
        handle.remove()


def test_prompt_and_words_become_the_context_of_the_original(
    transformer: Transformer, recorded: Arrays, made: dict[str, torch.Tensor]
) -> None:
    given = recorded["in/text"], recorded["in/lyric_ids"], recorded["in/lyric_mask"].bool()
    close(transformer.context(*given, None, recorded["in/speaker"]), recorded["full/encoder_hidden_states"], 1e-5)
    for name in [name for name in recorded if name.startswith("tap/lyric") and name.removeprefix("tap/") in made]:
        close(made[name.removeprefix("tap/")], recorded[name], 1e-5)
    weak = transformer.context(*given, ERG_FACTOR, recorded["in/speaker"])
    close(weak, recorded["erg_lyric/encoder_hidden_states"], 1e-5)


def test_a_block_makes_what_that_of_the_original_makes(
    transformer: Transformer, recorded: Arrays, made: dict[str, torch.Tensor]
) -> None:
    context = recorded["full/encoder_hidden_states"]
    caches = [transformer.cached(context[row : row + 1]) for row in range(2)]
    contexts = dataclasses.replace(ContextBatch.of(caches), mask=recorded["full/encoder_mask"].bool())
    transformer(recorded["in/latents"], recorded["in/timestep"], contexts)
    for name in ("timestep_embedder", "t_block", "proj_in", "transformer_blocks.0"):
        close(made[name], recorded[f"tap/{name}"])
    for part in ("attn", "cross_attn", "ff"):
        close(made[f"transformer_blocks.0.{part}"], recorded[f"tap/transformer_blocks.0.{part}"])


def test_tokens_become_the_latents_of_the_original(transformer: Transformer, recorded: Arrays) -> None:
    tokens, time = recorded["tap/transformer_blocks.23"], recorded["tap/timestep_embedder"]
    close(transformer.final_layer(tokens, time), recorded["full/sample"])


def test_positions_are_those_of_the_original(transformer: Transformer, recorded: Arrays) -> None:
    cos, sin = transformer.positions(37)
    assert torch.equal(cos, recorded["rope_cos"])
    assert torch.equal(-sin[:, 0::2], recorded["rope_sin"][:, 0::2])
    assert torch.equal(sin[:, 1::2], recorded["rope_sin"][:, 1::2])


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    """Return the vocoder with recorded weights; the layers without recorded weights stay on the meta device, without
    data.
    """
    with torch.device("meta"):
        model = Vocoder(VOCODER)
    found = model.load_state_dict(folded(read("vocoder.npz")[1]), strict=False, assign=True)
    assert not found.unexpected_keys
    assert {name.split(".")[1] for name in found.missing_keys} == {"conv_pre", "ups", "resblocks"}
    return model.eval().requires_grad_(False)


def test_mel_frames_become_the_features_of_the_original(vocoder: Vocoder) -> None:
    recorded = read("vocoder.npz")[0]
    close(vocoder.backbone(recorded["in/mel"]), recorded["tap/backbone"], 1e-5)


def test_the_end_of_the_vocoder_makes_the_samples_of_the_original(vocoder: Vocoder) -> None:
    recorded, head = read("vocoder.npz")[0], vocoder.head
    x = recorded["tap/head.ups.6"]
    x = torch.stack([block(x) for block in list(head.resblocks)[24:]]).mean(dim=0)
    close(torch.tanh(head.conv_post(nn.functional.silu(x))), recorded["wav"], 1e-5)


def test_sound_becomes_the_mel_frames_of_the_original(vocoder: Vocoder) -> None:
    recorded = read("vocoder.npz")[0]
    close(vocoder.mel_transform(recorded["in/wav"]), recorded["logmel"])


@pytest.fixture(scope="module")
def text_encoder() -> TextEncoder:
    folder = DATA / "text_encoder"
    part = dataclasses.replace(loading.PARTS[3], folder=Path(folder.name))
    assert read_header(folder / "model.safetensors").shapes
    model = loading._loaded(folder.parent, part, torch.device("cpu"), torch.float32)
    return TextEncoder(cast(T5Encoder, model), Tokenizer.from_file(str(folder / "tokenizer.json")))


@pytest.mark.parametrize(("factor", "name"), [(None, "last_hidden_state"), (ERG_FACTOR, "erg_last_hidden_state")])
def test_prompts_become_the_states_of_the_original(text_encoder: TextEncoder, factor: float | None, name: str) -> None:
    recorded, _ = read("umt5.npz")
    # The tolerance is larger than on the processor of the recording, because other processors sum in other orders.
    close(text_encoder.states(recorded["in/ids"], recorded["in/mask"], factor), recorded[name], 2e-5)


def test_latents_and_mel_frames_are_scaled_as_published() -> None:
    class Echo(nn.Module):
        """Network that returns its input."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    autoencoder = nn.Module()
    autoencoder.decoder = autoencoder.encoder = Echo()
    deaf = Vocoder(VOCODER)
    for held, name in ((deaf.mel_transform.spectrogram, "window"), (deaf.mel_transform.mel_scale, "fb")):
        held.get_buffer(name).zero_()
    codec = Codec(cast(Autoencoder, autoencoder), deaf)
    close(codec.mel(torch.tensor([[[[0.1786 * 2.9091]]]])), torch.tensor([[[3.0]]]), 1e-5)
    latents = codec.encode(torch.zeros(2, 4096))
    silence = (np.log(1e-5) + 11.0) / 14.0 * 2.0 - 1.0
    assert float(latents.min()) == pytest.approx((silence + 1.9091) * 0.1786, abs=1e-3)
