"""Tiny checkpoints of MusicGen with random weights, in the layout of the released ones; the sound of their songs is
noise.
"""

import json
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from torch import nn

from model.musicgen.loading.folders import CONFIG, PREPROCESSOR, TOKENIZER, WEIGHTS, read_config
from model.musicgen.networks.codec import Codec
from model.musicgen.networks.config import ModelConfig
from model.musicgen.networks.decoder import Decoder
from model.musicgen.networks.projections import Projections
from model.shared.networks.t5 import T5Encoder

VOCABULARY = 64


@dataclass(frozen=True)
class Kind:
    """Sizes of a tiny model: `rate` is the sample rate in hertz, the product of `ratios` the number of samples of a
    frame.
    """

    stereo: bool = False
    melody: bool = False
    rate: int = 1_000
    ratios: tuple[int, ...] = (8, 5, 5)
    seed: int = 0
    layers: int = 2


MONO, STEREO, MELODY = Kind(), Kind(stereo=True), Kind(melody=True)
FEW_FRAMES, FEW_MELODY = Kind(ratios=(10, 10, 10), layers=1), Kind(melody=True, ratios=(10, 10, 5), layers=1)
"""Tiny models with one or two frames per second, for tests that need only short token sequences; the second has a
melody input.
"""
FULL_RATE = Kind(rate=32_000, ratios=(8, 5, 4, 5, 8))
"""A tiny model with the released sample rate, and five frames per second instead of fifty."""


def write_checkpoint(folder: Path, kind: Kind = MONO) -> Path:
    """Write the checkpoint of a model of `kind` into `folder`, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config_of(kind)), "utf-8")
    generation = {"decoder_start_token_id": VOCABULARY, "pad_token_id": VOCABULARY, "bos_token_id": VOCABULARY}
    (folder / "generation_config.json").write_text(json.dumps(generation), "utf-8")
    if kind.melody:
        chroma = {"sampling_rate": kind.rate, "n_fft": kind.rate * 64 // 125, "hop_length": kind.rate * 16 // 125}
        (folder / PREPROCESSOR).write_text(json.dumps(chroma | {"chunk_length": 30}), "utf-8")
    _tokenizer().save(str(folder / TOKENIZER))
    save_file(weights_of(read_config(folder), kind), folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def musicgen_options(folder: Path, kind: Kind = FEW_FRAMES) -> dict[str, object]:
    """Write a tiny checkpoint into `folder`, and return the options with which the engine loads it."""
    return {"checkpoint": str(write_checkpoint(folder / "checkpoint", kind)), "section_seconds": 5.0, "step_frames": 5}


def config_of(kind: Kind) -> dict[str, Any]:
    """Return the content of `config.json` for a tiny model."""
    frame_bits = -(-kind.rate // torch.tensor(kind.ratios).prod().item()) * 6
    text = {
        "model_type": "t5", "vocab_size": len(string.printable) + 2, "d_model": 16, "d_kv": 8, "d_ff": 32,
        "num_layers": 2, "num_heads": 2, "feed_forward_proj": "relu",
    }  # fmt: skip
    codec = {
        "model_type": "encodec", "sampling_rate": kind.rate, "upsampling_ratios": kind.ratios, "num_filters": 2,
        "hidden_size": 16, "codebook_size": VOCABULARY, "codebook_dim": 16,
        "target_bandwidths": [4 * frame_bits / 1000], "use_causal_conv": False, "num_lstm_layers": 2,
        "use_conv_shortcut": False, "audio_channels": 1,
    }  # fmt: skip
    decoder = {
        "vocab_size": VOCABULARY, "hidden_size": 32, "ffn_dim": 64, "num_hidden_layers": kind.layers,
        "num_attention_heads": 4,
        "num_codebooks": 8 if kind.stereo else 4, "audio_channels": 2 if kind.stereo else 1,
        "pad_token_id": VOCABULARY, "bos_token_id": VOCABULARY, "max_position_embeddings": 64,
        "model_type": "musicgen_melody_decoder" if kind.melody else "musicgen_decoder",
    }  # fmt: skip
    made: dict[str, Any] = {"model_type": "musicgen_melody" if kind.melody else "musicgen"}
    made |= {"text_encoder": text, "audio_encoder": codec, "decoder": decoder}
    return made | ({"num_chroma": 12, "chroma_length": 235} if kind.melody else {})


def weights_of(config: ModelConfig, kind: Kind) -> dict[str, torch.Tensor]:
    """Return random weights under the names of the released checkpoints."""
    generator = torch.Generator().manual_seed(kind.seed)
    found = {}
    for name, network in _networks(config).items():
        for own, tensor in network.state_dict().items():
            found.update(_stored(_released_name(name, own), _drawn(own, tensor, generator, kind)))
    for layer in range(config.codec.codebooks):
        found |= _of_training(f"audio_encoder.quantizer.layers.{layer}.codebook", config)
    return {name: tensor.contiguous() for name, tensor in found.items()}


def _of_training(codebook: str, config: ModelConfig) -> dict[str, torch.Tensor]:
    """Return the tensors of a codebook that checkpoints contain but inference does not use."""
    size, width = config.codec.codebook_size, config.codec.width
    return {
        f"{codebook}.inited": torch.ones(1),
        f"{codebook}.cluster_size": torch.ones(size),
        f"{codebook}.embed_avg": torch.zeros(size, width),
    }


def _networks(config: ModelConfig) -> dict[str, nn.Module]:
    return {
        "text_encoder": T5Encoder(config.text), "audio_encoder": Codec(config.codec),
        "projections": Projections(config), "decoder": Decoder(config.decoder),
    }  # fmt: skip


def _released_name(network: str, name: str) -> str:
    if network == "projections":
        return name
    if network == "decoder" and not name.startswith("lm_heads."):
        return f"decoder.model.decoder.{name}"
    return f"{network}.{name}"


def _drawn(name: str, tensor: torch.Tensor, generator: torch.Generator, kind: Kind) -> torch.Tensor:
    """Return random weights that are large enough for tokens to differ, and small enough for sound of a moderate
    level.
    """
    drawn = torch.randn(tensor.shape, generator=generator)
    if "norm" in name and tensor.dim() == 1:
        return torch.ones_like(tensor) if name.endswith("weight") else 0.1 * drawn
    if name.endswith("embed"):
        return drawn
    if tensor.dim() == 3:
        fan = tensor[0].numel() if tensor.shape[2] < 8 else tensor.shape[0] * 2
        last = tensor.shape[0] == 1
        made: torch.Tensor = (0.3 if last else 1.0) * drawn / fan**0.5
        return made
    return 0.1 * drawn if tensor.dim() == 1 else 0.3 * drawn


def _stored(name: str, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return a tensor as checkpoints store it: weights of the codec's convolutions are split into norm and
    direction.
    """
    if tensor.dim() != 3:
        return {name: tensor}
    split = f"{name.removesuffix('weight')}parametrizations.weight.original"
    return {f"{split}0": torch.linalg.vector_norm(tensor, dim=(1, 2), keepdim=True), f"{split}1": tensor}


def _tokenizer() -> Tokenizer:
    """Return a tokenizer with one token for each printable character."""
    pieces = [("<unk>", -20.0), ("</s>", 0.0), *((sign, -1.0) for sign in string.printable)]
    tokenizer = Tokenizer(Unigram(pieces, 0, byte_fallback=False))
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer
