"""A tiny checkpoint of ACE-Step with random weights, and a lyric vocabulary for it; the sound of its songs is noise."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from model.ace_step.lyrics.languages import IDS
from model.ace_step.lyrics.tags import TAGS
from model.ace_step.networks.autoencoder import Autoencoder
from model.ace_step.networks.config import (
    LyricEncoderConfig,
    TransformerConfig,
    VocoderConfig,
    autoencoder_config,
    text_encoder_config,
)
from model.ace_step.networks.transformer import Transformer
from model.ace_step.networks.vocoder import Vocoder
from model.shared.checkpoints.adapter_folders import CONFIG, WEIGHTS
from model.shared.networks.t5 import T5Encoder

TRANSFORMER = TransformerConfig(
    heads=2, head_width=8, layers=20, patch_width=64, text_width=16, max_position=4096,
    lyric=LyricEncoderConfig(width=16, heads=2, hidden=32, layers=6),
)  # fmt: skip
VOCODER = VocoderConfig(
    depths=(1, 1, 1, 1), widths=(8, 8, 8, 8), head_width=8, rates=(8, 8, 8), rate_kernels=(16, 16, 16),
    block_kernels=(3,), dilations=(1,),
)  # fmt: skip
ADAPTED = "transformer_blocks.0.attn.to_q"
LOUDNESS = 6.0
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"


def write_checkpoint(folder: Path, seed: int = 0) -> Path:
    """Write the tiny random checkpoint in the released layout, and return its folder."""
    return Path(shutil.copytree(_checkpoint(seed), folder))


@cache
def _checkpoint(seed: int) -> Path:
    """Return the folder of a checkpoint to copy, which is deleted when this process ends."""
    kept = tempfile.TemporaryDirectory(prefix="checkpoint-")
    atexit.register(kept.cleanup)
    folder = Path(kept.name)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _write(folder / "ace_step_transformer", _transformer_config(), _noisy(Transformer(TRANSFORMER), 0.1))
        autoencoder = _autoencoder_config()
        _write(folder / "music_dcae_f8c8", autoencoder, _noisy(Autoencoder(autoencoder_config(autoencoder)), 0.1))
        _write(folder / "music_vocoder", _vocoder_config(), _vocoder_weights())
        text = _text_config()
        weights = _noisy(T5Encoder(text_encoder_config(text)), 0.2)
        _write(folder / "umt5-base", text, weights, "model.safetensors")
    _prompt_tokenizer().save(str(folder / "umt5-base" / "tokenizer.json"))
    return folder


def ace_step_options(folder: Path) -> dict[str, object]:
    """Write a tiny checkpoint into `folder`, and return the options with which the engine loads it."""
    checkpoint, vocabulary = write_checkpoint(folder / "checkpoint"), write_vocabulary(folder / "vocab.json")
    return {"checkpoint": str(checkpoint), "lyric_vocab": str(vocabulary)}


def write_adapter(folder: Path, name: str = ADAPTED, rank: int = 4, **config: object) -> Path:
    """Write a random LoRA adapter of `rank` for the layer `name` into a new folder, with the configuration file
    `config` if it is not empty; return the folder.
    """
    folder.mkdir()
    width, generator = TRANSFORMER.width, torch.Generator().manual_seed(0)
    down, up = torch.randn(rank, width, generator=generator), torch.randn(width, rank, generator=generator)
    save_file({f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}, folder / WEIGHTS[0])
    if config:
        (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    return folder


def write_vocabulary(path: Path) -> Path:
    """Write a lyric vocabulary with the released special tokens and single letters; return its path."""
    marks = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, "[START]": 261}
    marks |= {f"[{'zh-cn' if language == 'zh' else language}]": number for language, number in IDS.items()}
    marks |= {f"[{tag}]": 6681 + index for index, tag in enumerate(TAGS)}
    vocabulary = {f"<{number}>": number for number in set(range(6693)) - set(marks.values())}
    for number, character in enumerate(CHARACTERS, 3):
        vocabulary[character] = vocabulary.pop(f"<{number}>")
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary | marks, merges=[], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(list(marks))
    tokenizer.save(str(path))
    return path


def _prompt_tokenizer() -> Tokenizer:
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {letter: number for number, letter in enumerate(CHARACTERS, 3)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def _noisy(model: torch.nn.Module, spread: float) -> dict[str, torch.Tensor]:
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=spread)
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _write(folder: Path, config: dict[str, Any], weights: dict[str, torch.Tensor], name: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(weights, folder / (name or "diffusion_pytorch_model.safetensors"))


def _vocoder_weights() -> dict[str, torch.Tensor]:
    model = Vocoder(VOCODER)
    for name, parameter in model.named_parameters():
        if name.endswith("gamma"):
            torch.nn.init.ones_(parameter)
        elif parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, a=0.5)
        elif name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
    weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    weights["head.conv_post.weight"] *= LOUDNESS
    bins, bands = VOCODER.n_fft // 2 + 1, VOCODER.bands
    weights["mel_transform.spectrogram.window"] = torch.hann_window(VOCODER.n_fft)
    weights["mel_transform.mel_scale.fb"] = torch.eye(bins)[:, :bands] * 0.01
    for name in [name for name in weights if name.startswith("head.") and name.endswith(".weight")]:
        whole = weights.pop(name)
        weights[f"{name}_g"] = torch.linalg.vector_norm(whole, dim=(1, 2), keepdim=True)
        weights[f"{name}_v"] = whole
    return weights


def _transformer_config() -> dict[str, Any]:
    return {
        "_class_name": "ACEStepTransformer2DModel", "attention_head_dim": TRANSFORMER.head_width, "in_channels": 8,
        "out_channels": 8, "inner_dim": TRANSFORMER.width, "lyric_encoder_vocab_size": TRANSFORMER.lyric_vocabulary,
        "lyric_hidden_size": TRANSFORMER.lyric.width, "max_height": 16, "max_position": TRANSFORMER.max_position,
        "max_width": TRANSFORMER.max_position, "mlp_ratio": 2.5, "num_attention_heads": TRANSFORMER.heads,
        "num_layers": TRANSFORMER.layers, "patch_size": [16, 1], "rope_theta": 1e6,
        "speaker_embedding_dim": TRANSFORMER.speaker_width, "text_embedding_dim": TRANSFORMER.text_width,
    }  # fmt: skip


def _autoencoder_config() -> dict[str, Any]:
    kinds = ["ResBlock"] * 3 + ["EfficientViTBlock"]
    return {
        "_class_name": "AutoencoderDC", "in_channels": 2, "latent_channels": 8, "attention_head_dim": 8,
        "encoder_block_out_channels": [8, 16, 16, 16], "decoder_block_out_channels": [8, 16, 16, 16],
        "encoder_block_types": kinds, "decoder_block_types": kinds,
        "encoder_layers_per_block": [1, 1, 1, 1], "decoder_layers_per_block": [1, 1, 1, 1],
        "encoder_qkv_multiscales": [[], [], [5], [5]], "decoder_qkv_multiscales": [[], [], [5], [5]],
        "decoder_norm_types": "rms_norm", "decoder_act_fns": "silu", "downsample_block_type": "Conv",
        "upsample_block_type": "interpolate", "scaling_factor": 0.41407,
    }  # fmt: skip


def _vocoder_config() -> dict[str, Any]:
    return {
        "_class_name": "ADaMoSHiFiGANV1", "sampling_rate": 44100, "n_fft": 2048, "win_length": 2048, "hop_length": 512,
        "n_mels": 128, "f_min": 40, "f_max": 16000, "input_channels": 128, "depths": list(VOCODER.depths),
        "dims": list(VOCODER.widths), "drop_path_rate": 0.0, "kernel_sizes": [7], "num_mels": VOCODER.widths[-1],
        "upsample_initial_channel": VOCODER.head_width, "upsample_rates": list(VOCODER.rates),
        "upsample_kernel_sizes": list(VOCODER.rate_kernels), "resblock_kernel_sizes": list(VOCODER.block_kernels),
        "resblock_dilation_sizes": [list(VOCODER.dilations)], "pre_conv_kernel_size": 13,
        "post_conv_kernel_size": 13, "use_template": False,
    }  # fmt: skip


def _text_config() -> dict[str, Any]:
    return {
        "architectures": ["UMT5EncoderModel"], "model_type": "umt5", "d_model": TRANSFORMER.text_width, "d_kv": 8,
        "d_ff": 32, "num_layers": 10, "num_heads": 2, "vocab_size": len(CHARACTERS) + 3,
        "feed_forward_proj": "gated-gelu", "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128, "layer_norm_epsilon": 1e-6, "pad_token_id": 0, "eos_token_id": 1,
        "tie_word_embeddings": False,
    }  # fmt: skip
