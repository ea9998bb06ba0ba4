"""Tiny checkpoints of ACE-Step 1.5 with random weights; the sound of their songs is noise."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from model.ace_step_15.networks.codec import Codec
from model.ace_step_15.networks.config import CodecConfig
from model.shared.checkpoints.adapter_folders import CONFIG, WEIGHTS
from tests.support.ace_step_15 import DATA

CODEC = CodecConfig(encoder_width=16, decoder_width=2, channels=8, multiples=(1, 1, 1, 1, 1))
WIDTH, INNER = 48, 64
"""Width of the denoiser of the recorded tensors, and width of its attention queries."""

ADAPTED = ("layers.1.self_attn.q_proj", "layers.2.cross_attn.q_proj")
LOUDNESS, SMALL_LOUDNESS = 0.02, 0.02
_WEIGHTS = Path("vae", "diffusion_pytorch_model.safetensors")


def write_checkpoint(folder: Path, variant: str = "base") -> Path:
    """Write the networks of the recorded tensors in diffusers' layout; their sample rate is 1000 Hz. Returns the
    folder.
    """
    shutil.copytree(DATA / "checkpoint", folder)
    weights = load_file(folder / _WEIGHTS)
    weights["decoder.conv2.weight_g"] *= SMALL_LOUDNESS
    save_file(weights, folder / _WEIGHTS)
    config = folder / "transformer" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | {"model_version": variant}), "utf-8")
    return folder


def write_full_rate(folder: Path) -> Path:
    """Write the same networks with an autoencoder for 48 kHz, the released sample rate; return the folder."""
    write_checkpoint(folder)
    values = {
        "encoder_hidden_size": CODEC.encoder_width, "decoder_channels": CODEC.decoder_width,
        "decoder_input_channels": CODEC.channels, "downsampling_ratios": CODEC.ratios,
        "channel_multiples": CODEC.multiples, "audio_channels": 2, "sampling_rate": CODEC.sample_rate,
    }  # fmt: skip
    (folder / "vae" / "config.json").write_text(json.dumps(values), "utf-8")
    save_file(_weights(), folder / _WEIGHTS)
    return folder


def _weights() -> dict[str, torch.Tensor]:
    """Return random weights of the autoencoder by name, with split weight normalisation, as in training."""
    generator, found = torch.Generator().manual_seed(0), {}
    for name, tensor in Codec(CODEC).state_dict().items():
        drawn = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() < 3 or name.endswith(("alpha", "beta")):
            found[name] = 0.1 * drawn
            continue
        fan = tensor[0].numel() if "conv_t1" not in name else tensor.shape[0] * 2
        scale = LOUDNESS if name == "decoder.conv2.weight" else 0.7
        whole = scale * drawn / fan**0.5
        found[f"{name}_v"] = whole
        found[f"{name}_g"] = torch.linalg.vector_norm(whole, dim=(1, 2), keepdim=True)
    return found


def write_adapter(folder: Path, seed: int = 0, rank: int = 4, names: Sequence[str] = ADAPTED) -> Path:
    """Write a random LoRA adapter in the format of PEFT, with the layer names of the original; return its folder."""
    folder.mkdir(parents=True)
    generator, tensors = torch.Generator().manual_seed(seed), {}
    for name in names:
        tensors[f"base_model.model.{name}.lora_A.weight"] = torch.randn(rank, WIDTH, generator=generator)
        tensors[f"base_model.model.{name}.lora_B.weight"] = torch.randn(INNER, rank, generator=generator)
    save_file(tensors, folder / WEIGHTS[1])
    (folder / CONFIG).write_text(json.dumps({"lora_alpha": 2 * rank, "r": rank}), "utf-8")
    return folder


def ace_step_15_options(folder: Path, variant: str = "base") -> dict[str, object]:
    """Write a tiny checkpoint into `folder`, and return the options with which the engine loads it."""
    return {"checkpoint": str(write_checkpoint(folder / "checkpoint", variant))}
