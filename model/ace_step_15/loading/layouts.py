"""Describes the two layouts of a checkpoint's folder: that of the library diffusers, and the original one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from torch import nn

from model.ace_step_15.loading import configs, names
from model.ace_step_15.loading.folders import (
    AUDIO_DETOKENIZER,
    AUDIO_TOKENIZER,
    CODEC,
    CONDITIONS,
    CONFIG,
    PLAIN_WEIGHTS,
    SILENCE,
    TEXT_ENCODER,
    TRANSFORMER,
    WEIGHTS,
    Folders,
)
from model.ace_step_15.loading.names import Rename
from model.ace_step_15.networks.codec import Codec
from model.ace_step_15.networks.conditions import ConditionEncoder, TextEncoder
from model.ace_step_15.networks.tokens import AudioDetokenizer, AudioTokenizer
from model.ace_step_15.networks.transformer import Transformer
from model.shared.checkpoints.configs import made_from
from model.shared.checkpoints.stored import index_of
from model.shared.checkpoints.weight_norm import folded

_BUFFER = "silence_latent"

Adapt = Callable[[Mapping[str, torch.Tensor]], Mapping[str, torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Part:
    """One network of a checkpoint: its config file, its file of weights, the function that renames its tensors, and its
    constructor.

    `extra` are tensors that are stored in separate files, by name.
    """

    config: Path
    weights: Path
    make: Callable[[configs.Values], nn.Module]
    rename: Rename = names.same
    adapt: Adapt = dict
    extra: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))


def parts_of(folders: Folders) -> Mapping[str, Part]:
    """Return descriptions of the networks of a checkpoint, by their folder names in the layout of diffusers."""
    made = _diffusers(folders) if folders.diffusers else _original(folders.model)
    return {**made, CODEC: _codec(folders.parts / CODEC), TEXT_ENCODER: _text_encoder(folders.text_encoder)}


def missing(folders: Folders) -> list[str]:
    """Return one sentence for each file of a checkpoint that is missing."""
    for folder in dict.fromkeys([folders.model, folders.parts]):
        if not folder.is_dir():
            return [f"{folder} is not a folder"]
    files = [folders.tokenizer]
    for part in parts_of(folders).values():
        index = index_of(part.weights)
        files += [part.config, index if index.is_file() else part.weights, *part.extra.values()]
    return [f"{path} is missing" for path in dict.fromkeys(files) if not path.is_file()]


def _diffusers(folders: Folders) -> dict[str, Part]:
    root = folders.model
    parts = {
        TRANSFORMER: _own(root / TRANSFORMER, lambda values: Transformer(configs.transformer_config(values))),
        CONDITIONS: _own(root / CONDITIONS, lambda values: ConditionEncoder(configs.condition_config(values))),
    }
    if folders.covers:
        parts[AUDIO_TOKENIZER] = _own(
            root / AUDIO_TOKENIZER, lambda values: AudioTokenizer(configs.token_config(values))
        )
        parts[AUDIO_DETOKENIZER] = _own(
            root / AUDIO_DETOKENIZER, lambda values: AudioDetokenizer(configs.token_config(values))
        )
    return parts


def _original(model: Path) -> dict[str, Part]:
    makers: tuple[Callable[[configs.Values], nn.Module], ...] = (
        lambda values: Transformer(configs.transformer_config(values)),
        lambda values: ConditionEncoder(configs.condition_config(configs.of_encoders(values))),
        lambda values: AudioTokenizer(configs.token_config(configs.of_encoders(values))),
        lambda values: AudioDetokenizer(configs.token_config(configs.of_encoders(values))),
    )
    named = (TRANSFORMER, CONDITIONS, AUDIO_TOKENIZER, AUDIO_DETOKENIZER)
    return {
        name: Part(
            model / CONFIG, model / PLAIN_WEIGHTS, make, rename,
            extra={_BUFFER: model / SILENCE} if name == CONDITIONS else {},
        )
        for name, make, rename in zip(named, makers, names.ORIGINAL, strict=True)
    }  # fmt: skip


def _own(folder: Path, make: Callable[[configs.Values], nn.Module]) -> Part:
    return Part(folder / CONFIG, folder / WEIGHTS, make)


def _codec(folder: Path) -> Part:
    return Part(folder / CONFIG, folder / WEIGHTS, lambda values: Codec(configs.codec_config(values)), adapt=folded)


def _text_encoder(folder: Path) -> Part:
    return Part(
        folder / CONFIG, folder / PLAIN_WEIGHTS, lambda values: TextEncoder(configs.text_config(values)),
        names.text_encoder,
    )  # fmt: skip


def made(part: Part) -> nn.Module:
    """Create a network with the sizes in its `config.json`. Raises EngineUnavailable, with the file's path in the text,
    if the file cannot be read or has values that ACE-Step 1.5 cannot have.
    """
    return made_from(part.config, part.make)
