"""The two layouts of a checkpoint's folder: diffusers', and the original."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from torch import nn

from model.ace_step_15.loading import configs, names
from model.ace_step_15.loading.names import Rename
from model.ace_step_15.networks.codec import Codec
from model.ace_step_15.networks.conditions import ConditionEncoder, TextEncoder
from model.ace_step_15.networks.tokens import AudioDetokenizer, AudioTokenizer
from model.ace_step_15.networks.transformer import Transformer
from model.engine import EngineUnavailable
from model.shared.checkpoints.configs import read_json
from model.shared.checkpoints.stored import index_of
from model.shared.checkpoints.weight_norm import folded

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
PLAIN_WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
INDEX = "model_index.json"
SILENCE = "silence_latent.pt"

TRANSFORMER, CONDITIONS, AUDIO_TOKENIZER, AUDIO_DETOKENIZER, CODEC, TEXT_ENCODER = (
    "transformer", "condition_encoder", "audio_tokenizer", "audio_token_detokenizer", "vae", "text_encoder",
)  # fmt: skip
ORIGINAL_TEXT_ENCODER = "Qwen3-Embedding-0.6B"
ORIGINAL_MODELS = "acestep-v15-*"

_BUFFER = "silence_latent"

Adapt = Callable[[Mapping[str, torch.Tensor]], Mapping[str, torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Part:
    """One network of a checkpoint: its config and weights, their names, and the constructor of its skeleton.

    `extra` are tensors in files of their own, by name.
    """

    config: Path
    weights: Path
    make: Callable[[configs.Values], nn.Module]
    rename: Rename = names.same
    adapt: Adapt = dict
    extra: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Layout:
    """The networks of a checkpoint by name, and the tokenizer of texts."""

    root: Path
    parts: Mapping[str, Part]
    tokenizer: Path

    @property
    def missing(self) -> list[str]:
        """One sentence for each file that is not there."""
        files = [self.tokenizer]
        for part in self.parts.values():
            weights = part.weights if not index_of(part.weights).is_file() else index_of(part.weights)
            files += [part.config, weights, *part.extra.values()]
        return [f"{path}: is missing" for path in dict.fromkeys(files) if not path.is_file()]


def layout_of(root: Path) -> Layout:
    """The layout of the checkpoint in the folder `root`.

    Raises:
        EngineUnavailable: it is neither of the two.
    """
    if not root.is_dir():
        raise EngineUnavailable(f"{root}: is not a folder")
    return _diffusers(root) if (root / INDEX).is_file() else _original(root)


def _diffusers(root: Path) -> Layout:
    parts = {
        TRANSFORMER: _own(root / TRANSFORMER, lambda values: Transformer(configs.transformer_config(values))),
        CONDITIONS: _own(root / CONDITIONS, lambda values: ConditionEncoder(configs.condition_config(values))),
        CODEC: _codec(root / CODEC),
        TEXT_ENCODER: _text_encoder(root / TEXT_ENCODER),
    }
    # Checkpoints that were converted before covers were possible lack these two.
    if (root / AUDIO_TOKENIZER).is_dir() or (root / AUDIO_DETOKENIZER).is_dir():
        parts[AUDIO_TOKENIZER] = _own(
            root / AUDIO_TOKENIZER, lambda values: AudioTokenizer(configs.token_config(values))
        )
        parts[AUDIO_DETOKENIZER] = _own(
            root / AUDIO_DETOKENIZER, lambda values: AudioDetokenizer(configs.token_config(values))
        )
    return Layout(root, parts, root / "tokenizer" / TOKENIZER)


def _original(root: Path) -> Layout:
    model = _model_folder(root)
    beside = root if (root / CODEC).is_dir() else model.parent
    makers: tuple[Callable[[configs.Values], nn.Module], ...] = (
        lambda values: Transformer(configs.transformer_config(values)),
        lambda values: ConditionEncoder(configs.condition_config(configs.of_encoders(values))),
        lambda values: AudioTokenizer(configs.token_config(configs.of_encoders(values))),
        lambda values: AudioDetokenizer(configs.token_config(configs.of_encoders(values))),
    )
    named = (TRANSFORMER, CONDITIONS, AUDIO_TOKENIZER, AUDIO_DETOKENIZER)
    parts = {
        name: Part(
            model / CONFIG, model / PLAIN_WEIGHTS, make, rename,
            extra={_BUFFER: model / SILENCE} if name == CONDITIONS else {},
        )
        for name, make, rename in zip(named, makers, names.ORIGINAL, strict=True)
    }  # fmt: skip
    text = beside / ORIGINAL_TEXT_ENCODER
    parts |= {CODEC: _codec(beside / CODEC), TEXT_ENCODER: _text_encoder(text)}
    return Layout(root, parts, text / TOKENIZER)


def _model_folder(root: Path) -> Path:
    """The folder of the original's own weights: `root`, or its only folder of a model."""
    if (root / PLAIN_WEIGHTS).is_file() or index_of(root / PLAIN_WEIGHTS).is_file():
        return root
    found = sorted(path for path in root.glob(ORIGINAL_MODELS) if path.is_dir())
    if len(found) == 1:
        return found[0]
    if found:
        options = ", ".join(path.name for path in found)
        raise EngineUnavailable(f"{root}: holds several models ({options}); name the folder of one of them")
    raise EngineUnavailable(f"{root}: is no checkpoint of ACE-Step 1.5: it has neither {INDEX} nor {PLAIN_WEIGHTS}")


def _own(folder: Path, make: Callable[[configs.Values], nn.Module]) -> Part:
    return Part(folder / CONFIG, folder / WEIGHTS, make)


def _codec(folder: Path) -> Part:
    return Part(folder / CONFIG, folder / WEIGHTS, lambda values: Codec(configs.codec_config(values)), adapt=folded)


def _text_encoder(folder: Path) -> Part:
    return Part(
        folder / CONFIG, folder / PLAIN_WEIGHTS, lambda values: TextEncoder(configs.text_config(values)),
        names.text_encoder,
    )  # fmt: skip


def config_of(part: Part) -> configs.Values:
    """The `config.json` of a network."""
    return read_json(part.config)
