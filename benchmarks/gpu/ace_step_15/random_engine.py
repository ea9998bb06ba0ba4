"""Loads ACE-Step 1.5 at full size with random weights: cost and memory are realistic, the sound is noise."""

import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

import torch
from torch import nn

from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.loading.layouts import Part, made
from model.shared.checkpoints.filling import skeleton
from tests.support.ace_step_15_checkpoint import write_checkpoint

_ATTENTION = MappingProxyType(
    {"head_dim": 128, "num_attention_heads": 16, "num_key_value_heads": 8, "sliding_window": 128}
)
_WIDE = MappingProxyType({"hidden_size": 2048, "intermediate_size": 6144, **_ATTENTION})

RELEASED: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "transformer": {
            **_WIDE, "num_hidden_layers": 24, "audio_acoustic_hidden_dim": 64, "in_channels": 192,
            "encoder_hidden_size": 2048,
        },
        "condition_encoder": {
            **_WIDE, "num_lyric_encoder_hidden_layers": 8, "num_timbre_encoder_hidden_layers": 4,
            "text_hidden_dim": 1024, "timbre_hidden_dim": 64,
        },
        "audio_tokenizer": {**_WIDE, "audio_acoustic_hidden_dim": 64, "fsq_dim": 2048},
        "audio_token_detokenizer": {**_WIDE, "audio_acoustic_hidden_dim": 64},
        "text_encoder": {
            "hidden_size": 1024, "intermediate_size": 3072, "head_dim": 128, "num_attention_heads": 16,
            "num_key_value_heads": 8, "num_hidden_layers": 28, "vocab_size": 151_669,
        },
        "vae": {
            "encoder_hidden_size": 128, "decoder_channels": 128, "decoder_input_channels": 64,
            "downsampling_ratios": [2, 4, 4, 6, 10], "channel_multiples": [1, 2, 4, 8, 16], "sampling_rate": 48_000,
        },
    }
)  # fmt: skip
"""Sizes of the released networks (2B), by the folders of their configurations."""

_SEED = 20_000


def load(device: str, *, small: bool, variant: str = "turbo", **options: object) -> AceStep15Engine:
    """Load the engine as `AceStep15Engine.load` does, at full size with random networks in place of a checkpoint.

    With `small` it has the sizes of the tests' tiny checkpoint. `variant` is that of the model ("turbo", "base"), and
    `options` are settings of the engine.
    """
    with tempfile.TemporaryDirectory(prefix="ace-step-15-") as folder, ExitStack() as stack:
        checkpoint = write_checkpoint(Path(folder) / "checkpoint", variant)
        if not small:
            enlarge(checkpoint)
            stack.enter_context(patch("model.ace_step_15.loading.networks.faults", lambda _folders: []))
            stack.enter_context(patch("model.ace_step_15.loading.networks._loaded", drawn))
        return AceStep15Engine.load(device, checkpoint=str(checkpoint), **options)


def enlarge(checkpoint: Path) -> None:
    """Write the sizes of the released model into the configuration files of a checkpoint."""
    for folder, sizes in RELEASED.items():
        path = checkpoint / folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | dict(sizes)), "utf-8")


def drawn(_name: str, part: Part, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Return the network of `part` of a checkpoint with the same random weights at every call, scaled so that
    activations stay finite in bfloat16.
    """
    network = skeleton(lambda: made(part))
    network.to(dtype).to_empty(device=device).eval().requires_grad_(False)
    generator = torch.Generator(device).manual_seed(_SEED)
    for module in network.modules():
        for name, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            _fill(module, name, tensor, generator)
    return network


def _fill(module: nn.Module, name: str, tensor: torch.Tensor, generator: torch.Generator) -> None:
    if type(module).__name__ == "Norm":
        tensor.fill_(1.0)
    elif name in ("alpha", "beta", "bias"):
        tensor.zero_()
    elif tensor.dim() >= 2:
        tensor.normal_(0.0, max(1, tensor[0].numel()) ** -0.5, generator=generator)
    else:
        tensor.zero_()
